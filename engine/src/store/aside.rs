//! Rows that a part put aside instead of failing: which, why, and where they lie.

use serde::{Deserialize, Serialize};

use crate::dataset::{DataFile, Selection, Shard};

/// Rows put aside, from one shard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aside {
    /// Where they lie.
    pub rows: AsideRows,
    /// What to tell of the first of them.
    pub told: Vec<AsideRow>,
}

/// Where rows lie that were put aside. No text is copied that lies in the store already.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AsideRows {
    /// Rows of a shard that the part read.
    Existing {
        /// Which of the part's shards.
        shard: usize,
        /// Which of its rows.
        selection: Selection,
        /// Why, as columns beside the shard's own.
        file: DataFile,
    },
    /// Records that never became rows, as a shard of their own.
    New(Shard),
}

/// A row that was put aside, as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AsideRow {
    /// Its id.
    pub trajectory: String,
    /// Why.
    pub reason: String,
    /// Where it came from, if that is known.
    pub place: Option<String>,
}

impl Aside {
    /// How many rows.
    pub fn count(&self) -> u64 {
        match &self.rows {
            AsideRows::Existing { selection, .. } => selection.rows(),
            AsideRows::New(shard) => shard.rows(),
        }
    }

    /// What cannot be, if anything: a commit may have been damaged.
    pub(crate) fn fault(&self) -> Option<String> {
        match &self.rows {
            AsideRows::Existing { file, .. } => file.fault(),
            AsideRows::New(shard) => shard.fault(),
        }
    }

    /// The data files that it needs.
    pub fn files(&self) -> Vec<&DataFile> {
        match &self.rows {
            AsideRows::Existing { file, .. } => vec![file],
            AsideRows::New(shard) => shard.files.iter().collect(),
        }
    }
}
