//! Evaluates bound expressions on a batch, whole columns at a time. Not concerned with types, which were settled
//! when the expression was bound.

use std::cell::OnceCell;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray as _, BooleanArray, Datum, StringArray, UInt64Array};
use arrow::compute::kernels::cmp;
use arrow::compute::kernels::length::length;
use arrow::compute::kernels::zip::zip;
use arrow::compute::{
    and_kleene, contains, ends_with, ilike, is_not_null, is_null, like, not, or_kleene, starts_with, take,
};
use sternlight_engine::column::ColumnPath;
use sternlight_engine::stage::StageError;
use sternlight_engine::trajectory::TrajectoryBatch;

use super::expression::{Comparison, Expression, Kind, OverTurns, TextFunction, TextTest};
use super::form::Form;
use super::kernel;

/// The value of an expression for each trajectory of the batch, or for each turn if it is written for turns. Null where
/// that is unknown.
///
/// # Errors
/// If the batch lacks a column, or a kernel refuses.
pub(super) fn evaluate(expression: &Expression, form: Form, batch: &TrajectoryBatch) -> Result<ArrayRef, StageError> {
    let evaluation = Evaluation { batch, row_of_turn: OnceCell::new() };
    evaluation.value(expression)?.repeated(match form {
        Form::Condition | Form::OfTrajectory => batch.rows(),
        Form::OfTurn => batch.turn_count(),
    })
}

/// The value of an expression without columns, in an array of its own.
///
/// # Errors
/// If a kernel refuses.
pub(super) fn constant(expression: &Expression) -> Result<ArrayRef, StageError> {
    let nothing =
        TrajectoryBatch::new(arrow::array::RecordBatch::new_empty(Arc::new(arrow::datatypes::Schema::empty())))?;
    Ok(Evaluation { batch: &nothing, row_of_turn: OnceCell::new() }.value(expression)?.array)
}

/// What an expression came to: a column, or one value for all rows.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) array: ArrayRef,
    pub(super) constant: bool,
}

impl Datum for Value {
    fn get(&self) -> (&dyn Array, bool) {
        (self.array.as_ref(), self.constant)
    }
}

impl Value {
    /// As a column of this length.
    fn repeated(&self, length: usize) -> Result<ArrayRef, StageError> {
        match self.constant {
            true => Ok(take(&self.array, &UInt64Array::from(vec![0; length]), None)?),
            false => Ok(Arc::clone(&self.array)),
        }
    }

    fn map(self, operation: impl FnOnce(&ArrayRef) -> Result<ArrayRef, StageError>) -> Result<Self, StageError> {
        Ok(Self { array: operation(&self.array)?, constant: self.constant })
    }
}

struct Evaluation<'a> {
    batch: &'a TrajectoryBatch,
    /// For each turn of the batch, the row of its trajectory.
    row_of_turn: OnceCell<UInt64Array>,
}

