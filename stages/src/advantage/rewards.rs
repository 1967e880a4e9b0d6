//! Rewards as a batch has them: null stays null, and what is no number is an error. Where an outcome belongs among
//! the turns is the concern of `returns`.

use arrow::array::{Array as _, Float32Array};
use sternlight_engine::stage::StageError;
use sternlight_engine::trajectory::TrajectoryBatch;

/// The outcome reward of each row; null where the row is not scored, or the column was not read.
///
/// # Errors
/// If a reward is NaN or infinite, naming the trajectory.
pub(super) fn outcomes(batch: &TrajectoryBatch) -> Result<Vec<Option<f64>>, StageError> {
    if batch.column("reward").is_none() {
        return Ok(vec![None; batch.rows()]);
    }
    let rewards = batch.float("reward")?;
    if let Some(row) = not_finite(rewards) {
        return Err(StageError::new(format!(
            "`reward` is {}, expected a finite number, or null where nothing was scored",
            rewards.value(row)
        ))
        .trajectory(batch.name_of(row)));
    }
    Ok(rewards.iter().map(|reward| reward.map(f64::from)).collect())
}

/// The column of turn rewards, one value a turn; `None` if it was not read.
///
/// # Errors
/// If a reward is NaN or infinite, naming the trajectory and turn.
pub(super) fn turn_rewards(batch: &TrajectoryBatch) -> Result<Option<&Float32Array>, StageError> {
    if batch.column("turns.reward").is_none() {
        return Ok(None);
    }
    let rewards = batch.float("turns.reward")?;
    if let Some(index) = not_finite(rewards) {
        let offsets = batch.turn_offsets();
        let row = offsets.partition_point(|offset| *offset <= index).saturating_sub(1);
        return Err(StageError::new(format!(
            "`reward` of turn {} is {}, expected a finite number or null",
            index - batch.turns_of(row).start,
            rewards.value(index)
        ))
        .trajectory(batch.name_of(row)));
    }
    Ok(Some(rewards))
}

fn not_finite(rewards: &Float32Array) -> Option<usize> {
    (0..rewards.len()).find(|index| rewards.is_valid(*index) && !rewards.value(*index).is_finite())
}
