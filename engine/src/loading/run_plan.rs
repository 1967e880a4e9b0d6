//! The plan of a run, kept in its folder: with it and the store, any process can carry out a part of the run, or all
//! of it again.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::LoadError;
use super::origin::Origin;
use crate::place::is_link;
use crate::regular_file;
use crate::run::{ResultOptions, RunOptions};

/// Bytes of a plan: a pipeline, its parameters, and what it has of the environment.
const LARGEST: u64 = 16 << 20;

/// Version of the form. The first had values of environment variables beside their names; up to the second a number of
/// its own stood in keys, where now the run's id does.
const FORMAT: u32 = 3;

/// What a run is made of, inputs apart.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunPlan {
    format: u32,
    /// The store, absolute.
    pub store: PathBuf,
    /// What the pipeline is loaded from.
    pub origin: Origin,
    /// Only the first groups of each source.
    limit: Option<u64>,
    batch_rows: usize,
    batch_bytes: usize,
    memory: u64,
    partition_bytes: u64,
    /// What stood in keys of stages that are not cached, in place of the run's id, up to the second form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
}

impl RunPlan {
    /// The plan of a run with these options.
    pub fn new(store: &Path, origin: &Origin, options: &RunOptions) -> Self {
        Self {
            format: FORMAT,
            store: store.to_owned(),
            origin: origin.clone(),
            limit: options.results.limit,
            batch_rows: options.batch_limit.rows,
            batch_bytes: options.batch_limit.bytes,
            memory: options.memory,
            partition_bytes: options.results.partition_bytes,
            nonce: None,
        }
    }

    /// Reads the plan of a run.
    ///
    /// # Errors
    /// If it is not there, or none that this version can use.
    pub fn read(path: &Path) -> Result<Self, LoadError> {
        let unusable = |reason: String| {
            LoadError::origin(
                format!("cannot use the plan `{}`: {reason}", path.display()),
                "name the `plan.json` in the folder of a run of this version: `runs/RUN/plan.json` in the store",
            )
        };
        // A store leads nowhere out of itself, and a plan lies in one.
        if is_link(path) {
            return Err(unusable("it is a link, expected the file itself".to_owned()));
        }
        let text = regular_file::read(path, LARGEST).map_err(|error| unusable(error.to_string()))?;
        let plan: Self = serde_json::from_slice(&text).map_err(|error| unusable(error.to_string()))?;
        match plan.format {
            1..=FORMAT => Ok(plan),
            other => Err(unusable(format!("it has format {other}, expected {FORMAT}"))),
        }
    }

    /// What stands in keys of stages that are not cached: the id of the run, in whose folder the plan lies.
    pub fn run_id(&self, path: &Path) -> String {
        let folder = path.parent().and_then(Path::file_name);
        let of_folder = || folder.map(|name| name.to_string_lossy().into_owned());
        self.nonce.clone().or_else(of_folder).unwrap_or_default()
    }

    /// The options of the run; threads are everyone's own.
    pub fn options(&self) -> RunOptions {
        let results = ResultOptions { limit: self.limit, partition_bytes: self.partition_bytes };
        let mut options = RunOptions { results, memory: self.memory, ..RunOptions::default() };
        (options.batch_limit.rows, options.batch_limit.bytes) = (self.batch_rows, self.batch_bytes);
        options
    }
}
