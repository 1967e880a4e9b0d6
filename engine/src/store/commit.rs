//! The small object that makes a result exist: published once, never changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::aside::Aside;
use super::key::KeyParts;
use super::sealed::{SealError, unseal};
use crate::artifact::{Policy, Table};
use crate::dataset::{DataFile, ExchangeFile, FilePath, Selection, Shard, path_in, path_of};
use crate::stage::{Context, Exported};

/// The form of commits that this version writes and reads. Raised when a commit of the same key says something else: then
/// the form must be part of keys, so that versions that share a store do not come upon each other's.
const FORM: u32 = 1;

fn first_form() -> u32 {
    1
}

/// The result of one part of a stage's work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    #[serde(default = "first_form")]
    form: u32,
    /// What the key was made of.
    pub parts: KeyParts,
    /// The result.
    pub outcome: Outcome,
    /// Metrics, highlights and warnings, so that a cached stage reports them again.
    pub context: Context,
    /// Rows that were put aside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aside: Vec<Aside>,
}

impl Commit {
    /// A result of which nothing was put aside.
    pub fn new(parts: KeyParts, outcome: Outcome, context: Context) -> Self {
        Self { form: FORM, parts, outcome, context, aside: Vec::new() }
    }

    /// The same result, of which these rows were put aside.
    #[must_use]
    pub fn with_aside(self, aside: impl IntoIterator<Item = Aside>) -> Self {
        Self { aside: aside.into_iter().collect(), ..self }
    }

    /// Reads a commit from the text of its file.
    pub(super) fn read(text: &[u8]) -> Result<Self, SealError> {
        let commit: Self = unseal(text)?;
        match commit.form {
            FORM => Ok(commit),
            other => Err(SealError::UnknownForm(format!("form {other}, expected {FORM}"))),
        }
    }

    /// Holds in memory only once what it has in common with the result of another part of the same work.
    pub(crate) fn share_with(&mut self, other: &Self) {
        match (&mut self.outcome, &other.outcome) {
            (Outcome::Shard(shard), Outcome::Shard(other)) => shard.share_with(other),
            (Outcome::Columns(files), Outcome::Columns(others)) => {
                files.iter_mut().zip(others).for_each(|(file, other)| file.digests.share_with(&other.digests));
            }
            _ => {}
        }
    }

    /// The data files that the result and the rows put aside need.
    pub fn files(&self) -> Vec<&DataFile> {
        let aside = self.aside.iter().flat_map(Aside::files);
        self.outcome.files().into_iter().chain(aside).collect()
    }

    /// What cannot be, if anything: it may have been damaged.
    pub(crate) fn fault(&self) -> Option<String> {
        self.outcome.fault().or_else(|| self.aside.iter().find_map(Aside::fault))
    }

    /// Where all that it needs lies.
    pub(crate) fn paths(&self, root: &Path) -> Vec<PathBuf> {
        match &self.outcome {
            Outcome::Exchanged(file) => vec![root.join(&file.path)],
            Outcome::Artifacts(outputs) => {
                let tables = outputs.values().filter_map(|output| match output {
                    StoredArtifact::Table(table) => Some(path_in(root, &table.place)),
                    // Looked at file by file.
                    StoredArtifact::Dataset(_) | StoredArtifact::Policy(_) => None,
                });
                tables.chain(self.data_paths(root)).collect()
            }
            _ => self.data_paths(root),
        }
    }

    /// Whether all that it needs is there, as far as names and lengths tell.
    pub(crate) fn is_complete(&self, root: &Path) -> bool {
        let policies_are = match &self.outcome {
            Outcome::Artifacts(outputs) => outputs.values().all(|output| match output {
                StoredArtifact::Policy(policy) => policy.is_there(root),
                StoredArtifact::Dataset(_) | StoredArtifact::Table(_) => true,
            }),
            _ => true,
        };
        policies_are && self.paths(root).iter().all(|path| path.exists())
    }

