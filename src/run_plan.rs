//! The plan of a run, kept in its folder: with it and the store, any process can carry out a part of the run, or all
//! of it again.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sternlight_engine::place::is_link;
use sternlight_engine::regular_file;
use sternlight_engine::run::RunOptions;

use crate::exit::Failure;
use crate::loading::Origin;

/// Bytes of a plan: a pipeline, its parameters, and what it has of the environment.
const LARGEST: u64 = 16 << 20;

/// Version of the form. The first had values of environment variables beside their names.
const FORMAT: u32 = 2;

/// What a run is made of, inputs apart.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunPlan {
    format: u32,
    /// The store, absolute.
    pub(crate) store: PathBuf,
    pub(crate) origin: Origin,
    /// Only the first groups of each source.
    limit: Option<u64>,
    /// What stages that are not cached have in their keys.
    nonce: String,
    batch_rows: usize,
    batch_bytes: usize,
    memory: u64,
    partition_bytes: u64,
}

impl RunPlan {
    pub(crate) fn new(store: &Path, origin: &Origin, options: &RunOptions) -> Self {
        Self {
            format: FORMAT,
            store: store.to_owned(),
            origin: origin.clone(),
            limit: options.limit,
            nonce: options.nonce.clone(),
            batch_rows: options.batch_limit.rows,
            batch_bytes: options.batch_limit.bytes,
            memory: options.memory,
            partition_bytes: options.partition_bytes,
        }
    }

    /// Reads the plan of a run.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let unusable = |reason: String| {
            Failure::usage(
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
            1 | FORMAT => Ok(plan),
            other => Err(unusable(format!("it has format {other}, expected {FORMAT}"))),
        }
    }

    /// The options of the run; threads are everyone's own.
    pub(crate) fn options(&self) -> RunOptions {
        let mut options = RunOptions {
            limit: self.limit,
            nonce: self.nonce.clone(),
            memory: self.memory,
            partition_bytes: self.partition_bytes,
            ..RunOptions::default()
        };
        (options.batch_limit.rows, options.batch_limit.bytes) = (self.batch_rows, self.batch_bytes);
        options
    }
}
