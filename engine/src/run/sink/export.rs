//! Runs a sink: gives it places to write to, moves the files to their names once all are complete, and remembers their
//! digests, so that nothing is ever replaced or removed but what was written here.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};

use rayon::prelude::*;
use tempfile::{TempDir, TempPath};

use super::super::part::Part;
use super::super::watch::Watch;
use super::super::whole::unchanged_policies;
use super::export_manifest::{MANIFEST, Manifest};
use super::found::{Found, Seen};
use crate::artifact::Inputs;
use crate::dataset::FilesRead;
use crate::place::{self, in_its_directory};
use crate::stage::{Context, Exported, ExportedFile, Sink, StageError, Staging, Target};
use crate::store::{Commit, ExportRecord, Outcome, Store, abort_point, as_others_may};

/// Exports and commits. `sample`: of so many groups of each source the first, and no more.
pub(crate) fn run_part(
    sink: &dyn Sink,
    sample: Option<u64>,
    inputs: &Inputs,
    part: &Part,
    store: &Store,
    watch: &Watch<'_>,
) -> Result<(), StageError> {
    let read = FilesRead::begin(&inputs.data.shards)?;
    let mut export = Export::begin(sink.target(), sample, store, watch)?;
    let mut context = Context::default();
    sink.export(inputs, &mut export, &mut context)?;
    // What was there before stays where it is if this was made of something else than its key says.
    read.unchanged()?;
    unchanged_policies(inputs)?;
    abort_point();
    let exported = export.publish(inputs.rows(), &mut context)?;
    // A commit that is there already told of files that have changed since: what lies outside was written anew.
    store.forget(&part.key)?;
    store.commit(None, Commit::new(part.parts.clone(), Outcome::Exported(exported), context))?;
    Ok(())
}

/// An export whose files are written in a hidden directory at the target.
struct Export<'a> {
    target: Target,
    sample: Option<u64>,
    /// Where the target lies, links on the way resolved.
    place: PathBuf,
    /// Where the files will lie: the target, or beside it.
    directory: PathBuf,
    /// Whether the directory was made for this export.
    is_new: bool,
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
        if !is_name(name) {
            return Err(StageError::new(format!("`{name}` is no name of a file to export")));
        }
        if !self.names.iter().any(|known| known == name) {
            self.names.push(name.to_owned());
        }
        Ok(self.staging.path().join(name))
    }
}

impl<'a> Export<'a> {
    /// Clears away what an interrupted export left, and makes a new directory to write in.
    fn begin(target: Target, sample: Option<u64>, store: &'a Store, watch: &'a Watch<'a>) -> Result<Self, StageError> {
        let place = in_its_directory(&target.path);
        let lock = store.lock_export(&place)?;
        if place::is_link(&place) {
            return Err(is_a_link(&target.path));
        }
        let record = store.export_record(&place)?.filter(|record| record.is_directory == target.is_directory);
        let directory = match place.parent() {
            Some(parent) if !target.is_directory => parent.to_owned(),
            _ => place.clone(),
        };
        let is_new = !directory.exists();
        fs::create_dir_all(&directory).map_err(|error| StageError::file("create", &directory, &error))?;
        let prefix = staging_prefix(store, &place);
        clear_left_over(&directory, &prefix)?;
        let staging = as_others_may(tempfile::Builder::new().prefix(&prefix), true)
            .tempdir_in(&directory)
            .map_err(|error| StageError::file("write in", &directory, &error))?;
        abort_point();
        let (is_directory, is_sample) = (target.is_directory, sample.is_some());
        let record = record.unwrap_or(ExportRecord { is_directory, is_sample, ..ExportRecord::default() });
        Ok(Self {
            target,
            sample,
            place,
            directory,
            is_new,
            staging,
            names: Vec::new(),
            store,
            watch,
            record,
            _lock: lock,
        })
    }

