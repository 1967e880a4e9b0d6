//! How many action tokens each turn has, where that was recorded. The tokens themselves are not looked at.

use arrow::array::{Array as _, AsArray as _};
use sternlight_engine::stage::StageError;
use sternlight_engine::trajectory::TrajectoryBatch;

/// The column that the counts come from.
pub(crate) const ACTION_TOKENS: &str = "turns.action_tokens";

/// Action tokens of each turn; null where they were not recorded. `None` if the column was not read.
///
/// # Errors
/// If the column is not a list.
pub(crate) fn token_counts(batch: &TrajectoryBatch) -> Result<Option<Vec<Option<usize>>>, StageError> {
    let Some(column) = batch.column(ACTION_TOKENS) else { return Ok(None) };
    let lists = column.as_list_opt::<i32>().ok_or_else(|| {
        StageError::new(format!("column `{ACTION_TOKENS}` has type {}, expected a list of int32", column.data_type()))
    })?;
    let lengths = lists.offsets().lengths().enumerate();
    Ok(Some(lengths.map(|(turn, length)| lists.is_valid(turn).then_some(length)).collect()))
}
