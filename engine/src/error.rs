//! An error while a stage runs: what happened, to which trajectory, where in which file, and what to do.

use std::error::Error;
use std::fmt;
use std::path::Path;

use arrow::error::ArrowError;
use parquet::errors::ParquetError;

use crate::failure::{self, MAKE_ROOM};

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
    /// What is wrong with other trajectories of the batch, from a stage that has looked at all of them: each names its own.
    /// Those that are put aside are then known after one call; only this error is told where the run ends with it.
    pub others: Vec<Self>,
    /// Whether the same may work a little later. Then no trajectory is to blame, and the part is tried again as often
    /// as the pipeline's `retries` say.
    pub may_pass: bool,
}

impl StageError {
    /// An error with a message: lower case, no full stop.
    pub fn new(message: impl Into<String>) -> Self {
        let (trajectory, place, help, others) = (None, None, None, Vec::new());
        Self { message: message.into(), trajectory, place, help, others, may_pass: false }
    }

    /// An error about a file, with the reason of the operating system, or of what stands between it and us.
    pub fn file(doing: &str, path: &Path, error: &(dyn Error + 'static)) -> Self {
        let found = failure::system_error(error);
        let reason = found.and_then(failure::own_reason).map_or_else(|| error.to_string(), str::to_owned);
        Self::new(format!("cannot {doing} `{}`: {reason}", path.display())).caused_by(found)
    }

    /// What an error of the operating system says beyond its text: whether it may pass, and what to do.
    pub(crate) fn caused_by(mut self, error: Option<&std::io::Error>) -> Self {
        self.may_pass = error.is_some_and(failure::may_pass);
        if error.is_some_and(failure::is_full) {
            self.help = Some(MAKE_ROOM.to_owned());
        }
        self
    }

    /// Marks an error that may not come again: an endpoint that did not answer.
    #[must_use]
    pub fn may_pass(mut self) -> Self {
        self.may_pass = true;
        self
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

impl Error for StageError {}

impl From<ArrowError> for StageError {
    fn from(error: ArrowError) -> Self {
        Self::new(error.to_string()).caused_by(failure::system_error(&error))
    }
}

impl From<ParquetError> for StageError {
    fn from(error: ParquetError) -> Self {
        Self::new(error.to_string()).caused_by(failure::system_error(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_said_with_the_file_and_what_to_do() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let error = StageError::file("write", Path::new("data/rows.parquet"), &ParquetError::from(full));
        insta::assert_snapshot!(error, @"cannot write `data/rows.parquet`: the disk is full");
        assert_eq!((error.help.as_deref(), error.may_pass), (Some(MAKE_ROOM), false));
        let busy = std::io::Error::from(std::io::ErrorKind::TimedOut);
        let error = StageError::file("read", Path::new("runs.jsonl"), &busy);
        assert_eq!((error.help.as_deref(), error.may_pass), (None, true));
    }
}
