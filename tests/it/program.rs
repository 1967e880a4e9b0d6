//! Running the program in a directory of its own, and reading what it exported. No expectations.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use arrow::compute::concat_batches;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;
use sternlight_engine::trajectory::TrajectoryBatch;

/// What a run of the program printed, and how it ended.
pub(crate) struct Ran {
    pub(crate) exit: Option<i32>,
    /// The events, by the name of the stage that finished.
    pub(crate) stages: BTreeMap<String, Value>,
    pub(crate) errors: String,
}

/// Runs a pipeline in a directory, with values of its parameters.
pub(crate) fn run(directory: &Path, pipeline: &Path, parameters: &[(&str, &str)]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sternlight"));
    command.current_dir(directory).arg("run").arg(pipeline).arg("--json");
    for (name, value) in parameters {
        command.arg("--set").arg(format!("params.{name}={value}"));
    }
    let output = command.output().unwrap();
    let events = String::from_utf8(output.stdout).unwrap();
    let events = events.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    Ran {
        exit: output.status.code(),
        stages: events
            .filter(|event| event["event"] == "stage_finished")
            .map(|event| (event["stage"].as_str().unwrap().to_owned(), event))
            .collect(),
        errors: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Ran {
    pub(crate) fn counted(&self, stage: &str, metric: &str) -> u64 {
        self.stages[stage]["metrics"][metric]["count"].as_u64().unwrap_or_default()
    }

    pub(crate) fn rows(&self, stage: &str) -> u64 {
        self.stages[stage]["rows"].as_u64().unwrap()
    }
}

/// A pipeline that ships.
pub(crate) fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines").join(name)
}

/// A Parquet file, or every one of a directory, as one batch.
pub(crate) fn exported(path: &Path) -> TrajectoryBatch {
    let mut files = vec![path.to_owned()];
    if path.is_dir() {
        files = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "parquet"));
        files.sort();
    }
    let batches: Vec<_> = files
        .iter()
        .flat_map(|path| ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap())
        .map(Result::unwrap)
        .collect();
    TrajectoryBatch::new(concat_batches(&batches[0].schema(), &batches).unwrap()).unwrap()
}
