//! Calls a transform, and believes nothing it returns before it was measured.

use arrow::array::{Array as _, BooleanArray, new_empty_array};

use super::job::Job;
use crate::contract::Effect;
use crate::stage::{Context, Output, StageError, Transform};
use crate::trajectory::TrajectoryBatch;

/// What the stage makes of a batch; it is not called for one without rows.
pub(crate) fn apply(
    job: &Job<'_>,
    transform: &dyn Transform,
    batch: &TrajectoryBatch,
    context: &mut Context,
) -> Result<Output, StageError> {
    if batch.rows() == 0 {
        return Ok(match &job.contract.effect {
            Effect::Subset => Output::Keep(BooleanArray::from(Vec::<bool>::new())),
            _ => Output::Columns(job.adds().iter().map(|column| new_empty_array(&column.data_type)).collect()),
        });
    }
    let output = transform.apply(batch, context)?;
    match (&output, &job.contract.effect) {
        (Output::Keep(mask), Effect::Subset) if mask.len() == batch.rows() => Ok(output),
        (Output::Columns(arrays), Effect::Columns { adds, .. }) if arrays.len() == adds.len() => {
            for (array, column) in arrays.iter().zip(adds) {
                let expected = if column.path.turn_name().is_some() { batch.turn_count() } else { batch.rows() };
                if array.len() != expected || *array.data_type() != column.data_type {
                    return Err(StageError::new(format!(
                        "the stage returned {} values of type {} for column `{}`, expected {expected} of type {}",
                        array.len(),
                        array.data_type(),
                        column.path,
                        column.data_type
                    )));
                }
            }
            Ok(output)
        }
        _ => Err(StageError::new("the stage returned something else than its contract promises")),
    }
}
