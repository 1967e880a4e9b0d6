//! How a run is carried out: what decides its results, and what only decides how fast they come and what they take.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::dataset::BatchLimit;

/// How to carry out a pipeline. All but [`Self::results`] may differ from run to run, and the results are the same.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// What decides results.
    pub results: ResultOptions,
    /// Worker threads; 0: as many as the machine has. A run within threads that are there already takes those.
    pub threads: usize,
    /// How large batches may get.
    pub batch_limit: BatchLimit,
    /// Bytes that batches, queues and what is gathered may take, all together.
    pub memory: u64,
    /// Set by whoever wants the run to stop.
    pub interrupted: Arc<AtomicBool>,
}

/// What of a run's options decides results, beside the pipeline and its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResultOptions {
    /// Only the first groups of each source. The source's own results are those of all groups, and found again without
    /// it; what it hands on is narrowed, so that stages behind it have other inputs and hence other keys, and a sink
    /// writes a sample beside its target.
    pub limit: Option<u64>,
    /// Decoded bytes of a partition where groups are scattered over shards. Decides how what is counted is merged, to the
    /// last digit of a mean; only tests have reason to change it. In no key, since no value of a row depends on it.
    pub partition_bytes: u64,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            results: ResultOptions::default(),
            threads: 0,
            batch_limit: BatchLimit::default(),
            memory: 1 << 30,
            interrupted: Arc::default(),
        }
    }
}

impl Default for ResultOptions {
    fn default() -> Self {
        // What a partition is worked on with stays in the cache: docs/performance.md.
        Self { limit: None, partition_bytes: 8 << 20 }
    }
}
