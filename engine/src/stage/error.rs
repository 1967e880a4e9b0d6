//! An error while a stage runs: what happened, to which trajectory, where in which file, and what to do.

use std::fmt;

use arrow::error::ArrowError;
use parquet::errors::ParquetError;

use crate::store::StoreError;

/// Why a stage could not finish a part of its work. The engine adds the stage's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageError {
    /// What was expected and what was found.
    pub message: String,
    /// The trajectory at fault, by id.
    pub trajectory: Option<String>,
    /// The place in an input: `runs.jsonl:17`, or `runs.json, element 3`.
    pub place: Option<String>,
    /// What to do next.
    pub help: Option<String>,
}

impl StageError {
    /// An error with a message: lower case, no full stop.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), trajectory: None, place: None, help: None }
    }

    /// An error about a file, with the operating system's reason.
    pub fn file(doing: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::new(format!("cannot {doing} `{}`: {error}", path.display()))
    }

    /// Somebody asked the run to stop.
    pub(crate) fn interrupted() -> Self {
        Self::new("interrupted")
    }

    /// Names the trajectory at fault.
    #[must_use]
    pub fn trajectory(mut self, id: impl Into<String>) -> Self {
        self.trajectory = Some(id.into());
        self
    }

    /// Names the place in an input.
    #[must_use]
    pub fn place(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for StageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(formatter, "{place}: ")?;
        }
        if let Some(trajectory) = &self.trajectory {
            write!(formatter, "trajectory `{trajectory}`: ")?;
        }
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for StageError {}

impl From<ArrowError> for StageError {
    fn from(error: ArrowError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<ParquetError> for StageError {
    fn from(error: ParquetError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<StoreError> for StageError {
    fn from(error: StoreError) -> Self {
        Self::new(error.to_string()).help(error.help())
    }
}
