//! The directory of a store and its protocol: write data under a name of one's own, force it to disk, then publish a
//! commit with put-if-absent. Whoever loses the race deletes its data and takes the winner's.

use std::fs;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::abort::abort_point;
use super::commit::Commit;
use super::error::StoreError;
use super::files::{Durability, TEMPORARY, as_others_may, create_directory, open, read, remove};
use super::format::{self, State};
use super::key::{KEY_DIGITS, Key};
use super::manifest::{Manifest, ManifestOf};
use super::sealed::{SealError, seal};
use crate::dataset::Dataset;

/// A store on the local disk.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
    durability: Durability,
}

/// Bytes of a manifest that are written at once.
const BUFFER_BYTES: usize = 64 << 10;

/// Bytes of a manifest that is held as text between its digest, which names it, and its file. One of many shards is too long
/// to be held beside them, and is written again.
const HELD_BYTES: usize = 4 << 20;

/// Digests what is written to it, and keeps it if it is short.
struct Named {
    hasher: blake3::Hasher,
    text: Option<Vec<u8>>,
}

impl Default for Named {
    fn default() -> Self {
        Self { hasher: blake3::Hasher::new(), text: Some(Vec::new()) }
    }
}

impl Write for Named {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.hasher.update(bytes);
        match &mut self.text {
            Some(text) if text.len() + bytes.len() <= HELD_BYTES => text.extend_from_slice(bytes),
            text => *text = None,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
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
        format::state(root)?;
        let root = root.canonicalize().map_err(StoreError::file("open the store", root))?;
        let store = Self { root, durability: Durability::Lasting };
        store.durability.put_if_absent(&store.root.join(".gitignore"), b"*\n")?;
        store.durability.put_if_absent(&store.root.join("format"), format::text().as_bytes())?;
        format::check(&store.root).map(|()| store)
    }

