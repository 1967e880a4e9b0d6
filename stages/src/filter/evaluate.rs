//! Evaluates bound expressions on a batch, whole columns at a time. Not concerned with types, which were settled
//! when the expression was bound.

use std::cell::OnceCell;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray as _, BooleanArray, Datum, StringArray, UInt64Array};
use arrow::compute::kernels::cmp;
use arrow::compute::kernels::length::length;
use arrow::compute::kernels::zip::zip;
use arrow::compute::{
    and_kleene, contains, ends_with, ilike, is_not_null, is_null, like, not, or_kleene, starts_with, take,
};
use sternlight_engine::stage::StageError;
use sternlight_engine::trajectory::TrajectoryBatch;

use super::expression::{Comparison, Expression, Kind, OverTurns, TextFunction, TextTest};
use super::kernel;

/// For each trajectory of the batch, whether a boolean expression holds; null where that is unknown.
///
/// # Errors
/// If the batch lacks a column, or a kernel refuses.
pub(super) fn evaluate(expression: &Expression, batch: &TrajectoryBatch) -> Result<BooleanArray, StageError> {
    let evaluation = Evaluation { batch, row_of_turn: OnceCell::new() };
    let answers = evaluation.value(expression)?.repeated(batch.rows())?;
    Ok(answers.as_boolean().clone())
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
            Expression::Column(path, kind) => {
                let array = self.batch.column(path.as_str()).ok_or_else(|| {
                    StageError::new(format!("column `{path}` was not read, though the condition uses it"))
                })?;
                Ok(Value { array: kernel::convert(array, *kind)?, constant: false })
            }
            Expression::Spread(operand) => {
                let value = self.value(operand)?;
                match value.constant {
                    true => Ok(value),
                    false => value.map(|array| Ok(take(array, self.row_of_turn(), None)?)),
                }
            }
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
            Expression::OverTurns(over, operand) => {
                let array = self.value(operand)?.repeated(self.batch.turn_count())?;
                Ok(Value { array: self.over_turns(*over, &array)?, constant: false })
            }
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
    fn over_turns(&self, over: OverTurns, array: &ArrayRef) -> Result<ArrayRef, StageError> {
        let turns = (0..self.batch.rows()).map(|row| self.batch.turns_of(row));
        let answer = |turn: usize| {
            let answers = array.as_boolean();
            answers.is_valid(turn).then(|| answers.value(turn))
        };
        Ok(match over {
            OverTurns::Any => {
                Arc::new(turns.map(|mut turns| found(&mut turns, answer, true)).collect::<BooleanArray>())
            }
            OverTurns::All => {
                Arc::new(turns.map(|mut turns| found(&mut turns, answer, false)).collect::<BooleanArray>())
            }
            OverTurns::Count => kernel::integers(
                turns.map(|turns| Some(turns.filter(|turn| answer(*turn) == Some(true)).count() as i128)),
            ),
            OverTurns::First => take(
                array,
                &turns.map(|mut turns| turns.next().map(|turn| turn as u64)).collect::<UInt64Array>(),
                None,
            )?,
            OverTurns::Last => take(
                array,
                &turns.map(|mut turns| turns.next_back().map(|turn| turn as u64)).collect::<UInt64Array>(),
                None,
            )?,
        })
    }
}

/// Whether a turn decides the matter, as true decides an `or` and false an `and`: then that; else null if a turn
/// is null; else the opposite.
fn found(
    turns: &mut impl Iterator<Item = usize>,
    answer: impl Fn(usize) -> Option<bool>,
    decisive: bool,
) -> Option<bool> {
    let mut outcome = Some(!decisive);
    for turn in turns {
        match answer(turn) {
            Some(value) if value == decisive => return Some(decisive),
            Some(_) => {}
            None => outcome = None,
        }
    }
    outcome
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
