//! The rows of a batch as attempts at tasks: which of them can be relabelled, and what they were told.

use arrow::array::{Array as _, StringArray};
use sternlight_engine::stage::StageError;
use sternlight_engine::trajectory::TrajectoryBatch;

use super::draw::Draw;

/// Read of every input.
pub(super) const ALWAYS: [&str; 2] = ["trajectory_id", "turns"];

/// Read where the input has them.
pub(super) const OPTIONAL: [&str; 2] = ["status", "prompt"];

/// A batch, and the columns that all ways look at.
pub(super) struct Attempts<'a> {
    pub(super) batch: &'a TrajectoryBatch,
    status: Option<&'a StringArray>,
    prompt: Option<&'a StringArray>,
}

impl<'a> Attempts<'a> {
    /// # Errors
    /// If a column has another type.
    pub(super) fn of(batch: &'a TrajectoryBatch) -> Result<Self, StageError> {
        let text = |path: &str| batch.column(path).map(|_| batch.text(path)).transpose();
        Ok(Self { batch, status: text("status")?, prompt: text("prompt")? })
    }

    /// The rows that can be relabelled: a run that broke for reasons outside the policy is an example of nothing, nor is one
    /// in which nothing was done.
    pub(super) fn rows(&self) -> impl Iterator<Item = usize> {
        let is_example = |row: &usize| !self.has_status(*row, "failed") && !self.batch.turns_of(*row).is_empty();
        (0..self.batch.rows()).filter(is_example)
    }

    /// Whether it was cut by a limit.
    pub(super) fn is_truncated(&self, row: usize) -> bool {
        self.has_status(row, "truncated")
    }

    fn has_status(&self, row: usize, status: &str) -> bool {
        self.status.is_some_and(|statuses| statuses.is_valid(row) && statuses.value(row) == status)
    }

    /// What the agent was told; nothing where nothing was recorded.
    pub(super) fn prompt(&self, row: usize) -> &'a str {
        text_at(self.prompt, row).unwrap_or_default()
    }

    /// The random numbers of a row.
    pub(super) fn draw(&self, seed: &blake3::Hash, row: usize) -> Draw {
        Draw::of(seed, &self.batch.name_of(row))
    }
}

/// The text at a place, if there is one.
pub(super) fn text_at(column: Option<&StringArray>, index: usize) -> Option<&str> {
    column.filter(|column| index < column.len() && column.is_valid(index)).map(|column| column.value(index))
}