    /// The store at a directory, for those who only look: `None` if none was begun there.
    ///
    /// # Errors
    /// If it cannot be read, or was made by another version.
    pub fn existing(root: &Path) -> Result<Option<Self>, StoreError> {
        match root.canonicalize() {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::file("open the store", root)(error)),
            Ok(root) if format::state(&root)? == State::Empty => Ok(None),
            Ok(root) => format::check(&root).map(|()| Some(Self { root, durability: Durability::Lasting })),
        }
    }

    /// A new store in a directory of its own below `parent`, which is deleted with the result's second part.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn temporary(parent: &Path) -> Result<(Self, tempfile::TempDir), StoreError> {
        let directory = as_others_may(tempfile::Builder::new().prefix(TEMPORARY), true).tempdir_in(parent);
        let directory = directory.map_err(StoreError::file("create a directory in", parent))?;
        Ok((Self::open(directory.path())?, directory))
    }

    /// A part of this store for what only has to last while runs go on: nothing in it is forced to disk.
    pub(super) fn passing(&self, directory: PathBuf) -> Self {
        Self { root: directory, durability: Durability::Passing }
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
        create_directory(&self.root, &parent)?;
        let prefix = format!("{}-", &key.as_str()[..KEY_DIGITS]);
        let directory = as_others_may(tempfile::Builder::new().prefix(&prefix), true)
            .tempdir_in(&parent)
            .map_err(StoreError::file("create a directory in", &parent))?
            .keep();
        let name = directory.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Attempt { relative: format!("data/{}/{name}", &key.as_str()[..2]), directory, committed: false })
    }

    /// The committed result of a key, if all its files are still there. A commit that lost its data, or is damaged, is
    /// removed, so that the result can be made again; one in a form that this version does not know is another's, and stays.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn committed(&self, key: &Key) -> Result<Option<Commit>, StoreError> {
        let path = self.commit_path(key);
        let Some(text) = read(&path)? else { return Ok(None) };
        match Commit::read(&text) {
            Ok(commit) if commit.parts.key() == *key && commit.fault().is_none() => {
                if commit.is_complete(&self.root) {
                    return Ok(Some(commit));
                }
                tracing::debug!(path = %path.display(), "a result lost its data: it is made again");
            }
            Ok(_) => tracing::warn!(path = %path.display(), "a result is not what it says it is: it is made again"),
            Err(error @ SealError::UnknownForm(_)) => {
                tracing::debug!(path = %path.display(), %error, "a result of another version is left alone");
                return Ok(None);
            }
            Err(error) => tracing::warn!(path = %path.display(), %error, "a result is damaged: it is made again"),
        }
        remove(&path)?;
        Ok(None)
    }

    /// Publishes a result. If another process was first, its result is returned and this attempt's data deleted.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn commit(&self, attempt: Option<Attempt>, commit: Commit) -> Result<Commit, StoreError> {
        let key = commit.parts.key();
        let path = self.commit_path(&key);
        if let Some(attempt) = &attempt {
            self.durability.sync_directory(&attempt.directory)?;
        }
        let text = seal(&commit).map_err(|error| StoreError::damaged(&path, error))?;
        loop {
            abort_point();
            let won = self.durability.put_if_absent(&path, &text)?;
            abort_point();
            if won {
                if let Some(mut attempt) = attempt {
                    attempt.committed = true;
                }
                return Ok(commit);
            }
            // One that is damaged is removed by looking at it.
            if let Some(winner) = self.committed(&key)? {
                return Ok(winner);
            }
            if fs::symlink_metadata(&path).is_ok() {
                return Err(StoreError::UnknownForm { path });
            }
        }
    }

    /// Publishes the manifest of a dataset and returns its path. Equal datasets share one; one that was damaged is written
    /// anew.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn publish(&self, dataset: &Dataset) -> Result<PathBuf, StoreError> {
        self.publish_manifest(&ManifestOf::new(dataset))
    }

    /// Publishes a manifest under the digest of its text.
    pub(super) fn publish_manifest(&self, manifest: &impl Serialize) -> Result<PathBuf, StoreError> {
        let directory = self.root.join("manifests");
        // Read by programs: without the white space it is half as long, which tells after a thousand stages.
        let write = |file: &mut dyn Write| -> std::io::Result<()> {
            let mut file = BufWriter::with_capacity(BUFFER_BYTES, file);
            serde_json::to_writer(&mut file, manifest)?;
            file.flush()
        };
        let mut named = Named::default();
        write(&mut named).map_err(|error| StoreError::damaged(&directory, error))?;
        let Named { hasher, text } = named;
        let digest = hasher.finalize();
        let write = |file: &mut dyn Write| match &text {
            Some(text) => file.write_all(text),
            None => write(file),
        };
        let path = directory.join(format!("{}.json", digest.to_hex()));
        match digest_of(&path)? {
            Some(found) if found == digest => {}
            Some(_) => {
                tracing::warn!(path = %path.display(), "a manifest was damaged: it is written anew");
                self.durability.replace_with(&path, &write)?;
            }
            None => {
                abort_point();
                self.durability.put_if_absent_with(&path, &write)?;
                abort_point();
            }
        }
        Ok(path)
    }

    /// Removes a commit, so that its result can be published anew.
    ///
    /// # Errors
    /// If it is there and cannot be removed.
    pub fn forget(&self, key: &Key) -> Result<(), StoreError> {
        remove(&self.commit_path(key)).map(drop)
    }

    /// The dataset of a manifest, whose name is the digest of its text, and which lies where this store keeps them, wherever
    /// the store lay when a run named it.
    ///
    /// # Errors
    /// If it is not there, is not as it was written, or was made by another version.
    pub fn dataset(&self, manifest: &Path) -> Result<Dataset, StoreError> {
        let (path, text) = self.manifest_text(manifest)?;
        let damaged = |reason: String| StoreError::damaged(&path, reason);
        let read: Manifest = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        read.dataset(&self.root).map_err(damaged)
    }

    pub(super) fn commit_path(&self, key: &Key) -> PathBuf {
        self.root.join("commits").join(&key.as_str()[..2]).join(format!("{}.json", key.as_str()))
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

/// The digest of a file; `None` if it is not there.
fn digest_of(path: &Path) -> Result<Option<blake3::Hash>, StoreError> {
    let file = match open(path) {
        Err(StoreError::File { source, .. }) if source.kind() == ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file).map_err(StoreError::file("read", path))?;
    Ok(Some(hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_is_kept_and_all_is_digested() {
        for (pieces, is_kept) in [(1, true), (4, true), (5, false)] {
            let (mut named, piece) = (Named::default(), vec![7; HELD_BYTES / 4]);
            (0..pieces).for_each(|_| named.write_all(&piece).unwrap());
            let all = piece.repeat(pieces);
            assert_eq!((named.hasher.finalize(), named.text), (blake3::hash(&all), is_kept.then_some(all)));
        }
    }
}
