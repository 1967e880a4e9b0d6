//! Runs a sink: gives it places to write to, moves the files to their names once all are complete, and remembers
//! which files are ours, so that no other is ever touched.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::parts::Part;
use super::watch::Watch;
use crate::dataset::{Dataset, FilesRead};
use crate::stage::{Context, Exported, ExportedFile, Sink, StageError, Staging, Target};
use crate::store::{Commit, ExportRecord, Outcome, Store, abort_point};

/// Lists the files of a directory target, for other programs and for other stores.
const MANIFEST: &str = "_manifest.json";

/// What that list calls itself.
const MANIFEST_FORMAT: &str = "sternlight export 1";

/// Exports and commits.
pub(crate) fn run_part(
    sink: &dyn Sink,
    input: &Dataset,
    part: &Part,
    store: &Store,
    watch: &Watch<'_>,
) -> Result<(), StageError> {
    let read = FilesRead::begin(&input.shards)?;
    let mut export = Export::begin(sink.target(), store, watch)?;
    let mut context = Context::default();
    sink.export(input, &mut export, &mut context)?;
    // What was there before stays where it is if this was made of something else than its key says.
    read.unchanged()?;
    abort_point();
    let exported = export.publish(input)?;
    // A commit that is there already told of files that have changed since: what lies outside was written anew.
    store.forget(&part.key)?;
    store.commit(None, Commit::new(part.parts.clone(), Outcome::Exported(exported), context))?;
    Ok(())
}

/// An export whose files are written in a hidden directory at the target.
struct Export<'a> {
    target: Target,
    /// Where the files will lie: the target, or beside it.
    directory: PathBuf,
    staging: TempDir,
    names: Vec<String>,
    store: &'a Store,
    watch: &'a Watch<'a>,
    record: ExportRecord,
    /// Held until the end: no other run of this store writes to the target meanwhile.
    _lock: File,
}

impl Staging for Export<'_> {
    fn place(&mut self, name: &str) -> Result<PathBuf, StageError> {
        self.watch.check()?;
        if !self.names.iter().any(|known| known == name) {
            self.names.push(name.to_owned());
        }
        Ok(self.staging.path().join(name))
    }
}

impl<'a> Export<'a> {
    /// Clears away what an interrupted export left, and makes a new directory to write in.
    fn begin(target: Target, store: &'a Store, watch: &'a Watch<'a>) -> Result<Self, StageError> {
        let lock = store.lock_export(&target.path)?;
        let mut record = store.export_record(&target.path)?.unwrap_or_default();
        if let Some(left_over) = record.staging.take().filter(|left_over| left_over.exists()) {
            fs::remove_dir_all(&left_over).map_err(|error| StageError::file("remove", &left_over, &error))?;
        }
        let parent = target.path.parent().unwrap_or(&target.path);
        let directory = if target.is_directory { target.path.clone() } else { parent.to_owned() };
        fs::create_dir_all(&directory).map_err(|error| StageError::file("create", &directory, &error))?;
        let staging = tempfile::Builder::new()
            .prefix(".sternlight-")
            .tempdir_in(&directory)
            .map_err(|error| StageError::file("write in", &directory, &error))?;
        record.staging = Some(staging.path().to_owned());
        store.remember_export(&target.path, &record)?;
        abort_point();
        Ok(Self { target, directory, staging, names: Vec::new(), store, watch, record, _lock: lock })
    }

