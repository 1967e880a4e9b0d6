//! Runs as their folders tell of them: a list that reads two lines of each, and all that one wrote down. Also the mark
//! that keeps a run from being cleaned up.

use std::cmp::Reverse;
use std::fmt;
use std::fs;
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::StoreError;
use super::files::{Durability, open, read, remove};
use super::root::Store;
use super::run_files::{EVENTS, KEYS, KeyRecord, LOCK, PLAN, SEAL, Seal};
use super::sealed::unseal;
use crate::event::{Event, Record, RunStatus};
use crate::place::{is_directory, is_file};

const PINNED: &str = "pinned";

/// Bytes that are read at first of the end of a run's events: their last line is rarely longer.
const TAIL_BYTES: u64 = 4096;

/// What is known about a run from the first and the last of its events.
#[derive(Clone, Debug, Serialize)]
pub struct RunSummary {
    /// Its name: date, time and a few letters.
    pub id: String,
    /// Its number: greater than that of every run that began before. Runs of earlier versions have none.
    pub number: Option<u64>,
    /// The pipeline's name.
    pub pipeline: String,
    /// The cell of its matrix, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cell: Option<String>,
    /// How it ended, if it did.
    pub status: PastStatus,
    /// When it began.
    pub started: Timestamp,
    /// Seconds it took; `None` if it did not end, or did not say so.
    pub seconds: Option<f64>,
    /// Whether cleaning up spares what it reaches, however old.
    pub pinned: bool,
    /// Its folder.
    #[serde(skip)]
    pub path: PathBuf,
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PastStatus {
    /// Its process is at work.
    Running,
    /// Every stage has its result.
    Done,
    /// A stage, or the store, failed.
    Failed,
    /// Somebody stopped it.
    Interrupted,
    /// Its process is gone and did not say how it ended: it was killed, or the machine was.
    Crashed,
}

impl fmt::Display for PastStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Crashed => "crashed",
        })
    }
}

impl RunSummary {
    /// The pipeline's name, and the cell of its matrix: `demo (seed=2)`.
    pub fn title(&self) -> String {
        self.cell.as_ref().map_or_else(|| self.pipeline.clone(), |cell| format!("{} ({cell})", self.pipeline))
    }

    /// Where the run's plan lies, if it has one.
    pub fn plan_path(&self) -> PathBuf {
        self.path.join(PLAN)
    }
}

impl Store {
    /// Past and present runs, the one begun last first: by their numbers, whatever the clock said. Takes two lines of each run's events, not all of them.
    ///
    /// # Errors
    /// If the store cannot be read. Folders without a readable first event are passed over.
    pub fn runs(&self) -> Result<Vec<RunSummary>, StoreError> {
        let mut runs: Vec<RunSummary> = self.run_folders()?.iter().filter_map(|path| summary(path)).collect();
        let order = |run: &RunSummary| (run.number, run.started, run.id.clone());
        runs.sort_by_cached_key(|run| Reverse(order(run)));
        Ok(runs)
    }

    pub(super) fn run_folders(&self) -> Result<Vec<PathBuf>, StoreError> {
        let directory = self.root().join("runs");
        match fs::read_dir(&directory) {
            Ok(entries) => {
                let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
                Ok(paths.filter(|path| is_directory(path)).collect())
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(StoreError::file("read", &directory)(error)),
        }
    }

    /// The events of a run. A last line that a crash cut short is passed over.
    ///
    /// # Errors
    /// If they cannot be read, or are not as they were written.
    pub fn events(&self, run: &RunSummary) -> Result<Vec<Record>, StoreError> {
        lines(&checked_text(&run.path, EVENTS)?, &run.path.join(EVENTS))
    }

    /// The keys that a run used.
    ///
    /// # Errors
    /// If they cannot be read, or are not as they were written.
    pub fn keys(&self, run: &RunSummary) -> Result<Vec<KeyRecord>, StoreError> {
        keys_of(&run.path)
    }

    /// Spares a run, and what it reaches, from cleaning up; whether it was not spared before.
    ///
    /// # Errors
    /// If it is gone, or the store cannot be written.
    pub fn pin(&self, run: &RunSummary) -> Result<bool, StoreError> {
        let _hold = self.hold()?;
        drop(open(&run.path.join(EVENTS))?);
        Durability::Lasting.put_if_absent(&run.path.join(PINNED), b"")
    }

    /// Undoes [`Self::pin`]; whether the run was pinned.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn unpin(&self, run: &RunSummary) -> Result<bool, StoreError> {
        remove(&run.path.join(PINNED))
    }
}

/// Whether the folder's run is pinned.
pub(super) fn is_pinned(folder: &Path) -> bool {
    is_file(&folder.join(PINNED))
}

/// Whether the process of the folder's run is at work. Where the file system has no locks, it may be.
pub(super) fn is_running(folder: &Path) -> bool {
    match open(&folder.join(LOCK)) {
        Ok(file) => file.try_lock_shared().is_err(),
        Err(_) => false,
    }
}

