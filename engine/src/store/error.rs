//! What can go wrong with the store itself.

use std::path::{Path, PathBuf};

use crate::error::StageError;
use crate::failure::{MAKE_ROOM, is_full, reason, system_error};

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("cannot {doing} `{}`: {}", path.display(), reason(source))]
    File {
        /// What was tried: `create`, `read`.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Its reason.
        #[source]
        source: std::io::Error,
    },
    /// A file of the store does not say what it should.
    #[error("`{}` is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was expected.
        reason: String,
    },
    /// A link lies where the store has files and directories of its own.
    #[error("`{}` is a link, and a store leads nowhere out of itself", path.display())]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// The file that says what the directory is does not say it.
    #[error("`{}` is damaged: it says {found}, expected `{expected}`", path.display())]
    FormatFile {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: String,
        /// What this version writes.
        expected: u32,
    },
    /// The directory holds something else.
    #[error("`{}` is no store, and is not empty", path.display())]
    Occupied {
        /// The directory.
        path: PathBuf,
    },
    /// A result of the same key is there, in a form of another version.
    #[error("the result `{}` has a form that this version does not know", path.display())]
    UnknownForm {
        /// The commit.
        path: PathBuf,
    },
    /// The directory was made by another version.
    #[error("the store `{}` has format {found}, expected {expected}", path.display())]
    Format {
        /// The store.
        path: PathBuf,
        /// What it says.
        found: String,
        /// What this version reads and writes.
        expected: u32,
    },
}

impl StoreError {
    pub(crate) fn file(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { doing, path, source }
    }

    pub(crate) fn damaged(path: &Path, reason: impl ToString) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.to_string() }
    }

    /// What to do next.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Occupied { .. } => "name an empty or a new directory with `--store DIR`",
            Self::File { source, .. } if is_full(source) => MAKE_ROOM,
            Self::File { .. } => "choose another place with `--store DIR`, or free the space or rights that it needs",
            Self::Damaged { .. } => {
                "the file was changed, or the disk is failing; run the pipeline again: what is missing is made anew"
            }
            Self::Link { .. } => {
                "remove the link; to keep the store elsewhere, name that place with `--store DIR`, or link the whole store"
            }
            Self::FormatFile { .. } => {
                "write the expected number into the file, and nothing else: all that lies in the store is checked when it \
                 is read"
            }
            Self::UnknownForm { .. } => "use the version that made it, or another directory with `--store DIR`",
            Self::Format { .. } => {
                "use the version that made it, or another directory with `--store DIR`; if no other version did, the file \
                 `format` is damaged: write the expected number into it"
            }
        }
    }
}

impl From<StoreError> for StageError {
    fn from(error: StoreError) -> Self {
        Self::new(error.to_string()).caused_by(system_error(&error)).help(error.help())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_said_in_words() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let error = StoreError::file("write in", Path::new("runs/x/events.jsonl"))(full);
        insta::assert_snapshot!(error, @"cannot write in `runs/x/events.jsonl`: the disk is full");
        assert_eq!(error.help(), MAKE_ROOM);
    }
}
