//! An expression as a stage holds it: parsed once, and bound to whatever columns a batch brings. Not concerned with what
//! becomes of its values.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use sternlight_engine::column::ColumnPath;
use sternlight_engine::problem::{Problem, Segment};
use sternlight_engine::stage::StageError;
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectorySchema};

use super::bind::bind;
use super::evaluate::evaluate;
use super::expression::{Expression, Kind};
use super::form::Form;
use super::parse::Condition;

/// An expression over the columns of trajectories.
#[derive(Debug)]
pub(crate) struct Formula {
    condition: Condition,
    /// Where its text stands below `with`.
    place: Vec<Segment>,
}

/// An expression at work.
#[derive(Debug)]
pub(crate) struct Evaluation<'a> {
    condition: &'a Condition,
    /// As bound to the schema of the last batch: nearly always that of the next one too.
    bound: Option<(SchemaRef, Expression)>,
}

/// What an expression comes to over the columns of a schema.
#[derive(Clone, Debug)]
pub(crate) struct Meaning {
    /// What its values are.
    pub(crate) kind: Kind,
    /// The columns that it needs.
    pub(crate) reads: Vec<ColumnPath>,
}

impl Formula {
    /// Parses a text that stands at this place below `with`.
    ///
    /// # Errors
    /// If it is not one SQL expression, or is too deep or too long.
    pub(crate) fn parse<S: Into<Segment>>(
        text: &str,
        form: Form,
        place: impl IntoIterator<Item = S>,
    ) -> Result<Self, Problem> {
        let place: Vec<Segment> = place.into_iter().map(Into::into).collect();
        match Condition::parse(text, form) {
            Ok(condition) => Ok(Self { condition, place }),
            Err(problem) => Err(Problem { path: place, ..problem }),
        }
    }

    /// Checks it against the columns of a schema.
    ///
    /// # Errors
    /// Every fault in it, with its place.
    pub(crate) fn over(&self, schema: &TrajectorySchema) -> Result<Meaning, Vec<Problem>> {
        match bind(&self.condition, schema) {
            Ok(bound) => Ok(Meaning { kind: bound.kind, reads: bound.reads }),
            Err(problems) => {
                Err(problems.into_iter().map(|problem| Problem { path: self.place.clone(), ..problem }).collect())
            }
        }
    }

    /// Begins work on batches.
    pub(crate) fn begin(&self) -> Evaluation<'_> {
        Evaluation { condition: &self.condition, bound: None }
    }
}

impl Evaluation<'_> {
    /// The expression's values: one a trajectory or, of a value of turns, one a turn. Their type is that of their kind.
    ///
    /// # Errors
    /// If the batch lacks a column, or a kernel refuses.
    pub(crate) fn values(&mut self, batch: &TrajectoryBatch) -> Result<ArrayRef, StageError> {
        let form = self.condition.form();
        evaluate(self.bound_to(&batch.record_batch().schema())?, form, batch)
    }

    /// A batch holds the columns that the expression reads, with the types that it was checked against, so binding
    /// it again gives the same expression.
    fn bound_to(&mut self, schema: &SchemaRef) -> Result<&Expression, StageError> {
        let bound = match self.bound.take() {
            Some(bound) if bound.0 == *schema => bound,
            _ => {
                let bound = bind(self.condition, &TrajectorySchema::new(Arc::clone(schema)));
                (Arc::clone(schema), bound.map_err(mismatch)?.expression)
            }
        };
        Ok(&self.bound.insert(bound).1)
    }
}

