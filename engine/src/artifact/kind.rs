//! The kinds of artifacts, and what is known of one before it is there.

use std::fmt;

use arrow::datatypes::SchemaRef;
use serde::{Deserialize, Serialize};

use super::policy::PolicyFacts;
use crate::trajectory::TrajectorySchema;

/// What an artifact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactKind {
    /// Trajectories: shards of Parquet column files.
    Dataset,
    /// A model that acts: a directory in the layout of Hugging Face checkpoints.
    Policy,
    /// A small table that is not trajectories: figures of an evaluation, steps of a training.
    Table,
}

impl fmt::Display for ArtifactKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Dataset => "dataset",
            Self::Policy => "policy",
            Self::Table => "table",
        })
    }
}

/// What is known of an artifact before it is there: carried through the graph when a pipeline is checked.
#[derive(Clone, Debug, PartialEq)]
pub enum ArtifactType {
    /// A dataset with these columns.
    Dataset(TrajectorySchema),
    /// A policy, as far as its configuration tells.
    Policy(PolicyFacts),
    /// A table with these columns.
    Table(SchemaRef),
}

impl ArtifactType {
    /// Its kind.
    pub fn kind(&self) -> ArtifactKind {
        match self {
            Self::Dataset(_) => ArtifactKind::Dataset,
            Self::Policy(_) => ArtifactKind::Policy,
            Self::Table(_) => ArtifactKind::Table,
        }
    }
}