    fn data_paths(&self, root: &Path) -> Vec<PathBuf> {
        self.files().into_iter().map(|file| path_of(root, file)).collect()
    }

    /// Directories of data, relative to the store, that the result needs.
    pub(crate) fn directories(&self) -> impl Iterator<Item = &str> {
        let places: Vec<&FilePath> = match &self.outcome {
            Outcome::Artifacts(outputs) => outputs.values().flat_map(StoredArtifact::places).collect(),
            _ => Vec::new(),
        };
        self.files().into_iter().map(|file| &file.path).chain(places).filter_map(directory_of)
    }
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
    /// Copies of rows of one shard.
    Relabelled {
        /// What the shard itself has in addition, if it stays.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        beside: Option<DataFile>,
        /// The copies, if there are any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        copies: Option<Shard>,
    },
    /// Files outside of the store.
    Exported(Exported),
    /// Rows between shards and partitions, kept while a run goes on.
    Exchanged(ExchangeFile),
    /// All outputs of a stage that sees its inputs at once, by name.
    Artifacts(BTreeMap<String, StoredArtifact>),
}

/// An artifact as a commit keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredArtifact {
    /// The shards of a dataset; its columns are promised by the stage's contract.
    Dataset(Vec<Shard>),
    /// A policy.
    Policy(Policy),
    /// A table.
    Table(Table),
}

impl Outcome {
    /// What cannot be, if anything: the commit may have been damaged.
    pub(crate) fn fault(&self) -> Option<String> {
        match self {
            Self::Shard(shard) => shard.fault(),
            Self::Columns(files) => files.iter().find_map(DataFile::fault),
            Self::Relabelled { beside, copies } => {
                beside.as_ref().and_then(DataFile::fault).or_else(|| copies.as_ref().and_then(Shard::fault))
            }
            Self::Exchanged(file) => file.fault(),
            Self::Artifacts(outputs) => outputs.values().find_map(|output| match output {
                StoredArtifact::Dataset(shards) => shards.iter().find_map(Shard::fault),
                StoredArtifact::Policy(policy) => policy.fault(),
                StoredArtifact::Table(table) => table.fault(),
            }),
            Self::Kept(_) | Self::Exported(_) => None,
        }
    }

    /// The data files that the result needs.
    pub fn files(&self) -> Vec<&DataFile> {
        match self {
            Self::Shard(shard) => shard.files.iter().collect(),
            Self::Columns(files) => files.iter().collect(),
            Self::Relabelled { beside, copies } => {
                beside.iter().chain(copies.iter().flat_map(|shard| &shard.files)).collect()
            }
            Self::Artifacts(outputs) => outputs.values().flat_map(StoredArtifact::data_files).collect(),
            Self::Kept(_) | Self::Exported(_) | Self::Exchanged(_) => Vec::new(),
        }
    }
}

impl StoredArtifact {
    fn data_files(&self) -> impl Iterator<Item = &DataFile> {
        let shards = match self {
            Self::Dataset(shards) => shards.as_slice(),
            Self::Policy(_) | Self::Table(_) => &[],
        };
        shards.iter().flat_map(|shard| &shard.files)
    }

    /// Where its files lie, those of shards apart.
    pub(super) fn places(&self) -> Option<&FilePath> {
        match self {
            Self::Dataset(_) => None,
            Self::Policy(policy) => Some(&policy.place),
            Self::Table(table) => Some(&table.place),
        }
    }
}

/// The attempt's directory that something of the store lies in, relative to the store: `data/ab/NAME`.
pub(super) fn directory_of(place: &FilePath) -> Option<&str> {
    match place {
        FilePath::Store(relative) => directory_in(relative),
        FilePath::Outside(_) => None,
    }
}

/// The same of a path in the store.
pub(super) fn directory_in(relative: &str) -> Option<&str> {
    match relative.match_indices('/').nth(2) {
        Some((end, _)) => relative.get(..end),
        None => Some(relative),
    }
}
