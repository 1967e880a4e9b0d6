//! An artifact that is there, of whichever kind.

use std::sync::Arc;

use super::kind::ArtifactKind;
use super::policy::Policy;
use super::table::Table;
use crate::dataset::Dataset;

/// An artifact that is there. Copies share it.
#[derive(Clone, Debug)]
pub enum Artifact {
    /// Trajectories.
    Dataset(Arc<Dataset>),
    /// A model.
    Policy(Arc<Policy>),
    /// A table.
    Table(Arc<Table>),
}

impl Artifact {
    /// Its kind.
    pub fn kind(&self) -> ArtifactKind {
        match self {
            Self::Dataset(_) => ArtifactKind::Dataset,
            Self::Policy(_) => ArtifactKind::Policy,
            Self::Table(_) => ArtifactKind::Table,
        }
    }

    /// Rows, of what has rows.
    pub fn rows(&self) -> Option<u64> {
        match self {
            Self::Dataset(dataset) => Some(dataset.rows()),
            Self::Table(table) => Some(table.rows),
            Self::Policy(_) => None,
        }
    }
}
