//! What a store knows of an export: which files at the target are its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::files::{Durability, read};
use super::root::Store;
use super::sealed::{seal, unseal};

/// The files of an export to one target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportRecord {
    /// Files that it wrote, or was about to write when it was interrupted.
    pub files: BTreeSet<PathBuf>,
    /// A directory of an unfinished export, to be removed.
    pub staging: Option<PathBuf>,
}

impl Store {
    /// What this store knows of an export to a target. A damaged record says nothing: the files at the target are then
    /// somebody else's until the opposite is shown.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn export_record(&self, target: &Path) -> Result<Option<ExportRecord>, StoreError> {
        let path = self.export_path(target);
        let Some(text) = read(&path)? else { return Ok(None) };
        match unseal(&text) {
            Ok(record) => Ok(Some(record)),
            Err(reason) => {
                tracing::warn!(path = %path.display(), reason, "the record of an export is damaged and not believed");
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
        let file = fs::File::options().create(true).append(true).open(&path);
        let file = file.map_err(StoreError::file("create", &path))?;
        file.lock().map_err(StoreError::file("lock", &path))?;
        Ok(file)
    }

    fn export_path(&self, target: &Path) -> PathBuf {
        let digest = blake3::hash(target.to_string_lossy().as_bytes()).to_hex();
        self.root().join("exports").join(format!("{digest}.json"))
    }
}