    /// Moves the files to their names, and removes those of the last export that are no longer written.
    fn publish(mut self, input: &Dataset) -> Result<Exported, StageError> {
        let mut files = self.names.par_iter().map(|name| self.described(name)).collect::<Result<Vec<_>, _>>()?;
        self.refuse_to_touch_others(&files)?;
        if self.target.is_directory {
            let manifest = Manifest {
                format: MANIFEST_FORMAT.to_owned(),
                rows: input.rows(),
                files: self.names.iter().zip(&files).map(|(name, file)| (name.clone(), Entry::of(file))).collect(),
            };
            let path = self.place(MANIFEST)?;
            let text = serde_json::to_string_pretty(&manifest).map_err(|error| StageError::new(error.to_string()))?;
            fs::write(&path, text + "\n").map_err(|error| StageError::file("write", &path, &error))?;
            files.push(self.described(MANIFEST)?);
        }
        let finals: BTreeSet<PathBuf> = self.names.iter().map(|name| self.directory.join(name)).collect();
        let stale: Vec<PathBuf> = self.record.files.difference(&finals).cloned().collect();
        self.record.files.extend(finals.iter().cloned());
        self.store.remember_export(&self.target.path, &self.record)?;
        // A directory has a manifest only while its files are those that the manifest lists: the old one goes first,
        // the new one comes last.
        if self.target.is_directory {
            remove(&self.directory.join(MANIFEST))?;
            abort_point();
        }
        stale.iter().try_for_each(|path| remove(path))?;
        for name in &self.names {
            let to = self.directory.join(name);
            fs::rename(self.staging.path().join(name), &to).map_err(|error| StageError::file("write", &to, &error))?;
            abort_point();
        }
        self.store.remember_export(&self.target.path, &ExportRecord { files: finals, staging: None })?;
        Ok(Exported { target: self.target.path.clone(), files })
    }

    fn described(&self, name: &str) -> Result<ExportedFile, StageError> {
        let staged = self.staging.path().join(name);
        let unreadable = |error: io::Error| StageError::file("read back", &staged, &error);
        let file = File::open(&staged).map_err(unreadable)?;
        file.sync_all().map_err(unreadable)?;
        let bytes = file.metadata().map_err(unreadable)?.len();
        let digest = digest(&staged).map_err(unreadable)?;
        Ok(ExportedFile { path: self.directory.join(name), bytes, digest })
    }

    /// A file in the way may be replaced if this store wrote it, if a manifest at the target lists it as it is (another
    /// store wrote it, and nobody changed it since), or if it is what would be written anyway.
    fn refuse_to_touch_others(&self, files: &[ExportedFile]) -> Result<(), StageError> {
        if self.target.overwrite {
            return Ok(());
        }
        let listed = Manifest::at(&self.directory.join(MANIFEST));
        let manifest = self.target.is_directory.then(|| self.directory.join(MANIFEST));
        for (name, file) in self.names.iter().zip(files) {
            if !file.path.exists() || self.record.files.contains(&file.path) {
                continue;
            }
            let found = digest(&file.path).map_err(|error| StageError::file("read", &file.path, &error))?;
            let as_listed = listed.as_ref().and_then(|listed| listed.files.get(name)).map(|entry| &entry.blake3);
            if found != file.digest && as_listed != Some(&found) {
                return Err(in_the_way(&file.path));
            }
        }
        match manifest {
            Some(path) if path.exists() && listed.is_none() && !self.record.files.contains(&path) => {
                Err(in_the_way(&path))
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Export<'_> {
    fn drop(&mut self) {
        // Leaves no empty directory behind an export that failed; any other is not empty.
        if self.target.is_directory && fs::remove_dir_all(self.staging.path()).is_ok() {
            let _ = fs::remove_dir(&self.directory);
        }
    }
}

/// The form of [`MANIFEST`].
#[derive(Serialize, Deserialize)]
struct Manifest {
    format: String,
    rows: u64,
    files: BTreeMap<String, Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    bytes: u64,
    blake3: String,
}

impl Entry {
    fn of(file: &ExportedFile) -> Self {
        Self { bytes: file.bytes, blake3: file.digest.clone() }
    }
}

impl Manifest {
    /// The manifest at a place; `None` if there is none, or something else.
    fn at(path: &Path) -> Option<Self> {
        let found: Self = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        (found.format == MANIFEST_FORMAT).then_some(found)
    }
}

fn remove(path: &Path) -> Result<(), StageError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StageError::file("remove", path, &error)),
        _ => Ok(()),
    }
}

fn in_the_way(path: &Path) -> StageError {
    StageError::new(format!("`{}` is there already, and sternlight did not write it", path.display()))
        .help("move it away, choose another `to`, or set `overwrite: true`")
}

fn digest(path: &Path) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok(hasher.finalize().to_hex().to_string())
}
