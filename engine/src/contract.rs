//! What a stage promises before it runs: the columns it reads and adds, and its effect on rows.

use arrow::datatypes::SchemaRef;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::added_column::AddedColumn;
use crate::artifact::{ArtifactType, PolicyFacts};
use crate::column::ColumnPath;
use crate::trajectory::{TrajectorySchema, lacking_columns};

/// The input that most stages have alone: a dataset, whose rows the stage's work is cut by.
pub const DATA: &str = "data";

/// The output that most stages have alone.
pub const OUT: &str = "out";

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
    /// What fills each of its outputs, by name: for a stage that sees all its inputs at once.
    Whole(Vec<(String, ArtifactType)>),
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

/// What is known of a stage's inputs before anything runs.
#[derive(Clone, Debug, PartialEq)]
pub struct InputTypes {
    data: TrajectorySchema,
    beside: Vec<(String, ArtifactType)>,
}

impl InputTypes {
    /// The columns of the dataset that the port `data` gets, and the types of what comes in beside it, by port.
    pub fn new(data: TrajectorySchema, beside: Vec<(String, ArtifactType)>) -> Self {
        Self { data, beside }
    }

    /// The columns of the dataset that the port `data` gets: none if nothing comes in there, or something else.
    pub fn data(&self) -> &TrajectorySchema {
        &self.data
    }

    /// The types of what comes in beside the data by a port.
    pub fn all(&self, port: &str) -> impl Iterator<Item = &ArtifactType> {
        self.beside.iter().filter(move |(name, _)| name == port).map(|(_, artifact)| artifact)
    }

    /// What is known of the policy that comes in by a port, if one does.
    pub fn policy(&self, port: &str) -> Option<&PolicyFacts> {
        self.all(port).find_map(|artifact| match artifact {
            ArtifactType::Policy(facts) => Some(facts),
            _ => None,
        })
    }

    /// The columns of the table that comes in by a port, if one does.
    pub fn table(&self, port: &str) -> Option<&SchemaRef> {
        self.all(port).find_map(|artifact| match artifact {
            ArtifactType::Table(schema) => Some(schema),
            _ => None,
        })
    }
}

/// A dataset of these columns alone.
impl From<&TrajectorySchema> for InputTypes {
    fn from(schema: &TrajectorySchema) -> Self {
        Self::new(schema.clone(), Vec::new())
    }
}

/// A stage's declaration, as a function of its options and of what is known of its inputs.
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
    /// What comes out, by the names of the outputs, given the columns that come in.
    pub fn outputs(&self, input: &TrajectorySchema) -> Vec<(String, ArtifactType)> {
        match &self.effect {
            Effect::Whole(outputs) => outputs.clone(),
            Effect::Sink => Vec::new(),
            _ => vec![(OUT.to_owned(), ArtifactType::Dataset(self.output(input)))],
        }
    }

    /// The columns of the dataset `out`, given those that come in: none if there is no such dataset.
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
            Effect::Whole(outputs) => match outputs.iter().find(|(name, _)| name == OUT) {
                Some((_, ArtifactType::Dataset(schema))) => schema.clone(),
                _ => TrajectorySchema::empty(),
            },
        }
    }
}
