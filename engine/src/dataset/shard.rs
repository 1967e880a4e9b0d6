//! The parts of a dataset: shards, and the files that hold their columns.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::digests::Digests;
use super::selection::Selection;
use super::shared::Shared;
use super::stamp::{KnownState, WhileRunning};
use crate::column::ColumnPath;
use crate::error::StageError;
use crate::trajectory::TrajectorySchema;

/// A dataset whose shards are all there: what a sink gets.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The store that relative file paths begin at.
    pub root: PathBuf,
    /// The columns.
    pub schema: TrajectorySchema,
    /// Runs of rows, in order.
    pub shards: Vec<Shard>,
    /// How groups lie.
    pub facts: Facts,
    /// The stages that it came through, in order.
    pub lineage: Vec<Arc<Lineage>>,
}

/// One stage on a dataset's way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lineage {
    /// The stage's name in the pipeline.
    pub stage: String,
    /// Its kind.
    pub uses: String,
    /// Its options as canonical JSON.
    pub options: String,
}

/// What is known about a dataset's groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Whether the rows of each group are neighbours.
    pub adjacent: bool,
    /// Whether no group lies in two shards.
    pub within_shards: bool,
}

/// Which of a shard's files holds a column.
pub type ColumnFiles = Shared<BTreeMap<ColumnPath, usize>>;

/// A run of rows, never across input files. Its columns lie in several Parquet files that have the same rows in
/// the same order and row groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// For people: where the rows came from.
    pub label: String,
    /// Rows of each row group: all of them, selected or not (*base* rows).
    pub row_groups: Vec<u64>,
    /// The rows that are part of the dataset; `None`: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<Selection>,
    /// Which of `files` holds a column.
    pub columns: ColumnFiles,
    /// The files.
    pub files: Vec<DataFile>,
}

/// A Parquet file that holds some columns of a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataFile {
    /// Where it lies.
    pub path: FilePath,
    /// The first of its row groups that belongs to the shard.
    pub first_row_group: usize,
    /// For files that were made by sternlight: digests of the compressed chunks, checked when they are read.
    #[serde(default, skip_serializing_if = "Digests::is_empty")]
    pub digests: Digests,
    /// For files that are referred to where they lie: what tells that they are unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// blake3 (hexadecimal) of the footer, checked when the file is opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub footer: Option<String>,
    /// For files that were made by sternlight: blake3 (hexadecimal) of what is neither a column chunk nor the footer, which
    /// only `verify` reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<String>,
    /// For files that are known by their size and time: both, checked when the file is opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<KnownState>,
    /// For files that are referred to where they lie, while a run reads them.
    #[serde(skip)]
    pub(crate) surveyed: WhileRunning,
    /// Whether it was made by sternlight of what somebody's file says: no more is promised of its values than of that
    /// file's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub amends: bool,
}

/// Where a file lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilePath {
    /// In the store, relative to its root.
    Store(String),
    /// Outside of it, absolute.
    Outside(PathBuf),
}

impl Dataset {
    /// Number of rows that are part of the dataset.
    pub fn rows(&self) -> u64 {
        self.shards.iter().map(Shard::rows).sum()
    }

    /// Absolute path of a file.
    pub fn path_of(&self, file: &DataFile) -> PathBuf {
        path_of(&self.root, file)
    }
}

/// Absolute path of a file of a store.
pub(crate) fn path_of(root: &Path, file: &DataFile) -> PathBuf {
    path_in(root, &file.path)
}

/// Absolute path of what lies in a store or outside.
pub(crate) fn path_in(root: &Path, place: &FilePath) -> PathBuf {
    match place {
        FilePath::Store(relative) => root.join(relative),
        FilePath::Outside(path) => path.clone(),
    }
}

/// Rows of a shard, and row groups of a file, are fewer: more come of damage alone, and sums of fewer do not overflow.
const LIMIT: u64 = 1 << 40;

/// Whether a path leads into the store that it begins at.
pub(super) fn is_inside(relative: &str) -> bool {
    Path::new(relative).components().all(|component| matches!(component, Component::Normal(_)))
}

impl DataFile {
    /// A file of the store.
    pub(crate) fn of_store(relative: String, digests: Digests, footer: String, rest: String) -> Self {
        let (path, surveyed) = (FilePath::Store(relative), WhileRunning::default());
        let (footer, rest) = (Some(footer), Some(rest));
        Self { path, first_row_group: 0, digests, identity: None, footer, rest, known: None, surveyed, amends: false }
    }

