//! Runs a sink: gives it places to write to, moves the files to their names once all are complete, and remembers
//! which files are ours, so that no other is ever touched.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::parts::Part;
use crate::dataset::Dataset;
use crate::stage::{Context, Exported, ExportedFile, Sink, StageError, Staging, Target};
use crate::store::{Commit, ExportRecord, Outcome, Store, abort_point};

/// Lists the files of a directory target, for other programs.
const MANIFEST: &str = "_manifest.json";

/// Exports and commits.
pub(crate) fn run_part(sink: &dyn Sink, input: &Dataset, part: &Part, store: &Store) -> Result<Commit, StageError> {
    let target = sink.target();
    let mut context = Context::default();
    let mut record = store.export_record(&target.path)?.unwrap_or_default();
    if let Some(left_over) = record.staging.take()
        && left_over.exists()
    {
        fs::remove_dir_all(&left_over).map_err(|error| StageError::file("remove", &left_over, &error))?;
    }
    let directory = if target.is_directory { target.path.clone() } else { parent_of(&target.path).to_owned() };
    fs::create_dir_all(&directory).map_err(|error| StageError::file("create", &directory, &error))?;
    let staging = tempfile::Builder::new()
        .prefix(".sternlight-")
        .tempdir_in(&directory)
        .map_err(|error| StageError::file("write in", &directory, &error))?;
    record.staging = Some(staging.path().to_owned());
    store.remember_export(&target.path, &record)?;
    abort_point();

    let mut places = Places {
        target: &target,
        directory: &directory,
        staging: staging.path(),
        known: &record.files,
        names: Vec::new(),
    };
    sink.export(input, &mut places, &mut context)?;
    let names = places.names.clone();
    let files = names
        .iter()
        .map(|name| written(&staging.path().join(name), &directory.join(name)))
        .collect::<Result<Vec<_>, _>>()?;
    let mut all = names;
    if target.is_directory {
        let path = places.place(MANIFEST)?;
        write_manifest(&path, input, &files, &directory)?;
        all.push(MANIFEST.to_owned());
    }
    abort_point();

    let finals: BTreeSet<PathBuf> = all.iter().map(|name| directory.join(name)).collect();
    let stale: Vec<PathBuf> = record.files.difference(&finals).cloned().collect();
    record.files.extend(finals.iter().cloned());
    store.remember_export(&target.path, &record)?;
    // A directory has a manifest only while its files are those that the manifest lists: the old one goes first, the
    // new one comes last.
    if target.is_directory {
        remove(&directory.join(MANIFEST))?;
        abort_point();
    }
    for path in &stale {
        remove(path)?;
    }
    for name in &all {
        let (from, to) = (staging.path().join(name), directory.join(name));
        fs::rename(&from, &to).map_err(|error| StageError::file("write", &to, &error))?;
        abort_point();
    }
    let staged = staging.path().to_owned();
    staging.close().map_err(|error| StageError::file("remove", &staged, &error))?;
    store.remember_export(&target.path, &ExportRecord { files: finals, staging: None })?;
    let exported = Exported { target: target.path, files };
    Ok(store.commit(None, Commit { parts: part.parts.clone(), outcome: Outcome::Exported(exported), context })?)
}

/// Places in a hidden directory at the target.
struct Places<'a> {
    target: &'a Target,
    directory: &'a Path,
    staging: &'a Path,
    known: &'a BTreeSet<PathBuf>,
    names: Vec<String>,
}

impl Staging for Places<'_> {
    fn place(&mut self, name: &str) -> Result<PathBuf, StageError> {
        let path = self.directory.join(name);
        if path.exists() && !self.known.contains(&path) && !self.target.overwrite {
            return Err(StageError::new(format!(
                "`{}` is there already, and was not written by this store",
                path.display()
            ))
            .help("move it away, choose another `to`, or set `overwrite: true`"));
        }
        if !self.names.iter().any(|known| known == name) && name != MANIFEST {
            self.names.push(name.to_owned());
        }
        Ok(self.staging.join(name))
    }
}

fn written(staged: &Path, path: &Path) -> Result<ExportedFile, StageError> {
    let unreadable = |error: std::io::Error| StageError::file("read back", staged, &error);
    let mut hasher = blake3::Hasher::new();
    let file = File::open(staged).map_err(unreadable)?;
    file.sync_all().map_err(unreadable)?;
    let bytes = file.metadata().map_err(unreadable)?.len();
    hasher.update_reader(file).map_err(unreadable)?;
    Ok(ExportedFile { path: path.to_owned(), bytes, digest: hasher.finalize().to_hex().to_string() })
}

#[derive(Serialize)]
struct DirectoryManifest<'a> {
    format: &'static str,
    rows: u64,
    files: Vec<DirectoryEntry<'a>>,
}

#[derive(Serialize)]
struct DirectoryEntry<'a> {
    name: String,
    bytes: u64,
    blake3: &'a str,
}

fn write_manifest(path: &Path, input: &Dataset, files: &[ExportedFile], directory: &Path) -> Result<(), StageError> {
    let entry =
        |file: &'_ ExportedFile| file.path.strip_prefix(directory).unwrap_or(&file.path).to_string_lossy().into_owned();
    let manifest = DirectoryManifest {
        format: "sternlight export 1",
        rows: input.rows(),
        files: files
            .iter()
            .map(|file| DirectoryEntry { name: entry(file), bytes: file.bytes, blake3: &file.digest })
            .collect(),
    };
    let text = serde_json::to_string_pretty(&manifest).map_err(|error| StageError::new(error.to_string()))?;
    fs::write(path, text + "\n").map_err(|error| StageError::file("write", path, &error))
}

fn remove(path: &Path) -> Result<(), StageError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(StageError::file("remove", path, &error)),
        _ => Ok(()),
    }
}

fn parent_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}
