//! A bound part of a condition: its expression with what the parts around it must know to join it. Not concerned
//! with the syntax it came from.

use std::ops::Range;

use arrow::array::{ArrayRef, new_null_array};
use sternlight_engine::problem::Problem;

use super::expression::{Expression, Kind};

/// How many values an expression has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// One.
    Constant,
    /// One a trajectory.
    Trajectory,
    /// One a turn.
    Turn,
}

/// A bound part of the condition.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    pub(super) expression: Expression,
    pub(super) kind: Kind,
    pub(super) level: Level,
    pub(super) range: Range<usize>,
}

impl Bound {
    pub(super) fn constant(array: ArrayRef, kind: Kind, range: Range<usize>) -> Self {
        Self { expression: Expression::Constant(array), kind, level: Level::Constant, range }
    }

    pub(super) fn map(self, kind: Kind, expression: impl FnOnce(Box<Expression>) -> Expression) -> Self {
        Self { expression: expression(Box::new(self.expression)), kind, ..self }
    }

    pub(super) fn at(self, range: Range<usize>) -> Self {
        Self { range, ..self }
    }

    /// As one value a turn where the other operands are such.
    pub(super) fn spread_to(self, level: Level) -> Self {
        match (self.level, level) {
            (Level::Trajectory, Level::Turn) => {
                Self { level, ..self.map_same(|expression| Expression::Spread(Box::new(expression))) }
            }
            _ => self,
        }
    }

    /// As another kind, which must be one that [`common_kind`] chose for it.
    pub(super) fn converted(self, kind: Kind) -> Self {
        match (self.kind, kind.data_type()) {
            (found, _) if found == kind => self,
            (Kind::Null, Some(data_type)) => {
                Self { expression: Expression::Constant(new_null_array(&data_type, 1)), kind, ..self }
            }
            _ => self.map(kind, |operand| Expression::Convert(operand, kind)),
        }
    }

    fn map_same(self, expression: impl FnOnce(Expression) -> Expression) -> Self {
        Self { expression: expression(self.expression), ..self }
    }
}

/// The kind that all operands of an operator are converted to. Constants adapt to columns, so that `reward = 0.1`
/// compares 32-bit floats; among columns the wider number wins.
pub(super) fn common_kind<'a>(operands: impl IntoIterator<Item = &'a Bound> + Clone) -> Option<Kind> {
    let kinds = |level: fn(Level) -> bool| {
        let mut kinds: Vec<Kind> = Vec::new();
        for operand in operands.clone() {
            if operand.kind != Kind::Null && level(operand.level) && !kinds.contains(&operand.kind) {
                kinds.push(operand.kind);
            }
        }
        kinds
    };
    let (all, columns) = (kinds(|_| true), kinds(|level| level != Level::Constant));
    match all.as_slice() {
        [] => Some(Kind::Null),
        [kind] => Some(*kind),
        several if several.iter().all(|kind| kind.is_number()) => Some(match columns.as_slice() {
            [Kind::Single] => Kind::Single,
            _ => Kind::Double,
        }),
        _ => None,
    }
}

/// Two operands, or the faults of both.
pub(super) fn both<L, R>(
    left: Result<L, Vec<Problem>>,
    right: Result<R, Vec<Problem>>,
) -> Result<(L, R), Vec<Problem>> {
    match (left, right) {
        (Ok(left), Ok(right)) => Ok((left, right)),
        (Err(faults), Ok(_)) | (Ok(_), Err(faults)) => Err(faults),
        (Err(mut faults), Err(more)) => {
            faults.extend(more);
            Err(faults)
        }
    }
}

/// All operands, or the faults of each.
pub(super) fn all(operands: impl IntoIterator<Item = Result<Bound, Vec<Problem>>>) -> Result<Vec<Bound>, Vec<Problem>> {
    let (mut bound, mut faults) = (Vec::new(), Vec::new());
    for operand in operands {
        match operand {
            Ok(operand) => bound.push(operand),
            Err(found) => faults.extend(found),
        }
    }
    if faults.is_empty() { Ok(bound) } else { Err(faults) }
}

/// An operator over two operands of one kind.
pub(super) fn joined(
    kind: Kind,
    left: Bound,
    right: Bound,
    expression: impl FnOnce(Box<Expression>, Box<Expression>) -> Expression,
) -> Bound {
    let level = left.level.max(right.level);
    let range = left.range.start.min(right.range.start)..left.range.end.max(right.range.end);
    let (left, right) = (left.spread_to(level), right.spread_to(level));
    Bound { expression: expression(Box::new(left.expression), Box::new(right.expression)), kind, level, range }
}