impl Evaluation<'_> {
    fn value(&self, expression: &Expression) -> Result<Value, StageError> {
        match expression {
            Expression::Constant(array) => Ok(Value { array: Arc::clone(array), constant: true }),
            Expression::Column(path, kind) => self.column(path, *kind),
            Expression::Spread(operand) => self.spread(operand),
            Expression::Convert(operand, kind) => self.map(operand, |array| Ok(kernel::convert(array, *kind)?)),
            Expression::Not(operand) => self.map(operand, |array| Ok(Arc::new(not(array.as_boolean())?))),
            Expression::IsNull(operand) => self.map(operand, |array| Ok(Arc::new(is_null(array)?))),
            Expression::IsIn(operand, set) => self.map(operand, |array| Ok(Arc::new(kernel::is_in(array, set)?))),
            Expression::Absolute(operand) => self.map(operand, |array| Ok(kernel::absolute(array))),
            Expression::ListLength(operand) => {
                self.map(operand, |array| Ok(kernel::convert(&length(array)?, Kind::Integer)?))
            }
            Expression::Text(function, operand) => self.map(operand, |array| Ok(text(*function, array.as_string()))),
            Expression::Matches(operand, pattern) => self.map(operand, |array| {
                let matches = |text: Option<&str>| text.map(|text| pattern.is_match(text));
                Ok(Arc::new(array.as_string::<i32>().iter().map(matches).collect::<BooleanArray>()))
            }),
            Expression::Compare(comparison, left, right) => {
                self.combine(left, right, |left, right| Ok(Arc::new(compare(*comparison, left, right)?)))
            }
            Expression::Test(test, left, right) => {
                self.combine(left, right, |left, right| Ok(Arc::new(test_text(*test, left, right)?)))
            }
            Expression::Calculate(operator, left, right) => {
                self.combine(left, right, |left, right| Ok(kernel::calculate(*operator, left, right)))
            }
            Expression::And(left, right) => self.combine_columns(left, right, |left, right| {
                Ok(Arc::new(and_kleene(left.as_boolean(), right.as_boolean())?))
            }),
            Expression::Or(left, right) => self.combine_columns(left, right, |left, right| {
                Ok(Arc::new(or_kleene(left.as_boolean(), right.as_boolean())?))
            }),
            Expression::Coalesce(first, second) => {
                self.combine_columns(first, second, |first, second| Ok(zip(&is_not_null(first)?, first, second)?))
            }
            Expression::OverTurns(over, operand) => self.over_turns(*over, operand),
        }
    }

    fn column(&self, path: &ColumnPath, kind: Kind) -> Result<Value, StageError> {
        let array = self
            .batch
            .column(path.as_str())
            .ok_or_else(|| StageError::new(format!("column `{path}` was not read, though an expression uses it")))?;
        Ok(Value { array: kernel::convert(array, kind)?, constant: false })
    }

    fn spread(&self, operand: &Expression) -> Result<Value, StageError> {
        let value = self.value(operand)?;
        match value.constant {
            true => Ok(value),
            false => value.map(|array| Ok(take(array, self.row_of_turn(), None)?)),
        }
    }

    fn map(
        &self,
        operand: &Expression,
        operation: impl FnOnce(&ArrayRef) -> Result<ArrayRef, StageError>,
    ) -> Result<Value, StageError> {
        self.value(operand)?.map(operation)
    }

    /// For kernels that take constants as they are.
    fn combine(
        &self,
        left: &Expression,
        right: &Expression,
        operation: impl FnOnce(&Value, &Value) -> Result<ArrayRef, StageError>,
    ) -> Result<Value, StageError> {
        let (left, right) = (self.value(left)?, self.value(right)?);
        Ok(Value { array: operation(&left, &right)?, constant: left.constant && right.constant })
    }

    /// For kernels that take columns of the same length only.
    fn combine_columns(
        &self,
        left: &Expression,
        right: &Expression,
        operation: impl FnOnce(&ArrayRef, &ArrayRef) -> Result<ArrayRef, StageError>,
    ) -> Result<Value, StageError> {
        self.combine(left, right, |left, right| {
            let length = if left.constant { right.array.len() } else { left.array.len() };
            operation(&left.repeated(length)?, &right.repeated(length)?)
        })
    }

    fn row_of_turn(&self) -> &UInt64Array {
        self.row_of_turn.get_or_init(|| {
            (0..self.batch.rows()).flat_map(|row| self.batch.turns_of(row).map(move |_| row as u64)).collect()
        })
    }

    /// One value a trajectory from one a turn.
    fn over_turns(&self, over: OverTurns, operand: &Expression) -> Result<Value, StageError> {
        let array = self.value(operand)?.repeated(self.batch.turn_count())?;
        // What is unknown of a turn counts as no: else the opposite of an outcome would be unknown too, and most turns
        // lack something.
        let holds = |turn: usize| {
            let answers = array.as_boolean();
            answers.is_valid(turn) && answers.value(turn)
        };
        let rows = 0..self.batch.rows();
        let picked = |pick: fn(Range<usize>) -> Option<usize>| {
            let turns: UInt64Array =
                rows.clone().map(|row| pick(self.batch.turns_of(row)).map(|turn| turn as u64)).collect();
            take(&array, &turns, None)
        };
        let array = match over {
            OverTurns::Any => {
                Arc::new(rows.map(|row| Some(self.batch.turns_of(row).any(holds))).collect::<BooleanArray>())
            }
            OverTurns::All => {
                Arc::new(rows.map(|row| Some(self.batch.turns_of(row).all(holds))).collect::<BooleanArray>())
            }
            OverTurns::Count => kernel::integers(
                rows.map(|row| Some(self.batch.turns_of(row).filter(|turn| holds(*turn)).count() as i128)),
            ),
            OverTurns::First => picked(|mut turns| turns.next())?,
            OverTurns::Last => picked(|mut turns| turns.next_back())?,
        };
        Ok(Value { array, constant: false })
    }
}

