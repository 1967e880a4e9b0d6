//! What a stage reads: the dataset of its port `data`, whose rows its work is cut by, and whatever else comes in beside it.

use std::path::PathBuf;
use std::sync::Arc;

use super::one::Artifact;
use super::policy::Policy;
use super::table::Table;
use crate::dataset::{Dataset, Facts};
use crate::error::StageError;
use crate::trajectory::TrajectorySchema;

/// What a stage reads.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// The dataset whose rows the work is cut by: those of all stages that the port `data` joins, one after the other. It
    /// has no shards if nothing comes in there, or something else.
    pub data: Arc<Dataset>,
    /// What comes in beside it, by port, in the order of the ports; a port that takes many may come several times.
    pub beside: Vec<(String, Artifact)>,
}

impl Inputs {
    /// A dataset alone.
    pub fn of(data: Arc<Dataset>) -> Self {
        Self { data, beside: Vec::new() }
    }

    /// Nothing: what a source without inputs reads. `root`: of the store.
    pub fn nothing(root: impl Into<PathBuf>) -> Self {
        let facts = Facts { adjacent: true, within_shards: true };
        let (schema, shards, lineage) = (TrajectorySchema::empty(), Vec::new(), Vec::new());
        Self::of(Arc::new(Dataset { root: root.into(), schema, shards, facts, lineage }))
    }

    /// Whether a policy that comes in has no files any more.
    pub fn has_released(&self) -> bool {
        self.beside.iter().any(|(_, artifact)| matches!(artifact, Artifact::Policy(policy) if policy.is_released()))
    }

    /// Rows of all that has rows.
    pub fn rows(&self) -> u64 {
        self.data.rows() + self.beside.iter().filter_map(|(_, artifact)| artifact.rows()).sum::<u64>()
    }

    /// What comes in beside the data by a port: nothing, if that is optional and not bound.
    pub fn all(&self, port: &str) -> impl Iterator<Item = &Artifact> {
        self.beside.iter().filter(move |(name, _)| name == port).map(|(_, artifact)| artifact)
    }

    /// The policy that comes in by a port.
    ///
    /// # Errors
    /// If none does: a fault of the stage, which has declared another port.
    pub fn policy(&self, port: &str) -> Result<&Arc<Policy>, StageError> {
        match self.all(port).next() {
            Some(Artifact::Policy(policy)) => Ok(policy),
            other => Err(unfitting(port, "policy", other)),
        }
    }

    /// The table that comes in by a port.
    ///
    /// # Errors
    /// If none does: a fault of the stage, which has declared another port.
    pub fn table(&self, port: &str) -> Result<&Arc<Table>, StageError> {
        match self.all(port).next() {
            Some(Artifact::Table(table)) => Ok(table),
            other => Err(unfitting(port, "table", other)),
        }
    }
}

fn unfitting(port: &str, wanted: &str, found: Option<&Artifact>) -> StageError {
    let found = found.map_or_else(|| "nothing".to_owned(), |found| format!("a {}", found.kind()));
    StageError::new(format!("the stage expects a {wanted} as `{port}`, and {found} comes in"))
        .help("this is a fault of the stage: what it reads must be what its ports say")
}
