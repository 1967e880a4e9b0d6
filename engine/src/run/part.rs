//! The parts of a stage's work, each of which is computed, committed and cached as one.

use std::sync::Arc;

use crate::artifact::Inputs;
use crate::stage::{StageError, Survey};
use crate::store::{Commit, Key, KeyParts, Store};

/// A piece of a stage's work.
pub(crate) struct Part {
    /// What it covers, for people.
    pub(crate) label: String,
    /// Shards of the input; of the survey for a source.
    pub(crate) shards: Vec<usize>,
    pub(crate) key: Key,
    pub(crate) parts: KeyParts,
    /// The result, if it is there.
    pub(crate) commit: Option<Arc<Commit>>,
}

/// A part before anybody looked whether its result is there.
pub(crate) struct Draft {
    pub(crate) label: String,
    pub(crate) shards: Vec<usize>,
    pub(crate) parts: KeyParts,
}

/// A stage's work, cut.
pub(crate) struct StageWork {
    /// What it reads.
    pub(crate) inputs: Inputs,
    /// What a source found.
    pub(crate) survey: Option<Survey>,
    /// What every part has in its key.
    pub(crate) common: KeyParts,
    /// Whether rows of all shards must be brought together before they can be computed.
    pub(crate) is_gathered: bool,
    pub(crate) parts: Vec<Part>,
    /// Bytes that the run may use.
    pub(crate) memory: u64,
}

impl From<Draft> for Part {
    fn from(Draft { label, shards, parts }: Draft) -> Self {
        Self { label, shards, key: parts.key(), parts, commit: None }
    }
}

impl Part {
    /// The result, if it is there now. What it has in common with that of another part is held in memory only once.
    pub(crate) fn committed(
        &self,
        store: &Store,
        other: Option<&Arc<Commit>>,
    ) -> Result<Option<Arc<Commit>>, StageError> {
        let Some(mut commit) = store.committed(&self.key)? else { return Ok(None) };
        commit.parts = self.parts.clone();
        other.into_iter().for_each(|other| commit.share_with(other));
        Ok(Some(Arc::new(commit)))
    }

    /// The one shard that it covers.
    pub(crate) fn shard(&self) -> Result<usize, StageError> {
        match self.shards.as_slice() {
            [index] => Ok(*index),
            _ => Err(StageError::new(format!("`{}` is not one shard", self.label))),
        }
    }
}

impl StageWork {
    /// Positions of the parts that have no result yet.
    pub(crate) fn missing(&self) -> Vec<usize> {
        (0..self.parts.len()).filter(|position| self.parts[*position].commit.is_none()).collect()
    }

    /// The results of all parts, in order; `None` if one is missing.
    pub(crate) fn commits(&self) -> Option<Vec<Arc<Commit>>> {
        self.parts.iter().map(|part| part.commit.clone()).collect()
    }
}