fn compare(comparison: Comparison, left: &Value, right: &Value) -> Result<BooleanArray, StageError> {
    Ok(match comparison {
        Comparison::Equal => cmp::eq(left, right),
        Comparison::NotEqual => cmp::neq(left, right),
        Comparison::Less => cmp::lt(left, right),
        Comparison::LessOrEqual => cmp::lt_eq(left, right),
        Comparison::Greater => cmp::gt(left, right),
        Comparison::GreaterOrEqual => cmp::gt_eq(left, right),
        Comparison::Distinct => cmp::distinct(left, right),
        Comparison::NotDistinct => cmp::not_distinct(left, right),
    }?)
}

fn test_text(test: TextTest, left: &Value, right: &Value) -> Result<BooleanArray, StageError> {
    Ok(match test {
        TextTest::Like => like(left, right),
        TextTest::LikeIgnoringCase => ilike(left, right),
        TextTest::Contains => contains(left, right),
        TextTest::StartsWith => starts_with(left, right),
        TextTest::EndsWith => ends_with(left, right),
    }?)
}

fn text(function: TextFunction, texts: &StringArray) -> ArrayRef {
    match function {
        TextFunction::Length => kernel::characters(texts),
        TextFunction::Lower => Arc::new(texts.iter().map(|text| text.map(str::to_lowercase)).collect::<StringArray>()),
        TextFunction::Upper => Arc::new(texts.iter().map(|text| text.map(str::to_uppercase)).collect::<StringArray>()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{answers, floats, letters};

    /// What SQL's `and`, `or` and `not` say of true, false and null (unknown).
    #[test]
    fn logic_has_three_values() {
        let name = |value: Option<bool>| value.map_or("null", |value| if value { "true" } else { "false" });
        let values = [Some(true), Some(false), None];
        for left in values {
            let expected = left.map(|left| !left);
            assert_eq!(answers(&format!("not {}", name(left)), &floats(vec![None])).iter().next(), Some(expected));
            for right in values {
                let and = match (left, right) {
                    (Some(false), _) | (_, Some(false)) => Some(false),
                    (Some(true), Some(true)) => Some(true),
                    _ => None,
                };
                let or = match (left, right) {
                    (Some(true), _) | (_, Some(true)) => Some(true),
                    (Some(false), Some(false)) => Some(false),
                    _ => None,
                };
                for (operator, expected) in [("and", and), ("or", or)] {
                    let condition = format!("{} {operator} {}", name(left), name(right));
                    assert_eq!(answers(&condition, &floats(vec![None])).iter().next(), Some(expected), "{condition}");
                }
            }
        }
    }

    #[test]
    fn comparisons_with_null_are_null() {
        assert_eq!(letters("reward > 0"), "ynn?");
        assert_eq!(letters("not reward > 0"), "nyy?");
        assert_eq!(letters("reward = null"), "????");
        assert_eq!(letters("null = null"), "????");
        assert_eq!(letters("reward is null"), "nnny");
        assert_eq!(letters("reward is not null"), "yyyn");
        assert_eq!(letters("reward is distinct from null"), "yyyn");
        assert_eq!(letters("reward is not distinct from 0.1"), "ynnn");
        assert_eq!(letters("success is true"), "ynnn");
        assert_eq!(letters("success is not true"), "nyyy");
        assert_eq!(letters("success is false"), "nynn");
        assert_eq!(letters("success is not false"), "ynyy");
        assert_eq!(letters("success is unknown"), "nnyy");
        assert_eq!(letters("success"), "yn??");
        assert_eq!(letters("success = true"), "yn??");
        assert_eq!(letters("status <> 'done'"), "nynn");
    }

    #[test]
    fn numbers_compare_as_they_are_written() {
        assert_eq!(letters("reward = 0.1"), "ynn?");
        assert_eq!(letters("reward in (0.1, -2)"), "yyn?");
        assert_eq!(letters("reward between -2 and 0.1"), "yyy?");
        assert_eq!(letters("reward not between -2 and 0"), "ynn?");
        assert_eq!(letters("reward * 2 = 0.2"), "ynn?");
        assert_eq!(letters("reward = - 0.0"), "nny?");
        assert_eq!(letters("seed = 18446744073709551615"), "yn??");
        assert_eq!(letters("seed = 18446744073709551614"), "nn??");
        assert_eq!(letters("seed + 1 > 18446744073709551615"), "yn??");
        assert_eq!(letters("seed % 2 = 1"), "yy??");
        assert_eq!(letters("seed / 2 = 3.5"), "ny??");
        assert_eq!(letters("length(turns) > 1.5"), "yynn");
        assert_eq!(letters("length(turns) in (0, 1)"), "nnyy");
        assert_eq!(letters("-length(turns) = -2"), "yynn");
        assert_eq!(letters("abs(reward) = 2"), "nyn?");
        assert_eq!(letters("abs(null) = 2"), "????");
        assert_eq!(letters("1 + 2 * 3 = 7"), "yyyy");
    }

    #[test]
    fn what_has_no_result_is_null() {
        assert_eq!(letters("1 / reward > 0"), "yn??");
        assert_eq!(letters("1 % length(turns) = 1"), "yy?n");
        assert_eq!(letters("1 / 0 is null"), "yyyy");
        let numbers = floats(vec![Some(f64::NAN), Some(-0.0), Some(f64::INFINITY)]);
        let list = |condition: &str| answers(condition, &numbers).iter().collect::<Vec<_>>();
        assert_eq!(list("x is null"), [Some(true), Some(false), Some(false)]);
        assert_eq!(list("x in (0)"), [None, Some(true), Some(false)]);
        assert_eq!(list("x - x = 0"), [None, Some(true), None]);
    }

    #[test]
    fn lists_follow_null_logic() {
        assert_eq!(letters("env in ('shop', 'x')"), "yn??");
        assert_eq!(letters("env not in ('shop', 'x')"), "ny??");
        assert_eq!(letters("env in ('shop', null)"), "y???");
        assert_eq!(letters("env not in ('shop', null)"), "n???");
        assert_eq!(letters("env in (null)"), "????");
        assert_eq!(letters("null in ('shop')"), "????");
        assert_eq!(letters("trajectory_id in ('bad', group_id, env)"), "ny??");
    }

    #[test]
    fn texts() {
        assert_eq!(letters("length(env) = 5"), "ny??");
        assert_eq!(letters("lower(env) = 'größe'"), "ny??");
        assert_eq!(letters("upper(env) = 'SHOP'"), "yn??");
        assert_eq!(letters("env like '%ö%'"), "ny??");
        assert_eq!(letters("env like 's_op'"), "yn??");
        assert_eq!(letters("env like 's\\_op'"), "nn??");
        assert_eq!(letters("env not like 'S%'"), "yy??");
        assert_eq!(letters("env ilike 'GRÖ%'"), "ny??");
        assert_eq!(letters("env not ilike 'SHOP'"), "ny??");
        assert_eq!(letters("'shop' like env"), "yn??");
        assert_eq!(letters("env like null"), "????");
        assert_eq!(letters("contains(env, 'ho')"), "yn??");
        assert_eq!(letters("starts_with(env, 'Gr')"), "ny??");
        assert_eq!(letters("ends_with(trajectory_id, group_id)"), "nnnn");
        assert_eq!(letters("regexp_like(env, '^s.*p$')"), "yn??");
        assert_eq!(letters("coalesce(env, 'none') = 'none'"), "nnyy");
        assert_eq!(letters("coalesce(null, reward, 5) = 5"), "nnny");
        assert_eq!(letters("env < 'a'"), "ny??");
    }

    #[test]
    fn what_is_unknown_of_a_turn_counts_as_no() {
        assert_eq!(letters("any_turn(tool_name = 'refund')"), "ynnn");
        assert_eq!(letters("not any_turn(tool_name = 'refund')"), "nyyy");
        assert_eq!(letters("any_turn(not tool_name = 'refund')"), "yynn");
        assert_eq!(letters("any_turn(tool_name = 'search')"), "yynn");
        assert_eq!(letters("all_turns(tool_name = 'search')"), "nnyn");
        assert_eq!(letters("not all_turns(tool_name = 'search')"), "yyny");
        assert_eq!(letters("all_turns(tool_name is not null)"), "ynyn");
        assert_eq!(letters("count_turns(tool_name = 'search') = 1"), "yynn");
        assert_eq!(letters("any_turn(null)"), "nnnn");
        assert_eq!(letters("all_turns(false)"), "nnyn");
        assert_eq!(letters("count_turns(true) = length(turns)"), "yyyy");
        assert_eq!(letters("last_turn(tool_name) = 'refund'"), "y???");
        assert_eq!(letters("first_turn(turns.reward) is null"), "nyyy");
        assert_eq!(letters("any_turn(observation like 'after%talk')"), "nyny");
    }

    #[test]
    fn trajectories_columns_reach_their_turns() {
        assert_eq!(letters("any_turn(reward = trajectory.reward)"), "ynnn");
        assert_eq!(letters("any_turn(env = 'shop' and tool_name = 'refund')"), "ynnn");
        assert_eq!(letters("any_turn(env = 'shop')"), "ynnn");
        assert_eq!(letters("all_turns(length(turns) = 2)"), "yyyn");
        assert_eq!(letters("any_turn(coalesce(tool_name, env, 'none') = 'Größe')"), "nynn");
    }
}
