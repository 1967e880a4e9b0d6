//! States from which long tasks go on: each a directory below the key of the task's part, with a sealed list of its files.
//! They are published as everything is, the newest is kept, and all go when the part has its result.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::abort::abort_point;
use super::error::StoreError;
use super::files::{Durability, TEMPORARY, as_others_may, create_directory, open, read, sync_files};
use super::key::Key;
use super::root::Store;
use super::sealed::{seal, unseal};
use crate::error::StageError;
use crate::place::is_directory;

/// The list of a checkpoint's files: written last, so that a checkpoint without it is none.
const LIST: &str = "checkpoint.json";

/// Where the checkpoints of all keys lie.
pub(super) const CHECKPOINTS: &str = "checkpoints";

/// Where tasks work with files of their own.
pub(super) const SCRATCH: &str = "scratch";

/// Names and digests of a checkpoint's files.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    key: Key,
    step: u64,
    files: BTreeMap<String, String>,
}

impl Store {
    /// The newest state that was saved for a key, and where its files lie; one that is not as it was written is passed over.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn checkpoint(&self, key: &Key) -> Result<Option<(u64, PathBuf)>, StoreError> {
        let mut steps = steps_in(&self.checkpoints_of(key))?;
        while let Some((step, directory)) = steps.pop_last() {
            match is_whole(&directory, key, step) {
                Ok(true) => return Ok(Some((step, directory))),
                Ok(false) => {
                    tracing::warn!(path = %directory.display(), "a checkpoint is damaged: an earlier one is taken");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Keeps what `write` puts into a directory as the state of a key after a step, in place of those before.
    ///
    /// # Errors
    /// What `write` says, and if the store cannot be written.
    pub(crate) fn save_checkpoint(
        &self,
        key: &Key,
        step: u64,
        write: &mut dyn FnMut(&Path) -> Result<(), StageError>,
    ) -> Result<(), StageError> {
        let parent = self.checkpoints_of(key);
        create_directory(self.root(), &parent)?;
        let place = parent.join(step.to_string());
        if is_directory(&place) && is_whole(&place, key, step)? {
            return Ok(());
        }
        let attempt = as_others_may(tempfile::Builder::new().prefix(TEMPORARY), true)
            .tempdir_in(&parent)
            .map_err(StoreError::file("create a directory in", &parent))?;
        write(attempt.path())?;
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(attempt.path()).map_err(StoreError::file("read", attempt.path()))? {
            let path = entry.map_err(StoreError::file("read", attempt.path()))?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if name == LIST {
                let message = format!("a checkpoint has a file `{LIST}`, which is the name of its list");
                return Err(StageError::new(message).help("this is a fault of the stage: it must choose another name"));
            }
            files.insert(name, digest_of(&path)?);
        }
        let list =
            seal(&Listed { key: key.clone(), step, files }).map_err(|error| StoreError::damaged(&place, error))?;
        let path = attempt.path().join(LIST);
        fs::write(&path, list).map_err(StoreError::file("write", &path))?;
        sync_files(attempt.path())?;
        abort_point();
        match fs::rename(attempt.path(), &place) {
            Ok(()) => drop(attempt.keep()),
            // Another process does the same work and was first, or what lies there is damaged.
            Err(_) if is_directory(&place) && is_whole(&place, key, step)? => return Ok(()),
            Err(_) if is_directory(&place) => {
                fs::remove_dir_all(&place).map_err(StoreError::file("remove", &place))?;
                fs::rename(attempt.path(), &place).map_err(StoreError::file("write", &place))?;
                drop(attempt.keep());
            }
            Err(error) => return Err(StoreError::file("write", &place)(error).into()),
        }
        Durability::Lasting.sync_directory(&parent)?;
        abort_point();
        for (earlier, directory) in steps_in(&parent)? {
            if earlier < step {
                remove_all(&directory)?;
            }
        }
        Ok(())
    }

    /// Removes the states of a key that has its result.
    ///
    /// # Errors
    /// If they are there and cannot be removed.
    pub(crate) fn forget_checkpoints(&self, key: &Key) -> Result<(), StoreError> {
        remove_all(&self.checkpoints_of(key))
    }

    /// A new directory for what a task needs only while it is at work.
    ///
    /// # Errors
    /// If it cannot be created.
    pub(crate) fn scratch(&self) -> Result<TempDir, StoreError> {
        let parent = self.root().join(SCRATCH);
        create_directory(self.root(), &parent)?;
        let made = as_others_may(tempfile::Builder::new().prefix(TEMPORARY), true).tempdir_in(&parent);
        made.map_err(StoreError::file("create a directory in", &parent))
    }

    fn checkpoints_of(&self, key: &Key) -> PathBuf {
        self.root().join(CHECKPOINTS).join(&key.as_str()[..2]).join(key.as_str())
    }
}

/// The steps of which there is a state, and where each lies.
fn steps_in(directory: &Path) -> Result<BTreeMap<u64, PathBuf>, StoreError> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        entries => entries.map_err(StoreError::file("read", directory))?,
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| is_directory(path));
    Ok(paths.filter_map(|path| Some((path.file_name()?.to_str()?.parse().ok()?, path))).collect())
}

/// Whether every file of a state is as it was written.
fn is_whole(directory: &Path, key: &Key, step: u64) -> Result<bool, StoreError> {
    let Some(text) = read(&directory.join(LIST))? else { return Ok(false) };
    let Ok(listed) = unseal::<Listed>(&text) else { return Ok(false) };
    if (&listed.key, listed.step) != (key, step) {
        return Ok(false);
    }
    for (name, digest) in &listed.files {
        let path = directory.join(name);
        match digest_of(&path) {
            Ok(found) if found == *digest => {}
            Err(StoreError::File { source, .. }) if source.kind() != ErrorKind::NotFound => {
                return Err(StoreError::file("read", &path)(source));
            }
            _ => return Ok(false),
        }
    }
    Ok(true)
}

fn digest_of(path: &Path) -> Result<String, StoreError> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(open(path)?).map_err(StoreError::file("read", path))?;
    Ok(hasher.finalize().to_hex().to_string())
}