/// A batch that the expression does not fit, though the schema that was checked did.
fn mismatch(problems: Vec<Problem>) -> StageError {
    let messages: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
    StageError::new(messages.join("; "))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array as _, AsArray as _};
    use arrow::datatypes::Float32Type;

    use super::super::sample::batch;
    use super::*;

    fn formula(text: &str, form: Form) -> Result<Formula, Problem> {
        Formula::parse(text, form, ["derive", "x"])
    }

    fn meaning(text: &str, form: Form) -> Result<Meaning, String> {
        let schema = TrajectorySchema::new(batch().record_batch().schema());
        let formula = formula(text, form).map_err(|problem| problem.message)?;
        formula.over(&schema).map_err(|problems| {
            let texts: Vec<String> = problems
                .into_iter()
                .map(|problem| {
                    format!("{}{}", problem.message, problem.help.map(|help| format!(" ({help})")).unwrap_or_default())
                })
                .collect();
            texts.join("; ")
        })
    }

    fn values(text: &str, form: Form) -> ArrayRef {
        formula(text, form).unwrap().begin().values(&batch()).unwrap()
    }

    #[test]
    fn values_have_the_kind_of_what_they_are_made_of() {
        let kind = |text: &str| meaning(text, Form::OfTrajectory).unwrap().kind;
        assert_eq!(kind("reward * 2"), Kind::Single);
        assert_eq!(kind("length(turns) / 2"), Kind::Double);
        assert_eq!(kind("length(turns) + 1"), Kind::Integer);
        assert_eq!(kind("coalesce(env, 'none')"), Kind::Text);
        assert_eq!(kind("reward > 0"), Kind::Boolean);
        assert_eq!(kind("null"), Kind::Null);
        assert_eq!(kind("turns"), Kind::List);
    }

    #[test]
    fn a_constant_is_the_value_of_every_row_and_of_every_turn() {
        assert_eq!((values("1", Form::OfTrajectory).len(), values("1", Form::OfTurn).len()), (4, 5));
    }

    #[test]
    fn values_of_turns_come_from_turns_and_from_their_trajectories() {
        let rewards = |text: &str| values(text, Form::OfTurn).as_primitive::<Float32Type>().iter().collect::<Vec<_>>();
        assert_eq!(rewards("reward"), [Some(0.5), Some(0.1), None, Some(-1.0), None]);
        assert_eq!(rewards("trajectory.reward"), [Some(0.1), Some(0.1), Some(-2.0), Some(-2.0), None]);
        assert_eq!(rewards("reward - last_turn(turns.reward)"), [Some(0.4), Some(0.0), None, Some(0.0), None]);
        let reads = |text: &str| meaning(text, Form::OfTurn).unwrap().reads;
        assert_eq!(reads("trajectory.reward"), [ColumnPath::from("reward"), ColumnPath::from("turns")]);
        assert_eq!(reads("reward"), [ColumnPath::from("turns.reward")]);
        assert_eq!(reads("1"), [ColumnPath::from("turns")]);
    }

    #[test]
    fn messages_call_it_what_it_is() {
        let said = |text: &str, form| meaning(text, form).unwrap_err();
        insta::assert_snapshot!(said(" ", Form::OfTrajectory), @"the expression is empty");
        insta::assert_snapshot!(said("reward +", Form::OfTrajectory), @"expected an expression, found the end of the expression");
        insta::assert_snapshot!(said("reward 2", Form::OfTurn), @"expected the end of the expression or an operator, found `2`");
        insta::assert_snapshot!(said("env || 'x'", Form::OfTrajectory), @"expressions do not have the operator `||` (match patterns with `regexp_like(text, 'pattern')` or `like`)");
        insta::assert_snapshot!(said("tool_name", Form::OfTrajectory), @"`tool_name` is a column of turns: a trajectory has as many values as turns (say of which turn: `first_turn(tool_name)`, `last_turn(tool_name)`; or derive a column of turns)");
        insta::assert_snapshot!(said("any_turn(any_turn(tool_error))", Form::OfTurn), @"`any_turn` is inside of another function over turns (each of them goes over all turns of the trajectory; join them with `and` or `or`)");
        insta::assert_snapshot!(said("rewrad", Form::OfTrajectory), @"there is no column `rewrad` (did you mean `reward`?)");
        let problem = formula("reward > > 0", Form::OfTrajectory).unwrap_err();
        assert_eq!((problem.path, problem.within), (vec!["derive".into(), "x".into()], Some(9..10)));
    }
}
