//! Names of columns as contracts, pipelines and manifests spell them: `reward`, `turns.advantage`.
//! Not concerned with types or values.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The list column that holds a trajectory's turns.
pub const TURNS: &str = "turns";

const TURN_PREFIX: &str = "turns.";

/// A column of a dataset: of the trajectory (`reward`), of its turns (`turns.advantage`), or the turn
/// counts themselves (`turns`).
///
/// A column may hold several Parquet leaves (a struct that an importer passed through); it is the unit that
/// stages declare, that column files store and that keys are made of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ColumnPath(String);

impl ColumnPath {
    /// The path as written: `reward`, `turns.advantage` or `turns`.
    pub fn new(path: impl Into<String>) -> Self {
        Self(path.into())
    }

    /// A column of the turns, by its name inside the struct.
    pub fn of_turn(name: &str) -> Self {
        Self(format!("{TURN_PREFIX}{name}"))
    }

    /// The full path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name inside the turn struct, if this is a column of the turns.
    pub fn turn_name(&self) -> Option<&str> {
        self.0.strip_prefix(TURN_PREFIX)
    }

    /// Whether this is `turns` alone: the turn counts.
    pub fn is_turn_counts(&self) -> bool {
        self.0 == TURNS
    }
}

impl fmt::Display for ColumnPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl From<&str> for ColumnPath {
    fn from(path: &str) -> Self {
        Self(path.to_owned())
    }
}
