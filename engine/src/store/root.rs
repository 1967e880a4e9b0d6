//! The directory of a store and its protocol: write data under a name of one's own, force it to disk, then publish a
//! commit with put-if-absent. Whoever loses the race deletes its data and takes the winner's.

use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::abort::abort_point;
use super::commit::Commit;
use super::error::StoreError;
use super::key::Key;
use super::manifest::{Manifest, ManifestOf};
use crate::dataset::Dataset;
use crate::stage::Memo;

/// Version of the directory's layout.
const FORMAT: u32 = 1;

/// A store on the local disk.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
    /// Whether what is committed must outlive a power cut.
    durable: bool,
}

/// What a store knows of an export: which files at the target are its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportRecord {
    /// Files that it wrote, or was about to write when it was interrupted.
    pub files: BTreeSet<PathBuf>,
    /// A directory of an unfinished export, to be removed.
    pub staging: Option<PathBuf>,
}

/// A directory of one's own to write data into; deleted unless it is committed.
#[derive(Debug)]
pub struct Attempt {
    directory: PathBuf,
    relative: String,
    committed: bool,
}

impl Store {
    /// Opens the store at a directory, creating it if need be.
    ///
    /// # Errors
    /// If it cannot be created or written, or was made by another version.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(root).map_err(StoreError::file("create the store", root))?;
        // Somebody's own files are neither hidden from git nor mixed with ours. What another process has just begun,
        // or did not get further than, is no obstacle.
        let is_ours = |name: &str| name == ".gitignore" || name.starts_with(".tmp");
        let mut entries = fs::read_dir(root).map_err(StoreError::file("open the store", root))?;
        let is_occupied = entries.any(|entry| entry.is_ok_and(|entry| !is_ours(&entry.file_name().to_string_lossy())));
        if is_occupied && !root.join("format").exists() {
            return Err(StoreError::Occupied { path: root.to_owned() });
        }
        let root = root.canonicalize().map_err(StoreError::file("open the store", root))?;
        let store = Self { root, durable: true };
        store.put_if_absent(&store.root.join(".gitignore"), b"*\n")?;
        let format = store.root.join("format");
        store.put_if_absent(&format, FORMAT.to_string().as_bytes())?;
        let found = fs::read_to_string(&format).map_err(StoreError::file("read", &format))?;
        if found.trim() != FORMAT.to_string() {
            return Err(StoreError::Format { path: store.root, found: found.trim().to_owned(), expected: FORMAT });
        }
        Ok(store)
    }

    /// A part of this store for what only has to last while runs go on: nothing in it is forced to disk.
    pub(super) fn passing(&self, directory: PathBuf) -> Self {
        Self { root: directory, durable: false }
    }

    /// Its directory, absolute.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A new directory for the data of a result.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn attempt(&self, key: &Key) -> Result<Attempt, StoreError> {
        let parent = self.root.join("data").join(&key.as_str()[..2]);
        fs::create_dir_all(&parent).map_err(StoreError::file("create", &parent))?;
        let directory = tempfile::Builder::new()
            .prefix(&format!("{}-", &key.as_str()[..32]))
            .tempdir_in(&parent)
            .map_err(StoreError::file("create a directory in", &parent))?
            .keep();
        let name = directory.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Attempt { relative: format!("data/{}/{name}", &key.as_str()[..2]), directory, committed: false })
    }

    /// The committed result of a key, if all its files are still there. A commit that lost its data, or cannot be
    /// read, is removed, so that the result can be made again.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn committed(&self, key: &Key) -> Result<Option<Commit>, StoreError> {
        let path = self.commit_path(key);
        let commit: Option<Commit> = match self.read_json(&path) {
            Err(StoreError::Damaged { .. }) => None,
            Err(other) => return Err(other),
            Ok(None) => return Ok(None),
            Ok(commit) => commit,
        };
        if let Some(commit) = commit
            && commit.parts.key() == *key
            && commit.fault().is_none()
            && commit.paths(&self.root).iter().all(|path| path.exists())
        {
            return Ok(Some(commit));
        }
        match fs::remove_file(&path) {
            // Another process found the same.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            removed => removed.map(|()| None).map_err(StoreError::file("remove", &path)),
        }
    }

    /// Publishes a result. If another process was first, its result is returned and this attempt's data deleted.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn commit(&self, attempt: Option<Attempt>, commit: Commit) -> Result<Commit, StoreError> {
        let key = commit.parts.key();
        let path = self.commit_path(&key);
        if let Some(attempt) = &attempt {
            self.sync_directory(&attempt.directory)?;
        }
        abort_point();
        let won = self.put_if_absent(&path, &to_json(&path, &commit)?)?;
        abort_point();
        if won {
            if let Some(mut attempt) = attempt {
                attempt.committed = true;
            }
            return Ok(commit);
        }
        drop(attempt);
        match self.committed(&key)? {
            Some(winner) => Ok(winner),
            None => Err(StoreError::Damaged { path, reason: "it vanished while it was read".to_owned() }),
        }
    }

    /// Publishes the manifest of a dataset and returns its path. Equal datasets share one.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn publish(&self, dataset: &Dataset) -> Result<PathBuf, StoreError> {
        let directory = self.root.join("manifests");
        // Read by programs: without the white space it is half as long, which tells after a thousand stages.
        let text = serde_json::to_vec(&ManifestOf::new(dataset)).map_err(not_json(&directory))?;
        let path = directory.join(format!("{}.json", blake3::hash(&text).to_hex()));
        if !path.exists() {
            abort_point();
            self.put_if_absent(&path, &text)?;
            abort_point();
        }
        Ok(path)
    }

    /// Removes a commit, so that its result can be published anew.
    ///
    /// # Errors
    /// If it is there and cannot be removed.
    pub fn forget(&self, key: &Key) -> Result<(), StoreError> {
        let path = self.commit_path(key);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(StoreError::file("remove", &path)(error)),
            _ => Ok(()),
        }
    }

    /// The dataset of a manifest.
    ///
    /// # Errors
    /// If it cannot be read, or was made by another version.
    pub fn dataset(&self, manifest: &Path) -> Result<Dataset, StoreError> {
        let read: Option<Manifest> = self.read_json(manifest)?;
        let damaged = |reason: String| StoreError::Damaged { path: manifest.to_owned(), reason };
        read.ok_or_else(|| damaged("it is not there".to_owned()))?.dataset(&self.root).map_err(damaged)
    }

    /// What this store knows of an export to a target.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn export_record(&self, target: &Path) -> Result<Option<ExportRecord>, StoreError> {
        self.read_json(&self.export_path(target))
    }

    /// Remembers what an export is about to write or wrote. Unlike all else this is replaced: it describes what lies
    /// outside.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn remember_export(&self, target: &Path, record: &ExportRecord) -> Result<(), StoreError> {
        let path = self.export_path(target);
        let temporary = self.temporary(&path, &to_json(&path, record)?)?;
        temporary.persist(&path).map_err(|error| StoreError::file("write", &path)(error.error))?;
        Ok(())
    }

    /// Waits until no other run of this store exports to a target, and keeps others from it while the file is open.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn lock_export(&self, target: &Path) -> Result<fs::File, StoreError> {
        let path = self.export_path(target).with_extension("lock");
        let parent = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(parent).map_err(StoreError::file("create", parent))?;
        let file = fs::File::options().create(true).append(true).open(&path);
        let file = file.map_err(StoreError::file("create", &path))?;
        file.lock().map_err(StoreError::file("lock", &path))?;
        Ok(file)
    }

    fn commit_path(&self, key: &Key) -> PathBuf {
        self.root.join("commits").join(&key.as_str()[..2]).join(format!("{}.json", key.as_str()))
    }

    fn export_path(&self, target: &Path) -> PathBuf {
        let digest = blake3::hash(target.to_string_lossy().as_bytes()).to_hex();
        self.root.join("exports").join(format!("{digest}.json"))
    }

    fn memo_path(&self, key: &str) -> PathBuf {
        self.root.join("memo").join(blake3::hash(key.as_bytes()).to_hex().to_string())
    }

    fn temporary(&self, path: &Path, bytes: &[u8]) -> Result<tempfile::NamedTempFile, StoreError> {
        let parent = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(parent).map_err(StoreError::file("create", parent))?;
        let mut file = tempfile::NamedTempFile::new_in(parent).map_err(StoreError::file("write in", parent))?;
        file.write_all(bytes).map_err(StoreError::file("write", path))?;
        if self.durable {
            file.as_file().sync_all().map_err(StoreError::file("write", path))?;
        }
        Ok(file)
    }

    /// Makes new names in a directory outlive a power cut.
    fn sync_directory(&self, directory: &Path) -> Result<(), StoreError> {
        let sync = || fs::File::open(directory)?.sync_all();
        match self.durable {
            true => sync().map_err(StoreError::file("write", directory)),
            false => Ok(()),
        }
    }

    /// Whether the object is now ours; false if somebody had put one there before.
    fn put_if_absent(&self, path: &Path, bytes: &[u8]) -> Result<bool, StoreError> {
        if path.exists() {
            return Ok(false);
        }
        match self.temporary(path, bytes)?.persist_noclobber(path) {
            Ok(_) => {
                self.sync_directory(path.parent().unwrap_or(&self.root))?;
                Ok(true)
            }
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(StoreError::file("write", path)(error.error)),
        }
    }

    fn read_json<T: DeserializeOwned>(&self, path: &Path) -> Result<Option<T>, StoreError> {
        match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| StoreError::Damaged { path: path.to_owned(), reason: error.to_string() }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::file("read", path)(error)),
        }
    }
}

impl Memo for Store {
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        fs::read(self.memo_path(key)).ok()
    }

    fn put(&self, key: &str, value: &[u8]) {
        let path = self.memo_path(key);
        let kept = self
            .temporary(&path, value)
            .and_then(|file| file.persist(&path).map_err(|error| StoreError::file("write", &path)(error.error)));
        if let Err(error) = kept {
            tracing::debug!(%error, "a fact about an input was not remembered");
        }
    }
}

impl Attempt {
    /// Where a file of this attempt lies.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The same, relative to the store.
    pub fn relative(&self, name: &str) -> String {
        format!("{}/{name}", self.relative)
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.committed
            && let Err(error) = fs::remove_dir_all(&self.directory)
        {
            tracing::debug!(%error, directory = %self.directory.display(), "left-over data was not removed");
        }
    }
}

fn to_json(path: &Path, value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let mut text = serde_json::to_vec_pretty(value).map_err(not_json(path))?;
    text.push(b'\n');
    Ok(text)
}

fn not_json(path: &Path) -> impl Fn(serde_json::Error) -> StoreError {
    move |error| StoreError::Damaged { path: path.to_owned(), reason: error.to_string() }
}
