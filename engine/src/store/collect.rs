//! Cleaning up: removes what no spared run reaches.
//!
//! Spared is what pinned runs, recent runs and runs at work reach, and whatever is young. Other processes may be at work
//! on the store meanwhile. What could go wrong, and why it does not:
//!
//! - *A run finds a result just as it is removed.* A run holds the store (see [`Store::hold`]) from looking for results
//!   until their keys are in its folder. Commits are only removed while nobody holds it, and the folders are read after
//!   that was made sure: either the key is seen here, or the run looks when the commit is gone and computes.
//! - *Data vanish below a commit.* Commits and manifests go first, data after. Data that no commit and no manifest named
//!   while the store was held alone can be named by none later: an attempt's name is never used twice.
//! - *Data of a part that is being computed have no commit yet.* Attempts are named after their key, and the keys of
//!   runs at work are known: their folders are locked, by the system, until their processes end.
//! - *A task is about to go on from a checkpoint.* Its key is one of those that runs at work wrote down.
//! - *A manifest was there, so that a run did not write it again.* The run holds the store from publishing a manifest
//!   until the event that names it is written.
//! - *A run is about to begin.* Its folder is made and locked while it holds the store.
//! - *A temporary file is about to get its name.* None is removed before it is a day old, whatever is asked for.
//! - *Rows are exchanged between steps.* Runs that need them hold a lock of their own (see [`Store::exchange`]), and
//!   they go only when nobody does.
//! - *Cleaning up itself is killed.* Data without a commit are left, and go the next time.
//! - *Two clean up at once.* They decide one after the other; the second finds less, and what is gone is no error.
//! - *A link leads out of the store.* It is not followed, wherever it lies, and is no store's own: it stays, but in what is
//!   removed whole.
//!
//! Records of exports are kept: they are what protects other people's files at the same places, and they are small.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::checkpoint::{CHECKPOINTS, SCRATCH};
use super::error::StoreError;
use super::files::TEMPORARY;
use super::key::KEY_DIGITS;
use super::past_run::{is_pinned, is_running};
use super::reach::Reach;
use super::root::Store;
use super::run_files::EVENTS;
use crate::place::is_directory;

/// No file is written for longer than this before it gets its name.
const TEMPORARY_AGE: Duration = Duration::from_hours(24);

/// How to clean up.
#[derive(Clone, Debug)]
pub struct CollectOptions {
    /// Runs that wrote something in this time are spared.
    pub keep: Duration,
    /// Whatever is younger is spared.
    pub young: Duration,
    /// Only finds out what would go.
    pub dry_run: bool,
}

/// What there is to clean up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A folder of a run.
    Run,
    /// A commit: without it, its result does not exist.
    Result,
    /// A directory of a result's data.
    Data,
    /// A directory of data that were never committed: a run was killed.
    Unfinished,
    /// What a killed run had gathered half-way.
    Exchange,
    /// A state from which a long task could go on.
    Checkpoint,
    /// The manifest of a dataset.
    Manifest,
    /// A fact about an input.
    Fact,
    /// A file or directory that was being written when its process was killed.
    Temporary,
}

/// How much of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Collected {
    /// How many.
    pub count: u64,
    /// Bytes of their files.
    pub bytes: u64,
}

/// What was, or would be, removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Collection {
    /// Names of the runs, in order.
    pub runs: Vec<String>,
    /// How much, by kind.
    pub kinds: BTreeMap<Kind, Collected>,
    /// Bytes of all.
    pub bytes: u64,
}

/// Something that may go.
struct Doomed {
    kind: Kind,
    path: PathBuf,
}

