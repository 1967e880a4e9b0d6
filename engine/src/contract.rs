//! What a stage promises before it runs: the columns it reads and adds, and its effect on rows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::added_column::AddedColumn;
use crate::column::ColumnPath;
use crate::trajectory::{TrajectorySchema, lacking_columns};

/// How much a stage must see at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Rows are independent: any cut into batches gives the same result.
    #[default]
    Trajectory,
    /// Whole groups (rows of one `group_id`) at once; a batch holds one or more of them.
    Group,
    /// Every row of the dataset at once, in one batch.
    Dataset,
}

/// What becomes of the rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// The same rows with columns added, replaced or dropped.
    Columns {
        /// Columns added, or replaced where the input has them, in the order in which the stage returns them.
        adds: Vec<AddedColumn>,
        /// Columns that the output no longer has.
        drops: Vec<ColumnPath>,
    },
    /// Some of the rows, unchanged.
    Subset,
    /// Copies of rows under other goals, as new rows behind those that they are copies of, or in place of them. Only with
    /// [`Scope::Trajectory`].
    Relabelled {
        /// What relabelling says of rows and the input has no column for: see [`Effect::relabelled`].
        adds: Vec<AddedColumn>,
        /// Whether the originals stay.
        keep: Keep,
    },
    /// New rows of this schema, from outside.
    Source(TrajectorySchema),
    /// No rows: the stage writes something outside of the store.
    Sink,
}

/// Which rows a relabeller hands on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// The relabelled copies alone.
    Relabelled,
    /// The originals too.
    #[default]
    Both,
}

impl Effect {
    /// What a relabeller does to rows of this schema.
    pub fn relabelled(input: &TrajectorySchema, keep: Keep) -> Self {
        Self::Relabelled { adds: lacking_columns(input), keep }
    }
}

/// A stage's declaration, as a function of its options and its input's schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    /// Columns that must be in the input: only these reach the stage. `turns` alone asks for the turn counts.
    /// Optional columns are listed only if the input has them.
    pub reads: Vec<ColumnPath>,
    /// How much the stage must see at once.
    pub scope: Scope,
    /// What becomes of the rows.
    pub effect: Effect,
}

impl Contract {
    /// The schema of the output, given that of the input.
    pub fn output(&self, input: &TrajectorySchema) -> TrajectorySchema {
        match &self.effect {
            Effect::Columns { adds, drops } => {
                let kept = drops.iter().fold(input.clone(), |schema, path| schema.without(path));
                adds.iter().fold(kept, |schema, column| schema.with(&column.path, column.field()))
            }
            Effect::Relabelled { adds, .. } => {
                adds.iter().fold(input.clone(), |schema, column| schema.with(&column.path, column.field()))
            }
            Effect::Subset => input.clone(),
            Effect::Source(schema) => schema.clone(),
            Effect::Sink => TrajectorySchema::empty(),
        }
    }
}
