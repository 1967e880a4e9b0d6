//! What every shape of work has: a way to be cut into parts, to be carried out, and to be put together again.

use std::sync::Arc;

use super::job::Job;
use super::options::RunOptions;
use super::part::{Draft, StageWork};
use super::task::{Step, Task};
use super::watch::Watch;
use crate::artifact::{Artifact, Inputs};
use crate::contract::OUT;
use crate::dataset::Dataset;
use crate::metrics::Metrics;
use crate::stage::{Exported, StageError, Survey};
use crate::store::{Commit, KeyParts, Store};
use crate::targets::Surroundings;

/// What is known when a stage's work is cut: its inputs are there.
pub(crate) struct Cutting<'a> {
    pub(crate) job: &'a Job<'a>,
    pub(crate) inputs: &'a Inputs,
    pub(crate) store: &'a Store,
    pub(crate) options: &'a RunOptions,
    /// What every part has in its key.
    pub(crate) common: &'a KeyParts,
}

/// Work, cut.
#[derive(Default)]
pub(crate) struct Cut {
    pub(crate) drafts: Vec<Draft>,
    /// What a source found.
    pub(crate) survey: Option<Survey>,
    /// Whether rows of all shards must be brought together before they can be computed.
    pub(crate) is_gathered: bool,
}

/// What is known when the results of all parts are put together.
pub(crate) struct Composing<'a> {
    pub(crate) job: &'a Job<'a>,
    pub(crate) work: &'a StageWork,
    /// In the order of the parts.
    pub(crate) commits: &'a [Arc<Commit>],
    /// What was counted over all of them.
    pub(crate) metrics: &'a Metrics,
    pub(crate) store: &'a Store,
    pub(crate) options: &'a RunOptions,
}

/// What a stage made, by the names of its outputs.
pub(crate) type Outputs = Vec<(String, Artifact)>;

/// What the results of all parts come to.
#[derive(Default)]
pub(crate) struct Composed {
    /// By the names of the stage's outputs.
    pub(crate) outputs: Outputs,
    /// What looks wrong with the whole.
    pub(crate) warnings: Vec<String>,
    /// What a sink wrote.
    pub(crate) exported: Option<Exported>,
}

impl Composed {
    /// A dataset alone.
    pub(crate) fn of(dataset: Dataset) -> Self {
        Self { outputs: vec![(OUT.to_owned(), Artifact::Dataset(Arc::new(dataset)))], ..Self::default() }
    }
}

/// Hands tasks of one step, for these parts, to whoever carries them out; returns when all have their results.
pub(crate) type Execute<'a> = dyn Fn(Step, Vec<usize>) -> Result<(), StageError> + 'a;

/// Called when a part is committed: gets its position.
pub(crate) type Done<'a> = dyn FnMut(usize) -> Result<(), StageError> + 'a;

/// Work of some shape on its way.
pub(crate) trait ShapeRun: Sync {
    /// Whether it may still begin: what it will write to was looked at when the pipeline was checked. `index`: of the
    /// stage among its surroundings.
    fn may_begin(&self, _surroundings: &Surroundings<'_>, _index: usize) -> Result<(), StageError> {
        Ok(())
    }

    /// Has the parts at these positions computed, step by step.
    fn carry_out(&self, missing: Vec<usize>, execute: &Execute<'_>) -> Result<(), StageError> {
        execute(Step::Map, missing)
    }

    /// Computes one task.
    fn compute(&self, task: &Task, watch: &Watch<'_>, done: &mut Done<'_>) -> Result<(), StageError>;

    /// The stage has its result, or never will.
    fn end(&self) {}
}