    /// Moves the files to their names, and removes those of the last export that are no longer written.
    fn publish(mut self, rows: u64, context: &mut Context) -> Result<Exported, StageError> {
        let mut files = self.names.par_iter().map(|name| self.described(name)).collect::<Result<Vec<_>, _>>()?;
        let listed = self.target.is_directory.then(|| Manifest::at(&self.directory)).flatten();
        if self.target.is_directory {
            let manifest = Manifest::new(rows, self.sample, self.names.iter().zip(&files));
            let text = manifest.and_then(|manifest| manifest.text());
            let text = text.map_err(|error| StageError::new(error.to_string()))?;
            let path = self.place(MANIFEST)?;
            fs::write(&path, text).map_err(|error| StageError::file("write", &path, &error))?;
            files.push(self.described(MANIFEST)?);
        }
        let found: Vec<Found> = self.names.par_iter().map(|name| self.found(name)).collect::<Result<_, _>>()?;
        for (name, (file, found)) in self.names.iter().zip(files.iter().zip(&found)) {
            self.may_replace(name, file, found, listed.as_ref())?;
        }
        let stale = self.stale(listed.as_ref(), context)?;
        // What lies there and may go, and what is to come: whichever is found after a crash is known again.
        let mut record = self.record.clone();
        record.is_sample &= self.sample.is_some();
        for (name, (file, found)) in self.names.iter().zip(files.iter().zip(&found)) {
            record.add(name, &file.digest);
            if let Found::File(seen) = found
                && self.is_ours(name, seen, listed.as_ref())
            {
                record.add(name, &seen.digest);
            }
        }
        self.remember(&record)?;
        // A directory has a manifest only while its files are those that the manifest lists: the old one goes first,
        // the new one comes last.
        let manifest = self.names.iter().position(|name| name == MANIFEST);
        if let Some(Found::File(seen)) = manifest.and_then(|index| found.get(index)) {
            self.remove(MANIFEST, seen)?;
            abort_point();
        }
        stale.iter().try_for_each(|(name, seen)| self.remove(name, seen))?;
        for (name, found) in self.names.iter().zip(&found) {
            self.put(name, if name == MANIFEST { &Found::Nothing } else { found })?;
            abort_point();
        }
        let mut record = ExportRecord {
            is_directory: self.target.is_directory,
            is_sample: self.sample.is_some(),
            ..ExportRecord::default()
        };
        self.names.iter().zip(&files).for_each(|(name, file)| record.add(name, &file.digest));
        self.remember(&record)?;
        Ok(Exported { target: self.target.path.clone(), files })
    }

    fn remember(&self, record: &ExportRecord) -> Result<(), StageError> {
        Ok(self.store.remember_export(&self.place, record)?)
    }

    fn described(&self, name: &str) -> Result<ExportedFile, StageError> {
        let staged = self.staging.path().join(name);
        let unreadable = |error: io::Error| StageError::file("read back", &staged, &error);
        let file = File::open(&staged).map_err(unreadable)?;
        file.sync_all().map_err(unreadable)?;
        let bytes = file.metadata().map_err(unreadable)?.len();
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(file).map_err(unreadable)?;
        Ok(ExportedFile { path: self.shown(name), bytes, digest: hasher.finalize().to_hex().to_string() })
    }

    /// Where a file will lie, as people named the target.
    fn shown(&self, name: &str) -> PathBuf {
        match self.target.is_directory {
            true => self.target.path.join(name),
            false => self.target.path.with_file_name(name),
        }
    }

    fn found(&self, name: &str) -> Result<Found, StageError> {
        let path = self.directory.join(name);
        Found::at(&path).map_err(|error| StageError::file("read", &path, &error))
    }

    /// Whether a file that was found was written here before, or by another store whose manifest lists it just as it is.
    /// A sample takes the place of samples only.
    fn is_ours(&self, name: &str, seen: &Seen, listed: Option<&Manifest>) -> bool {
        let is_sample = self.sample.is_some();
        let recorded = self.record.wrote(name, &seen.digest) && (self.record.is_sample || !is_sample);
        let listed = listed.is_some_and(|listed| {
            (listed.sample.is_some() || !is_sample) && (name == MANIFEST || listed.lists(name, &seen.digest))
        });
        recorded || listed
    }

    /// A file in the way may be replaced if it is ours, or if it is what would be written anyway.
    fn may_replace(
        &self,
        name: &str,
        file: &ExportedFile,
        found: &Found,
        listed: Option<&Manifest>,
    ) -> Result<(), StageError> {
        match found {
            Found::Nothing => Ok(()),
            Found::File(seen)
                if self.target.overwrite || seen.digest == file.digest || self.is_ours(name, seen, listed) =>
            {
                Ok(())
            }
            Found::File(_) => Err(self.in_the_way(name, &file.path)),
            Found::Link => Err(is_a_link(&file.path)),
            Found::Other => Err(StageError::new(format!("`{}` is there already, and is no file", file.path.display()))
                .help("move it away, or choose another `to`")),
        }
    }

