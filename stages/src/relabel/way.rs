//! What every way of relabelling does: names the columns that it reads, and says what copies there are.

use sternlight_engine::column::ColumnPath;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{Context, StageError};
use sternlight_engine::trajectory::{Relabelled, TrajectorySchema};

use super::attempts::Attempts;

/// A way of telling what else an attempt is an example of.
pub(super) trait Way: Send + Sync {
    /// The columns that it reads of an input of this schema, besides those of [`Attempts`].
    ///
    /// # Errors
    /// If the input lacks what it needs.
    fn reads(&self, input: &TrajectorySchema) -> Result<Vec<ColumnPath>, Problem>;

    /// The copies, in the order of their originals.
    ///
    /// # Errors
    /// Naming the trajectory at fault.
    fn copies(&self, attempts: &Attempts<'_>, context: &mut Context) -> Result<Vec<Relabelled>, StageError>;
}

/// The columns among these that the input has.
pub(super) fn present(input: &TrajectorySchema, paths: &[&str]) -> Vec<ColumnPath> {
    paths.iter().filter(|path| input.has(path)).map(|path| ColumnPath::from(*path)).collect()
}

/// A success at another task: the outcome under the new goal is one whoever says which goal.
pub(super) fn success(row: usize, prompt: String, confidence: f32) -> Relabelled {
    Relabelled {
        row,
        prompt: Some(prompt),
        reward: Some(1.0),
        success: Some(true),
        confidence: Some(confidence),
        ..Relabelled::default()
    }
}
