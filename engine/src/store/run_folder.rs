//! The folder of a run, while it runs: which keys it uses, its events, and a lock that tells that it is still at work.

use std::fs;
use std::io::{ErrorKind, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::error::StoreError;
use super::files::{Durability, as_others_may, create_directory};
use super::root::Store;
use super::run_files::{EVENTS, KEYS, KeyRecord, LOCK, PLAN, SEAL, Seal};
use super::sealed::seal;
use crate::event::{Event, Record};

/// A run's folder, open for writing.
#[derive(Debug)]
pub struct RunFolder {
    id: String,
    number: u64,
    path: PathBuf,
    events: Lines,
    keys: Lines,
    /// Held as long as the run is at work, and let go by the system however it ends.
    _lock: fs::File,
}

impl RunFolder {
    /// A new folder, named after the time.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn create(store: &Store) -> Result<Self, StoreError> {
        // Nobody cleans up between the folder's birth and its lock.
        let _hold = store.hold()?;
        let runs = store.root().join("runs");
        create_directory(store.root(), &runs)?;
        let number = store.take_number()?;
        let time = jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S").to_string();
        // Removed again if it cannot be filled.
        let folder = as_others_may(tempfile::Builder::new().prefix(&format!("{time}-")).rand_bytes(4), true)
            .tempdir_in(&runs)
            .map_err(StoreError::file("create a directory in", &runs))?;
        let lock = create(&folder.path().join(LOCK))?;
        match lock.lock() {
            Err(error) if error.kind() != ErrorKind::Unsupported => {
                return Err(StoreError::file("lock", folder.path())(error));
            }
            _ => {}
        }
        let (events, keys) = (Lines::create(folder.path(), EVENTS)?, Lines::create(folder.path(), KEYS)?);
        let path = folder.keep();
        let id = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self { events, keys, _lock: lock, id, number, path })
    }

    /// Keeps the run's plan, with which any process can carry out parts of it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep_plan(&self, plan: &str) -> Result<(), StoreError> {
        let path = self.plan_path();
        fs::write(&path, plan).map_err(|error| {
            // A run that cannot begin leaves nothing.
            let _ = fs::remove_dir_all(&self.path);
            StoreError::file("write", &path)(error)
        })
    }

    /// Where the plan lies.
    pub fn plan_path(&self) -> PathBuf {
        self.path.join(PLAN)
    }

    /// The run's name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The run's number: greater than that of every run that began before.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Appends an event. The last one, which tells how the run ended, seals what was written.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn record(&mut self, record: &Record) -> Result<(), StoreError> {
        self.events.append(record)?;
        if !matches!(record.event, Event::RunFinished { .. }) {
            return Ok(());
        }
        let path = self.path.join(SEAL);
        let digests = Seal { events: self.events.digest(), keys: self.keys.digest() };
        let text = seal(&digests).map_err(|error| StoreError::damaged(&path, error))?;
        // A run that takes milliseconds does not wait for the disk to be told that it did.
        Durability::Passing.put_if_absent(&path, &text).map(drop)
    }

    /// Writes down keys before they are used, so that whoever cleans up spares them.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn use_keys(&mut self, mut keys: impl Iterator<Item = KeyRecord>) -> Result<(), StoreError> {
        keys.try_for_each(|key| self.keys.append(&key))
    }
}

/// A file of JSON lines that is only added to, and the digest of what it holds.
#[derive(Debug)]
struct Lines {
    path: PathBuf,
    file: fs::File,
    written: blake3::Hasher,
}

impl Lines {
    fn create(directory: &Path, name: &str) -> Result<Self, StoreError> {
        let path = directory.join(name);
        Ok(Self { file: create(&path)?, path, written: blake3::Hasher::new() })
    }

    fn append(&mut self, value: &impl Serialize) -> Result<(), StoreError> {
        let mut line = serde_json::to_vec(value).map_err(|error| StoreError::damaged(&self.path, error))?;
        line.push(b'\n');
        // What is written later must not be glued to half a line.
        let whole = self.file.stream_position().map_err(StoreError::file("write in", &self.path))?;
        self.file.write_all(&line).map_err(|error| {
            let _ = self.file.set_len(whole).and_then(|()| self.file.seek(SeekFrom::Start(whole)));
            StoreError::file("write in", &self.path)(error)
        })?;
        self.written.update(&line);
        Ok(())
    }

    fn digest(&self) -> String {
        self.written.finalize().to_hex().to_string()
    }
}

fn create(path: &Path) -> Result<fs::File, StoreError> {
    fs::File::create_new(path).map_err(StoreError::file("create", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_does_not_fit_is_an_error_that_says_so() {
        let file = fs::File::options().read(true).write(true).open("/dev/full").unwrap();
        let mut full = Lines { path: PathBuf::from("runs/x"), file, written: blake3::Hasher::new() };
        let error = full.append(&1).unwrap_err();
        insta::assert_snapshot!(error, @"cannot write in `runs/x`: the disk is full");
        assert_eq!(full.digest(), blake3::hash(b"").to_hex().to_string());
    }
}
