//! A directory to work in, and the engine working there.

use std::path::{Path, PathBuf};

use sternlight_engine::dataset::{BatchLimit, Dataset};
use sternlight_engine::loading::Origin;
use sternlight_engine::problem::Problem;
use sternlight_engine::run::{Engine, RunError, RunOptions, RunReport};
use sternlight_engine::stage::{BuildContext, Built, StageError};
use sternlight_engine::store::Store;
use sternlight_engine::trajectory::{TrajectoryBatch, validate};

/// A directory that is removed with it, in memory where the system has such a place.
pub struct Place(tempfile::TempDir);

impl Place {
    /// An empty one.
    pub fn new() -> Self {
        let in_memory = tempfile::tempdir_in("/dev/shm");
        Self(in_memory.or_else(|_| tempfile::tempdir()).expect("a temporary directory"))
    }

    /// Absolute path of a name.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file and the directories above it.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        std::fs::write(path, bytes).expect("a file");
    }

    /// Runs a pipeline here that is known to be right, but for its inputs. `None` if these are refused.
    pub fn run(&self, pipeline: &str, store: &Store) -> Option<Result<RunReport, RunError>> {
        let file = Path::new("fuzz.yaml");
        let origin = Origin::written(file, pipeline.to_owned(), self.0.path().to_owned());
        let checked = origin.check(&sternlight_stages::registry()).ok()?;
        let options = RunOptions { threads: 1, ..RunOptions::default() };
        let jobs = checked.jobs().ok()?;
        Some(Engine::new(store, &options).run("fuzz", file, &jobs, &|_| {}))
    }
}

impl Default for Place {
    fn default() -> Self {
        Self::new()
    }
}

/// A stage of the registry with these options.
///
/// # Errors
/// What is wrong with them.
pub fn build(kind: &str, with: serde_yaml::Value, directory: &Path) -> Result<Built, Vec<Problem>> {
    let context = BuildContext::new(directory, directory);
    sternlight_stages::registry().get(kind).expect("a kind of the registry").build(with, &context)
}

/// Reads every column of a dataset. What is read must keep the schema's promises.
///
/// # Errors
/// If something cannot be read.
pub fn walk(dataset: &Dataset) -> Result<u64, StageError> {
    let mut rows = 0;
    for shard in &dataset.shards {
        for batch in dataset.read(shard, &dataset.schema.paths(), BatchLimit::default())? {
            let batch: TrajectoryBatch = batch?;
            let violations = validate(&batch);
            assert!(violations.is_empty(), "{}", violations[0]);
            rows += batch.rows() as u64;
        }
    }
    Ok(rows)
}