/// The text of a file of a run, which must be as the run left it if it ended.
pub(super) fn checked_text(folder: &Path, name: &str) -> Result<Vec<u8>, StoreError> {
    let path = folder.join(name);
    let missing = || StoreError::file("read", &path)(ErrorKind::NotFound.into());
    let text = read(&path)?.ok_or_else(missing)?;
    let seal_path = folder.join(SEAL);
    let Some(seal) = read(&seal_path)? else { return Ok(text) };
    let seal: Seal = unseal(&seal).map_err(|reason| StoreError::damaged(&seal_path, reason))?;
    let expected = if name == EVENTS { seal.events } else { seal.keys };
    match blake3::hash(&text).to_hex().as_str() == expected {
        true => Ok(text),
        false => Err(StoreError::damaged(&path, "it is not as it was written")),
    }
}

/// The keys that a folder's run wrote down.
pub(super) fn keys_of(folder: &Path) -> Result<Vec<KeyRecord>, StoreError> {
    let path = folder.join(KEYS);
    let keys: Vec<KeyRecord> = lines(&checked_text(folder, KEYS)?, &path)?;
    match keys.iter().position(|record| record.parts.key() != record.key) {
        None => Ok(keys),
        Some(index) => Err(StoreError::damaged(&path, format!("line {}: not the key of its parts", index + 1))),
    }
}

/// The values of a file's lines.
fn lines<T: DeserializeOwned>(text: &[u8], path: &Path) -> Result<Vec<T>, StoreError> {
    let lines = text.split_inclusive(|byte| *byte == b'\n').enumerate();
    // What does not end in a line feed was still being written.
    lines
        .filter(|(_, line)| line.ends_with(b"\n"))
        .map(|(index, line)| {
            let damaged = |error| StoreError::damaged(path, format!("line {}: {error}", index + 1));
            serde_json::from_slice(line).map_err(damaged)
        })
        .collect()
}

fn summary(path: &Path) -> Option<RunSummary> {
    let (first, last) = first_and_last_line(&path.join(EVENTS)).ok()?;
    let first: Record = serde_json::from_slice(&first).ok()?;
    let Event::RunStarted { run, number, pipeline, cell, .. } = first.event else { return None };
    let last = serde_json::from_slice(&last).ok().map(|record: Record| record.event);
    let (status, seconds) = match last {
        Some(Event::RunFinished { status, seconds, .. }) => (status.into(), Some(seconds)),
        _ if is_running(path) => (PastStatus::Running, None),
        _ => (PastStatus::Crashed, None),
    };
    let started = first.at.parse().ok()?;
    let (pinned, path) = (is_pinned(path), path.to_owned());
    Some(RunSummary { id: run, number, pipeline, cell, status, started, seconds, pinned, path })
}

impl From<RunStatus> for PastStatus {
    fn from(status: RunStatus) -> Self {
        match status {
            RunStatus::Done => Self::Done,
            RunStatus::Failed => Self::Failed,
            RunStatus::Interrupted => Self::Interrupted,
        }
    }
}

/// The first and the last line of a file, without what is between. A last line without a line feed counts.
fn first_and_last_line(path: &Path) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let file = open(path).map_err(io::Error::other)?;
    let mut file = BufReader::with_capacity(TAIL_BYTES as usize, file);
    let mut first = Vec::new();
    file.read_until(b'\n', &mut first)?;
    let mut file = file.into_inner();
    let length = file.metadata()?.len();
    let mut wanted = TAIL_BYTES;
    loop {
        let start = length.saturating_sub(wanted);
        file.seek(SeekFrom::Start(start))?;
        let mut tail = Vec::new();
        (&file).take(length - start).read_to_end(&mut tail)?;
        let text = tail.strip_suffix(b"\n").unwrap_or(&tail);
        match text.iter().rposition(|byte| *byte == b'\n') {
            Some(before) => return Ok((first, text[before + 1..].to_vec())),
            None if start == 0 => return Ok((first, text.to_vec())),
            None => wanted *= 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn the_ends_of_a_file_are_found_whatever_its_length(
            lengths in proptest::collection::vec(1usize..6000, 1..6), torn in proptest::bool::ANY
        ) {
            let line = |(index, length): (usize, &usize)| char::from(b'a' + index as u8).to_string().repeat(*length);
            let lines: Vec<String> = lengths.iter().enumerate().map(line).collect();
            let file = tempfile::NamedTempFile::new().unwrap();
            fs::write(file.path(), lines.join("\n") + if torn { "" } else { "\n" }).unwrap();
            let (first, last) = first_and_last_line(file.path()).unwrap();
            proptest::prop_assert_eq!(first.strip_suffix(b"\n").unwrap_or(&first), lines[0].as_bytes());
            proptest::prop_assert_eq!(&last, lines[lines.len() - 1].as_bytes());
        }
    }
}