impl Store {
    /// Removes what no spared run reaches and what is not young; see the module's beginning for why this is safe beside
    /// runs. What lies outside of the store is never touched.
    ///
    /// # Errors
    /// If the store cannot be read, locked or written, or what a spared run wrote down is damaged: then nothing is
    /// removed.
    pub fn collect(&self, options: &CollectOptions) -> Result<Collection, StoreError> {
        let alone = self.hold_alone()?;
        let mut search =
            Search { store: self, options, now: SystemTime::now(), reach: Reach::default(), doomed: vec![] };
        search.runs()?;
        search.manifests()?;
        search.commits()?;
        search.data()?;
        search.exchange()?;
        search.checkpoints()?;
        search.facts()?;
        search.temporaries()?;
        let mut collection = Collection::default();
        for doomed in &search.doomed {
            let bytes = size_and_time(&doomed.path)?.0;
            let kind = collection.kinds.entry(doomed.kind).or_default();
            *kind = Collected { count: kind.count + 1, bytes: kind.bytes + bytes };
            collection.bytes += bytes;
            if doomed.kind == Kind::Run {
                collection.runs.push(name_of(&doomed.path));
            }
        }
        collection.runs.sort();
        if options.dry_run {
            return Ok(collection);
        }
        let (found, unfindable): (Vec<Doomed>, Vec<Doomed>) = search
            .doomed
            .into_iter()
            .partition(|doomed| matches!(doomed.kind, Kind::Run | Kind::Result | Kind::Manifest | Kind::Checkpoint));
        found.iter().try_for_each(|doomed| remove(&doomed.path))?;
        // Nobody can find the rest any more.
        drop(alone);
        unfindable.iter().try_for_each(|doomed| match doomed.kind {
            // Unless a run has come to need it.
            Kind::Exchange => self.exchange()?.clear(),
            _ => remove(&doomed.path),
        })?;
        Ok(collection)
    }
}

/// Looks through a store that is held alone.
struct Search<'a> {
    store: &'a Store,
    options: &'a CollectOptions,
    now: SystemTime,
    reach: Reach,
    doomed: Vec<Doomed>,
}

