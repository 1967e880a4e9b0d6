//! What a store knows of an export: which contents it gave to the files at the target.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::files::{Durability, hold_file, read};
use super::root::Store;
use super::sealed::{seal, unseal};
use super::wait::{How, take};

/// The files of an export to one target. It allows nothing by itself: a file at the target is ours if it has one of the
/// digests, and no other file is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportRecord {
    /// Whether the target is a directory.
    pub is_directory: bool,
    /// Whether it holds a sample.
    pub is_sample: bool,
    /// By name at the target: digests (blake3, hexadecimal) of what was written, or was about to be when it was
    /// interrupted.
    pub files: BTreeMap<String, BTreeSet<String>>,
}

impl ExportRecord {
    /// Adds a content that a file may have.
    pub fn add(&mut self, name: &str, digest: &str) {
        self.files.entry(name.to_owned()).or_default().insert(digest.to_owned());
    }

    /// Whether a file of this name was written with this digest.
    pub fn wrote(&self, name: &str, digest: &str) -> bool {
        self.files.get(name).is_some_and(|digests| digests.contains(digest))
    }
}

impl Store {
    /// What this store knows of an export to a target. A record that is damaged, or of an earlier version, which knew
    /// paths only, says nothing: the files at the target are then somebody else's until the opposite is shown.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn export_record(&self, target: &Path) -> Result<Option<ExportRecord>, StoreError> {
        let path = self.export_path(target);
        let Some(text) = read(&path)? else { return Ok(None) };
        match unseal(&text) {
            Ok(record) => Ok(Some(record)),
            Err(error) => {
                tracing::info!(path = %path.display(), %error, "the record of an export is not believed");
                Ok(None)
            }
        }
    }

    /// Remembers what an export is about to write or wrote. Unlike all else this is replaced: it describes what lies
    /// outside.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn remember_export(&self, target: &Path, record: &ExportRecord) -> Result<(), StoreError> {
        let path = self.export_path(target);
        let text = seal(record).map_err(|error| StoreError::damaged(&path, error))?;
        Durability::Lasting.replace(&path, &text)
    }

    /// Waits until no other run of this store exports to a target, and keeps others from it while the file is open.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn lock_export(&self, target: &Path) -> Result<fs::File, StoreError> {
        let path = self.export_path(target).with_extension("lock");
        let parent = path.parent().unwrap_or(self.root());
        fs::create_dir_all(parent).map_err(StoreError::file("create", parent))?;
        let file = hold_file(&path)?;
        let whom = || format!("the export to `{}` waits for another run that writes there", target.display());
        take(&file, How::Alone, whom).map_err(StoreError::file("lock", &path))?;
        Ok(file)
    }

    fn export_path(&self, target: &Path) -> PathBuf {
        let digest = blake3::hash(target.as_os_str().as_encoded_bytes()).to_hex();
        self.root().join("exports").join(format!("{digest}.json"))
    }
}
