//! The folder of a run: which keys it used, its events, and how it ended.

use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::key::{Key, KeyParts};
use super::root::Store;
use crate::event::{Event, Record};

/// The plan of a run, in its folder.
const PLAN: &str = "plan.json";

/// One part of a stage's work and its key, as a run wrote them down before it used them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRecord {
    /// The stage.
    pub stage: String,
    /// What the part covers, for people.
    pub label: String,
    /// Its key.
    pub key: Key,
    /// What the key was made of.
    pub parts: KeyParts,
}

/// A run's folder, open for writing.
#[derive(Debug)]
pub struct RunFolder {
    id: String,
    path: PathBuf,
    events: fs::File,
    keys: fs::File,
}

/// What is known about a past run from its events.
#[derive(Clone, Debug, Serialize)]
pub struct RunSummary {
    /// Its name: date, time and a few letters.
    pub id: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// When it began, as RFC 3339.
    pub started: String,
    /// Seconds it took; `None` if it never ended.
    pub seconds: Option<f64>,
    /// `done`, `failed`, `interrupted`; `None` if it never ended.
    pub status: Option<String>,
    /// Its folder.
    #[serde(skip)]
    pub path: PathBuf,
}

impl RunFolder {
    /// A new folder, named after the time.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn create(store: &Store) -> Result<Self, StoreError> {
        let runs = store.root().join("runs");
        fs::create_dir_all(&runs).map_err(StoreError::file("create", &runs))?;
        let time = jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S").to_string();
        // Removed again if it cannot be filled.
        let folder = tempfile::Builder::new()
            .prefix(&format!("{time}-"))
            .rand_bytes(4)
            .tempdir_in(&runs)
            .map_err(StoreError::file("create a directory in", &runs))?;
        let create = |name: &str| {
            let path = folder.path().join(name);
            fs::File::create_new(&path).map_err(StoreError::file("create", &path))
        };
        let (events, keys) = (create("events.jsonl")?, create("keys.jsonl")?);
        let path = folder.keep();
        let id = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self { events, keys, id, path })
    }

    /// Keeps the run's plan, with which any process can carry out parts of it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep_plan(&self, plan: &str) -> Result<(), StoreError> {
        let path = self.plan_path();
        fs::write(&path, plan).map_err(|error| {
            // A run that cannot begin leaves nothing.
            let _ = fs::remove_dir_all(&self.path);
            StoreError::file("write", &path)(error)
        })
    }

    /// Where the plan lies.
    pub fn plan_path(&self) -> PathBuf {
        self.path.join(PLAN)
    }

    /// The run's name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Appends an event.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn record(&mut self, record: &Record) -> Result<(), StoreError> {
        append(&mut self.events, &self.path, record)
    }

    /// Writes down keys before they are used, so that whoever cleans up spares them.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn use_keys(&mut self, keys: &[KeyRecord]) -> Result<(), StoreError> {
        keys.iter().try_for_each(|key| append(&mut self.keys, &self.path, key))
    }
}

fn append(file: &mut fs::File, path: &Path, value: &impl Serialize) -> Result<(), StoreError> {
    let mut line = serde_json::to_vec(value)
        .map_err(|error| StoreError::Damaged { path: path.to_owned(), reason: error.to_string() })?;
    line.push(b'\n');
    // What is written later must not be glued to half a line.
    let whole = file.stream_position().map_err(StoreError::file("write in", path))?;
    file.write_all(&line).map_err(|error| {
        let _ = file.set_len(whole).and_then(|()| file.seek(SeekFrom::Start(whole)));
        StoreError::file("write in", path)(error)
    })
}

impl RunSummary {
    /// Where the run's plan lies, if it has one.
    pub fn plan_path(&self) -> PathBuf {
        self.path.join(PLAN)
    }
}

impl Store {
    /// Past runs, the newest first.
    ///
    /// # Errors
    /// If the store cannot be read. Folders without a readable first event are passed over.
    pub fn runs(&self) -> Result<Vec<RunSummary>, StoreError> {
        let directory = self.root().join("runs");
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(StoreError::file("read", &directory)(error)),
        };
        let mut runs: Vec<RunSummary> = entries.filter_map(|entry| summary(&entry.ok()?.path())).collect();
        runs.sort_by(|left, right| (&right.started, &right.id).cmp(&(&left.started, &left.id)));
        Ok(runs)
    }

    /// The events of a run. A last line that a crash cut short is passed over.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn events(&self, run: &RunSummary) -> Result<Vec<Record>, StoreError> {
        read_lines(&run.path.join("events.jsonl"))
    }

    /// The keys that a run used.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn keys(&self, run: &RunSummary) -> Result<Vec<KeyRecord>, StoreError> {
        read_lines(&run.path.join("keys.jsonl"))
    }
}

fn read_lines<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Vec<T>, StoreError> {
    let text = fs::read_to_string(path).map_err(StoreError::file("read", path))?;
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

fn summary(path: &Path) -> Option<RunSummary> {
    let records: Vec<Record> = read_lines(&path.join("events.jsonl")).ok()?;
    let first = records.first()?;
    let Event::RunStarted { run, pipeline, .. } = &first.event else { return None };
    let (status, seconds) = match records.last().map(|record| &record.event) {
        Some(Event::RunFinished { status, seconds, .. }) => (Some(status.to_string()), Some(*seconds)),
        _ => (None, None),
    };
    Some(RunSummary {
        id: run.clone(),
        pipeline: pipeline.clone(),
        started: first.at.clone(),
        seconds,
        status,
        path: path.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_does_not_fit_is_an_error_that_says_so() {
        let mut full = fs::File::options().read(true).write(true).open("/dev/full").unwrap();
        let error = append(&mut full, Path::new("runs/x"), &1).unwrap_err();
        insta::assert_snapshot!(error, @"cannot write in `runs/x`: the disk is full");
    }
}
