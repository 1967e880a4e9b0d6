//! Checks that a batch holds the trajectory schema's promises, naming row and column where it does not.

use std::fmt;

use arrow::array::Array as _;

use super::batch::TrajectoryBatch;
use super::schema::{canonical_type, is_required};
use crate::column::{ColumnPath, TURNS};

/// One broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Row in the batch, from 0; `None` if the whole column is at fault.
    pub row: Option<usize>,
    /// The column.
    pub column: ColumnPath,
    /// What was expected and what was found.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row {
            Some(row) => write!(formatter, "row {row}, column `{}`: {}", self.column, self.message),
            None => write!(formatter, "column `{}`: {}", self.column, self.message),
        }
    }
}

/// The first violation of each column that the batch holds: types of known columns, nulls where none may be,
/// unknown statuses, rewards that are not finite. Columns that are not in the batch are not judged.
pub fn validate(batch: &TrajectoryBatch) -> Vec<Violation> {
    let schema = super::TrajectorySchema::new(batch.record_batch().schema());
    let mut violations = Vec::new();
    for path in schema.paths() {
        let Some(array) = batch.column(path.as_str()) else { continue };
        let row_of = |index: usize| match path.turn_name() {
            None => index,
            Some(_) => batch.turn_offsets().partition_point(|offset| *offset <= index).saturating_sub(1),
        };
        let mut report =
            |row: Option<usize>, message: String| violations.push(Violation { row, column: path.clone(), message });
        if let Some(expected) = canonical_type(&path)
            && *array.data_type() != expected
        {
            report(None, format!("has type {}, expected {expected}", array.data_type()));
            continue;
        }
        if is_required(&path)
            && array.null_count() > 0
            && let Some(index) = (0..array.len()).find(|index| array.is_null(*index))
        {
            report(Some(row_of(index)), "is null, expected a value".to_owned());
            continue;
        }
        if path.as_str() == "status"
            && let Ok(statuses) = batch.text("status")
            && let Some(row) =
                (0..statuses.len()).find(|row| !matches!(statuses.value(*row), "done" | "truncated" | "failed"))
        {
            report(Some(row), format!("is `{}`, expected `done`, `truncated` or `failed`", statuses.value(row)));
        }
        if matches!(path.as_str(), "reward" | "turns.reward")
            && let Ok(rewards) = batch.float(path.as_str())
            && let Some(index) =
                (0..rewards.len()).find(|index| rewards.is_valid(*index) && !rewards.value(*index).is_finite())
        {
            report(Some(row_of(index)), format!("is {}, expected a finite number or null", rewards.value(index)));
        }
    }
    if let Some(list) = batch.turns_list()
        && list.null_count() > 0
    {
        let row = (0..list.len()).find(|row| list.is_null(*row));
        violations.push(Violation {
            row,
            column: ColumnPath::from(TURNS),
            message: "is null, expected a list, which may be empty".to_owned(),
        });
    }
    violations
}