    /// What was exported before and is not any more. Only what is as it was written here goes; readers of the directory would
    /// take the rest for a part of this export, which is said.
    fn stale(&self, listed: Option<&Manifest>, context: &mut Context) -> Result<Vec<(String, Seen)>, StageError> {
        let names = self.record.files.keys().map(String::as_str).chain(listed.into_iter().flat_map(Manifest::names));
        let written: BTreeSet<&str> = self.names.iter().map(String::as_str).collect();
        let names: BTreeSet<&str> = names.filter(|name| is_name(name) && !written.contains(name)).collect();
        let mut stale = Vec::new();
        for name in names {
            match self.found(name)? {
                Found::Nothing => {}
                Found::File(seen) if self.record.wrote(name, &seen.digest) => stale.push((name.to_owned(), seen)),
                _ => context.warnings.push(format!(
                    "`{}` was part of an earlier export and stays: it is not as it was written here; move it away if it is \
                     not to be read as part of this one",
                    self.shown(name).display()
                )),
            }
        }
        Ok(stale)
    }

    fn remove(&self, name: &str, seen: &Seen) -> Result<(), StageError> {
        let path = self.directory.join(name);
        if !seen.is_still_at(&path) {
            return Err(changed(&self.shown(name)));
        }
        fs::remove_file(&path).map_err(|error| StageError::file("remove", &path, &error))
    }

    /// Gives a file its name, in the place of what was found there.
    fn put(&self, name: &str, found: &Found) -> Result<(), StageError> {
        let (from, to) = (self.staging.path().join(name), self.directory.join(name));
        let failed = |error: &io::Error| match error.kind() {
            ErrorKind::AlreadyExists => changed(&self.shown(name)),
            _ => StageError::file("write", &to, error),
        };
        match found {
            // Whatever came to lie there since is not replaced.
            Found::Nothing => {
                let staged = TempPath::try_from_path(from).map_err(|error| failed(&error))?;
                staged.persist_noclobber(&to).map_err(|error| failed(&error.error))
            }
            Found::File(seen) if seen.is_still_at(&to) => fs::rename(from, &to).map_err(|error| failed(&error)),
            _ => Err(changed(&self.shown(name))),
        }
    }

    fn in_the_way(&self, name: &str, path: &Path) -> StageError {
        let path = path.display();
        if self.sample.is_some() {
            return StageError::new(format!("`{path}` is there already, and is no sample that sternlight wrote"))
                .help("`--limit` writes beside the target: move it away, or choose another `to`");
        }
        let changed = if self.record.files.contains_key(name) { " as it is now" } else { "" };
        StageError::new(format!("`{path}` is there already, and sternlight did not write it{changed}"))
            .help("move it away, choose another `to`, or set `overwrite: true`")
    }
}

impl Drop for Export<'_> {
    fn drop(&mut self) {
        // Leaves no empty directory behind an export that failed; any other is not empty.
        if self.target.is_directory && fs::remove_dir_all(self.staging.path()).is_ok() && self.is_new {
            let _ = fs::remove_dir(&self.directory);
        }
    }
}

/// What the names of hidden directories begin with, in which a store writes for a target. By it what an interrupted export
/// left is known: no record names what is removed.
fn staging_prefix(store: &Store, place: &Path) -> String {
    const DIGITS: usize = 16;
    let mut hasher = blake3::Hasher::new();
    for path in [store.root(), place] {
        let bytes = path.as_os_str().as_encoded_bytes();
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    }
    format!(".sternlight-{}-", hasher.finalize().to_hex().get(..DIGITS).unwrap_or_default())
}

/// Removes the hidden directories of exports to this target that were interrupted: the target is locked.
fn clear_left_over(directory: &Path, prefix: &str) -> Result<(), StageError> {
    let entries = fs::read_dir(directory).map_err(|error| StageError::file("read", directory, &error))?;
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let is_left_over = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix));
        if is_left_over && place::is_directory(&path) {
            fs::remove_dir_all(&path).map_err(|error| StageError::file("remove", &path, &error))?;
        }
    }
    Ok(())
}

/// Whether a text is the name of a file, and no path to one.
fn is_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name)
}

fn is_a_link(path: &Path) -> StageError {
    StageError::new(format!("`{}` is a link, and exports follow and replace none", path.display()))
        .help("name the place that it leads to, or move the link away")
}

fn changed(path: &Path) -> StageError {
    StageError::new(format!("`{}` was changed while the export was written, and stays as it is", path.display()))
        .help("move it away, then run the same command again")
}
