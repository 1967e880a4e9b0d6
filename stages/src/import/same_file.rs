//! Tells files that were reached before: by another glob, a link, or a second name of theirs. Their rows would count
//! twice in every statistic.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::files::InputFile;

/// Files that are told one by one.
const TOLD: usize = 3;

/// The files seen so far.
#[derive(Debug, Default)]
pub(super) struct SameFiles {
    /// What each was called first.
    known: HashMap<Identity, String>,
    /// Further names, and what they are names of.
    again: Vec<(String, String)>,
}

impl SameFiles {
    /// Whether a file was not seen before.
    pub(super) fn is_new(&mut self, file: &InputFile) -> bool {
        match self.known.get(&identity(&file.path)) {
            Some(first) => {
                self.again.push((file.shown.clone(), first.clone()));
                false
            }
            None => {
                self.known.insert(identity(&file.path), file.shown.clone());
                true
            }
        }
    }

    /// What to say of files that were reached again.
    pub(super) fn warning(&self) -> Option<String> {
        let told = self.again.iter().take(TOLD).map(|(name, first)| match name == first {
            true => format!("`{name}` is named twice"),
            false => format!("`{name}` is the same file as `{first}`"),
        });
        let told: Vec<String> = told.collect();
        let more = match self.again.len().saturating_sub(TOLD) {
            0 => String::new(),
            more => format!(", and {more} more are like that"),
        };
        (!told.is_empty()).then(|| format!("{}{more}; each file is read once", told.join(", ")))
    }
}

/// What two names of a file have in common.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Identity {
    /// Device and inode.
    #[cfg(unix)]
    Inode(u64, u64),
    /// Where links lead to; of a file that cannot be looked at, the path.
    Path(PathBuf),
}

fn identity(path: &Path) -> Identity {
    #[cfg(unix)]
    if let Ok(metadata) = std::fs::metadata(path) {
        use std::os::unix::fs::MetadataExt as _;
        return Identity::Inode(metadata.dev(), metadata.ino());
    }
    Identity::Path(std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()))
}