    /// What cannot be, if anything: a manifest may have been damaged.
    pub(crate) fn fault(&self) -> Option<String> {
        self.path.fault().or_else(|| {
            let is_beyond = self.first_row_group as u64 > LIMIT;
            is_beyond.then(|| format!("it begins at row group {}", self.first_row_group))
        })
    }
}

impl FilePath {
    /// What cannot be, if anything: a manifest may have been damaged.
    pub(crate) fn fault(&self) -> Option<String> {
        match self {
            Self::Store(relative) if !is_inside(relative) => Some(format!("`{relative}` is no file of the store")),
            _ => None,
        }
    }
}

impl Shard {
    /// What cannot be, if anything: a manifest or a footer may have been damaged.
    pub(crate) fn fault(&self) -> Option<String> {
        let rows = self.row_groups.iter().try_fold(0_u64, |rows, group| rows.checked_add(*group));
        let Some(rows) = rows.filter(|rows| *rows <= LIMIT) else {
            return Some("its row groups have more rows than there can be".to_owned());
        };
        if self.selection.as_ref().is_some_and(|selection| selection.end() > rows) {
            return Some(format!("rows are selected beyond its {rows} rows"));
        }
        if let Some((column, file)) = self.columns.iter().find(|(_, file)| **file >= self.files.len()) {
            return Some(format!("column `{column}` lies in file {file} of {}", self.files.len()));
        }
        self.files.iter().find_map(DataFile::fault)
    }

    /// Holds in memory only once what it has in common with another.
    pub(crate) fn share_with(&mut self, other: &Self) {
        self.columns.share_with(&other.columns);
        self.files.iter_mut().zip(&other.files).for_each(|(file, other)| file.digests.share_with(&other.digests));
    }

    /// All rows, selected or not.
    pub fn base_rows(&self) -> u64 {
        self.row_groups.iter().sum()
    }

    /// Selected rows.
    pub fn rows(&self) -> u64 {
        self.selection.as_ref().map_or_else(|| self.base_rows(), Selection::rows)
    }

    /// Some of its row groups as a shard of their own: the same rows of the same files.
    #[must_use]
    pub fn row_group_range(&self, row_groups: Range<usize>) -> Self {
        let rows_before: u64 = self.row_groups[..row_groups.start].iter().sum();
        let rows: u64 = self.row_groups[row_groups.clone()].iter().sum();
        let selection = self.selection.as_ref().map(|selection| selection.slice(&(rows_before..rows_before + rows)));
        let files = self.files.iter().map(|file| DataFile {
            first_row_group: file.first_row_group + row_groups.start,
            // Digests that are missing fail where the chunks are read.
            digests: file.digests.row_group_range(row_groups.clone()),
            ..file.clone()
        });
        Self {
            label: self.label.clone(),
            row_groups: self.row_groups[row_groups.clone()].to_vec(),
            selection: selection.filter(|selection| selection.rows() < rows),
            columns: self.columns.clone(),
            files: files.collect(),
        }
    }

    /// Which of its files holds a column.
    pub(super) fn index_of(&self, column: &ColumnPath) -> Result<usize, StageError> {
        self.columns.get(column).copied().ok_or_else(|| self.missing(column))
    }

    pub(super) fn missing(&self, column: &ColumnPath) -> StageError {
        StageError::new(format!("shard `{}` has no column `{column}`", self.label))
    }

    /// The file that holds a column.
    pub fn file_of(&self, column: &ColumnPath) -> Option<&DataFile> {
        self.columns.get(column).and_then(|index| self.files.get(*index))
    }

    /// What tells one content of a column from another, whoever wrote it; the same for equal chunks.
    pub fn digest_of(&self, column: &ColumnPath) -> Option<String> {
        let file = self.file_of(column)?;
        let mut hasher = blake3::Hasher::new();
        match (file.digests.of(column), &file.identity) {
            (Some(chunks), _) => chunks.iter().for_each(|chunk| {
                hasher.update(chunk.to_hex().as_bytes());
            }),
            (None, identity) => {
                hasher.update(
                    format!("{identity:?} {} {} {column}", file.first_row_group, self.row_groups.len()).as_bytes(),
                );
            }
        }
        Some(hasher.finalize().to_hex().to_string())
    }
}