fn remove_all(directory: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(StoreError::file("remove", directory)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::KeyParts;

    fn write(text: &'static str) -> impl FnMut(&Path) -> Result<(), StageError> {
        move |directory| {
            fs::write(directory.join("weights"), text).unwrap();
            fs::write(directory.join("optimizer"), text).unwrap();
            Ok(())
        }
    }

    #[test]
    fn the_newest_state_that_is_whole_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let key = KeyParts::default().key();
        assert_eq!(store.checkpoint(&key).unwrap(), None);
        store.save_checkpoint(&key, 5, &mut write("five")).unwrap();
        let (step, at) = store.checkpoint(&key).unwrap().unwrap();
        assert_eq!((step, fs::read_to_string(at.join("weights")).unwrap().as_str()), (5, "five"));
        // What is there is not written again.
        store.save_checkpoint(&key, 5, &mut |_| panic!("it was saved")).unwrap();
        let failing = store.save_checkpoint(&key, 7, &mut |_| Err(StageError::new("no")));
        assert_eq!(failing.unwrap_err().message, "no");
        store.save_checkpoint(&key, 10, &mut write("ten")).unwrap();
        let (step, ten) = store.checkpoint(&key).unwrap().unwrap();
        assert_eq!((step, at.exists()), (10, false));
        // A damaged one is none; what lies above it counts.
        fs::write(ten.join("weights"), "TEN").unwrap();
        assert_eq!(store.checkpoint(&key).unwrap(), None);
        store.save_checkpoint(&key, 10, &mut write("ten")).unwrap();
        assert_eq!(store.checkpoint(&key).unwrap().unwrap().0, 10);
        let left: Vec<_> = fs::read_dir(ten.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "nothing half-written is left");
        store.forget_checkpoints(&key).unwrap();
        assert_eq!(store.checkpoint(&key).unwrap(), None);
        store.forget_checkpoints(&key).unwrap();
    }
}
