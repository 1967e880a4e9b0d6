//! Manifests of artifacts that are no datasets: what they are, named by a digest as those of datasets, beside which they lie.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::abort::abort_point;
use super::commit::directory_of;
use super::error::StoreError;
use super::files::{Durability, read};
use super::key::KEY_DIGITS;
use super::past_run::{is_pinned, is_running, keys_of};
use super::root::Store;
use crate::artifact::{Artifact, Policy, Table, release_mark};
use crate::dataset::FilePath;

/// A policy or a table, as its manifest tells of it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ArtifactManifest<P, T> {
    Policy(P),
    Table(T),
}

impl Store {
    /// Publishes the manifest of an artifact and returns its path, as [`Self::publish`] does for a dataset.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn publish_artifact(&self, artifact: &Artifact) -> Result<PathBuf, StoreError> {
        let manifest: ArtifactManifest<&Policy, &Table> = match artifact {
            Artifact::Dataset(dataset) => return self.publish(dataset),
            Artifact::Policy(policy) => ArtifactManifest::Policy(policy.as_ref()),
            Artifact::Table(table) => ArtifactManifest::Table(table.as_ref()),
        };
        self.publish_manifest(&manifest)
    }

    /// The artifact of a manifest, whose name is the digest of its text.
    ///
    /// # Errors
    /// If it is not there, is not as it was written, or was made by another version.
    pub fn artifact(&self, manifest: &Path) -> Result<Artifact, StoreError> {
        let (path, text) = self.manifest_text(manifest)?;
        let damaged = |reason: String| StoreError::damaged(&path, reason);
        let read: ArtifactManifest<Policy, Table> = match serde_json::from_slice(&text) {
            Ok(read) => read,
            Err(_) => return Ok(Artifact::Dataset(Arc::new(self.dataset(manifest)?))),
        };
        let (fault, artifact) = match read {
            ArtifactManifest::Policy(policy) => {
                (policy.fault(), Artifact::Policy(Arc::new(policy.in_store(self.root()))))
            }
            ArtifactManifest::Table(table) => (table.fault(), Artifact::Table(Arc::new(table.in_store(self.root())))),
        };
        fault.map_or(Ok(artifact), |fault| Err(damaged(fault)))
    }

    /// Removes the files of a policy that a run needs no more, unless another run that is pinned or at work has its key. What
    /// is known of it stays; a mark beside its place, which comes first, tells that they are gone on purpose.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn release(&self, policy: &Policy, run: &str) -> Result<(), StoreError> {
        let directory = policy.directory();
        if matches!(policy.place, FilePath::Outside(_)) || !directory.starts_with(self.root().join("data")) {
            return Ok(());
        }
        // Nobody finds it meanwhile: whoever looks for results holds the store until their keys are written down.
        let _alone = self.hold_alone()?;
        if self.is_wanted_elsewhere(&policy.place, run)? {
            return Ok(());
        }
        let mark = release_mark(&directory);
        abort_point();
        Durability::Lasting.put_if_absent(&mark, b"")?;
        abort_point();
        match std::fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(StoreError::file("remove", &directory)(error)),
            _ => Ok(()),
        }
    }

    /// Whether a run but this one, which is pinned or at work, has the key of what lies at a place.
    fn is_wanted_elsewhere(&self, place: &FilePath, run: &str) -> Result<bool, StoreError> {
        let attempt = directory_of(place).and_then(|directory| directory.rsplit('/').next()).unwrap_or_default();
        let Some(digits) = attempt.get(..KEY_DIGITS) else { return Ok(false) };
        for folder in self.run_folders()? {
            let is_other = folder.file_name().is_none_or(|name| name.to_string_lossy() != run);
            if is_other
                && (is_running(&folder) || is_pinned(&folder))
                && keys_of(&folder)?.iter().any(|record| record.key.as_str().starts_with(digits))
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The text of a manifest that lies where this store keeps them, and where that is.
    pub(super) fn manifest_text(&self, manifest: &Path) -> Result<(PathBuf, Vec<u8>), StoreError> {
        let named = manifest.file_stem().unwrap_or_default();
        let path = self.root().join("manifests").join(named).with_extension("json");
        let damaged = |reason: &str| StoreError::damaged(&path, reason);
        let text = read(&path)?.ok_or_else(|| damaged("it is not there"))?;
        match *named == *blake3::hash(&text).to_hex().as_str() {
            true => Ok((path, text)),
            false => Err(damaged("it is not as it was written")),
        }
    }
}
