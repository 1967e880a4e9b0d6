//! The small object that makes a result exist: published once, never changed.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::key::KeyParts;
use crate::dataset::{DataFile, ExchangeFile, Selection, Shard, path_of};
use crate::stage::{Context, Exported};

/// The result of one part of a stage's work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// What the key was made of.
    pub parts: KeyParts,
    /// The result.
    pub outcome: Outcome,
    /// Metrics, highlights and warnings, so that a cached stage reports them again.
    pub context: Context,
}

/// What a part of a stage's work came to. Lists have one entry for each shard of the part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A new shard.
    Shard(Shard),
    /// Column files beside their shards.
    Columns(Vec<DataFile>),
    /// The rows that stay.
    Kept(Vec<Selection>),
    /// Files outside of the store.
    Exported(Exported),
    /// Rows between shards and partitions, kept while a run goes on.
    Exchanged(ExchangeFile),
}

impl Outcome {
    /// What cannot be, if anything: the commit may have been damaged.
    pub(crate) fn fault(&self) -> Option<String> {
        match self {
            Self::Shard(shard) => shard.fault(),
            Self::Columns(files) => files.iter().find_map(DataFile::fault),
            Self::Exchanged(file) => file.fault(),
            Self::Kept(_) | Self::Exported(_) => None,
        }
    }

    /// The data files that the result needs.
    pub fn files(&self) -> Vec<&DataFile> {
        match self {
            Self::Shard(shard) => shard.files.iter().collect(),
            Self::Columns(files) => files.iter().collect(),
            Self::Kept(_) | Self::Exported(_) | Self::Exchanged(_) => Vec::new(),
        }
    }

    /// Where they lie.
    pub(crate) fn paths(&self, root: &Path) -> Vec<PathBuf> {
        match self {
            Self::Exchanged(file) => vec![root.join(&file.path)],
            _ => self.files().into_iter().map(|file| path_of(root, file)).collect(),
        }
    }
}