impl Search<'_> {
    fn runs(&mut self) -> Result<(), StoreError> {
        for folder in self.store.run_folders()? {
            let last_written = match fs::symlink_metadata(folder.join(EVENTS)).and_then(|file| file.modified()) {
                Ok(time) => time,
                Err(_) => size_and_time(&folder)?.1,
            };
            let is_running = is_running(&folder);
            let is_recent = !self.is_older(last_written, self.options.keep.max(self.options.young));
            if is_running || is_recent || is_pinned(&folder) {
                self.reach.add_run(&folder, is_running)?;
            } else {
                self.doom(Kind::Run, folder);
            }
        }
        Ok(())
    }

    fn manifests(&mut self) -> Result<(), StoreError> {
        for path in self.entries("manifests")? {
            let stem = path.file_stem().map(OsStr::to_string_lossy).unwrap_or_default();
            if self.reach.manifests.contains(stem.as_ref()) || self.is_young(&path)? {
                self.reach.add_manifest(&path)?;
            } else if !is_temporary(&path) {
                self.doom(Kind::Manifest, path);
            }
        }
        Ok(())
    }

    fn commits(&mut self) -> Result<(), StoreError> {
        for path in self.shelved("commits")? {
            let stem = path.file_stem().map(OsStr::to_string_lossy).unwrap_or_default();
            if self.reach.keys.contains(stem.as_ref()) || self.is_young(&path)? {
                self.reach.add_commit(&path)?;
            } else if !is_temporary(&path) {
                self.doom(Kind::Result, path);
            }
        }
        Ok(())
    }

    fn data(&mut self) -> Result<(), StoreError> {
        let committed: Vec<String> = self
            .doomed
            .iter()
            .filter(|doomed| doomed.kind == Kind::Result)
            .map(|doomed| name_of(&doomed.path))
            .collect();
        let committed: std::collections::HashSet<&str> =
            committed.iter().filter_map(|name| name.get(..KEY_DIGITS)).collect();
        for path in self.shelved("data")? {
            let relative = path.strip_prefix(self.store.root()).unwrap_or(&path).to_string_lossy().into_owned();
            let name = name_of(&path);
            let digits = name.get(..KEY_DIGITS).unwrap_or_default();
            let is_spared = self.reach.data.contains(&relative) || self.reach.at_work.contains(digits);
            if is_spared || self.is_young(&path)? {
                continue;
            }
            let kind = if committed.contains(digits) { Kind::Data } else { Kind::Unfinished };
            self.doom(kind, path);
        }
        Ok(())
    }

    fn exchange(&mut self) -> Result<(), StoreError> {
        if let Some(directory) = self.store.abandoned_exchange()
            && !self.is_young(&directory)?
        {
            self.doom(Kind::Exchange, directory);
        }
        Ok(())
    }

    /// Those of keys that nobody reaches: a run that goes on has its keys written down.
    fn checkpoints(&mut self) -> Result<(), StoreError> {
        for path in self.shelved(CHECKPOINTS)? {
            let name = name_of(&path);
            // A run that was killed between the result and the end of its states left them.
            let is_done = name.get(..2).is_some_and(|shelf| {
                self.store.root().join("commits").join(shelf).join(format!("{name}.json")).exists()
            });
            if (is_done || !self.reach.keys.contains(&name)) && !self.is_young(&path)? {
                self.doom(Kind::Checkpoint, path);
            }
        }
        Ok(())
    }

    fn facts(&mut self) -> Result<(), StoreError> {
        for path in self.entries("memo")? {
            // Facts that are asked for are kept young; runs do not write down which they use.
            if !is_temporary(&path) && self.is_older(size_and_time(&path)?.1, self.options.keep.max(self.options.young))
            {
                self.doom(Kind::Fact, path);
            }
        }
        Ok(())
    }

    fn temporaries(&mut self) -> Result<(), StoreError> {
        let mut paths = self.shelved("commits")?;
        for directory in ["", "manifests", "memo", "exports", "numbers", SCRATCH] {
            paths.extend(self.entries(directory)?);
        }
        for folder in self.store.run_folders()?.into_iter().chain(self.shelved(CHECKPOINTS)?) {
            paths.extend(entries(&folder)?);
        }
        for path in paths.into_iter().filter(|path| is_temporary(path)) {
            if self.is_older(size_and_time(&path)?.1, TEMPORARY_AGE.max(self.options.young)) {
                self.doom(Kind::Temporary, path);
            }
        }
        Ok(())
    }

    fn doom(&mut self, kind: Kind, path: PathBuf) {
        self.doomed.push(Doomed { kind, path });
    }

    fn is_young(&self, path: &Path) -> Result<bool, StoreError> {
        Ok(!self.is_older(size_and_time(path)?.1, self.options.young))
    }

    /// Whether a time lies further back. One that is to come does not.
    fn is_older(&self, time: SystemTime, age: Duration) -> bool {
        self.now.duration_since(time).is_ok_and(|since| since > age)
    }

    /// What lies in a directory of the store.
    fn entries(&self, directory: &str) -> Result<Vec<PathBuf>, StoreError> {
        entries(&self.store.root().join(directory))
    }

    /// What lies in the directories of a directory of the store.
    fn shelved(&self, directory: &str) -> Result<Vec<PathBuf>, StoreError> {
        let shelves = self.entries(directory)?;
        let shelves = shelves.iter().filter(|path| is_directory(path));
        Ok(shelves.map(|shelf| entries(shelf)).collect::<Result<Vec<_>, _>>()?.concat())
    }
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, StoreError> {
    match fs::read_dir(directory) {
        Ok(entries) => Ok(entries.filter_map(|entry| Some(entry.ok()?.path())).collect()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(StoreError::file("read", directory)(error)),
    }
}

fn is_temporary(path: &Path) -> bool {
    name_of(path).starts_with(TEMPORARY)
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Bytes of a file, or of all files of a directory, and when it was last changed. What has just gone has no bytes, and is
/// young.
fn size_and_time(path: &Path) -> Result<(u64, SystemTime), StoreError> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok((0, SystemTime::now())),
        metadata => metadata.map_err(StoreError::file("read", path))?,
    };
    let modified = metadata.modified().map_err(StoreError::file("read", path))?;
    if !metadata.is_dir() {
        return Ok((metadata.len(), modified));
    }
    entries(path)?.iter().try_fold((0, modified), |(bytes, latest), entry| {
        let (more, time) = size_and_time(entry)?;
        Ok((bytes + more, latest.max(time)))
    })
}

fn remove(path: &Path) -> Result<(), StoreError> {
    let removed = if is_directory(path) { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(StoreError::file("remove", path)(error)),
        _ => Ok(()),
    }
}
