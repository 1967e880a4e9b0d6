//! A plugin as a stage of a pipeline. Calls are cut at fixed rows, and an instance lives for one shard, so that results
//! depend on neither batches nor threads; unless the plugin keeps state, which makes the stage not reproducible.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow::datatypes::DataType;
use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::{Contract, Effect, InputTypes, Keep, Scope};
use sternlight_engine::dataset::BatchLimit;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{InputFile, Output, Session, Stage, StageError, TaskContext, Transform, Work};
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectorySchema, canonical_type};

use crate::copies::{Copies, copies};
use crate::data_type;
use crate::description::{self, PluginContract, Rows};
use crate::extra;
use crate::fault::{Fault, FaultKind};
use crate::guest::Guest;
use crate::instance::Instance;
use crate::limits::Limits;
use crate::outcomes::{Columns, advantages, not_finite, reflections, rewards};
use crate::plugin::Plugin;
use crate::records::with_records;
use crate::text;
use crate::world::World;
use crate::{ipc, records};

/// Where calls end: few enough rows for the memory of a guest, enough to make nothing of what a call costs. Part of what
/// a plugin can see, so raise [`HOST_VERSION`] with it.
pub(crate) const CALL: BatchLimit = BatchLimit { rows: 256, bytes: 16 << 20 };

/// Raised whenever the same plugin over the same input would give another result.
pub(crate) const HOST_VERSION: u32 = 2;

/// While a trajectory is searched that takes too long, parts of a call may take this share of its time at least.
const SEARCH_SHARE: u32 = 10;

/// A configured plugin.
pub(crate) struct PluginStage {
    pub(crate) plugin: Arc<Plugin>,
    pub(crate) contract: PluginContract,
    /// Its `with`, as JSON.
    pub(crate) options: String,
    /// Which rows it hands on, if it is a relabeller.
    pub(crate) keep: Keep,
    pub(crate) limits: Limits,
    /// The stage's name in the pipeline.
    pub(crate) stage: String,
    /// What its grants let it see, by digests.
    pub(crate) seen: Vec<InputFile>,
    /// Where it, and what it may read and write, lie.
    pub(crate) inputs: Vec<PathBuf>,
    pub(crate) not_reproducible: Vec<String>,
    /// The most memory that one of its instances had so far, in bytes.
    pub(crate) held: AtomicU64,
    /// Instances that keep state, between two shards.
    pub(crate) idle: Mutex<Vec<Guest>>,
}

impl Stage for PluginStage {
    fn contract(&self, inputs: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let input = inputs.data();
        let problems: Vec<Problem> =
            self.contract.reads.iter().filter_map(|(path, wanted)| self.misfit(input, path, wanted.as_ref())).collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut reads: Vec<ColumnPath> = self.contract.reads.iter().map(|(path, _)| path.clone()).collect();
        // To name trajectories in messages, and to find groups.
        let needed: &[&str] = match self.contract.scope {
            Scope::Group => &["trajectory_id", "group_id"],
            _ => &["trajectory_id"],
        };
        for path in needed {
            if !self.contract.sends(path) {
                reads.push(ColumnPath::from(*path));
            }
        }
        let effect = match self.contract.rows {
            Rows::New => Effect::relabelled(input, self.keep),
            Rows::Subset => Effect::Subset,
            Rows::Same => Effect::Columns { adds: self.contract.adds.clone(), drops: self.contract.drops.clone() },
        };
        Ok(Contract { reads, scope: self.contract.scope, effect })
    }

    fn files(&self) -> Vec<InputFile> {
        // What it is, wherever it lies.
        let plugin = InputFile { name: "plugin".to_owned(), digest: self.plugin.digest.clone() };
        [plugin].into_iter().chain(self.seen.iter().cloned()).collect()
    }

    fn inputs(&self) -> Vec<PathBuf> {
        self.inputs.clone()
    }

    fn not_reproducible(&self) -> Vec<String> {
        let state = self.contract.keeps_state.then(|| "state".to_owned());
        self.not_reproducible.iter().cloned().chain(state).collect()
    }

    fn unchanged(&self) -> Result<(), StageError> {
        self.plugin.grants.unchanged()
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }
}

impl Transform for PluginStage {
    fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
        Ok(Box::new(Instance::of(self)))
    }

    fn held_bytes(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    fn end(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn batch_limit(&self) -> Option<BatchLimit> {
        Some(CALL)
    }
}

impl PluginStage {
    /// A column that the input has, but not as the plugin can take it.
    fn misfit(&self, input: &TrajectorySchema, path: &ColumnPath, wanted: Option<&DataType>) -> Option<Problem> {
        let found = input.field(path)?.data_type().clone();
        if path.is_turn_counts() {
            return None;
        }
        let title = self.plugin.title();
        let expected = wanted.cloned().or_else(|| canonical_type(path)).filter(|one| !data_type::is_alike(one, &found));
        if let Some(expected) = expected {
            let (expected, found) = (data_type::name(&expected), data_type::name(&found));
            let message = format!("{title} reads `{path}` as `{expected}`, and it is `{found}`");
            return Some(Problem::new(message).help("let a stage before it make a column of that type"));
        }
        let is_record = self.plugin.world != World::Batch;
        (is_record && records::is_extra(path) && !extra::is_supported(&found)).then(|| {
            let message =
                format!("{title} reads `{path}`, whose type {found} a {} plugin cannot get", self.plugin.world);
            Problem::new(message).help("a plugin of the world `batch` can read columns of any type")
        })
    }

    /// An instance that has worked before, if it is of those that go on, or a fresh one.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub(crate) fn take_up(&self) -> Result<Guest, Fault> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| self.start(self.limits), Ok)
    }

    /// A fresh instance with its options.
    ///
    /// # Errors
    /// If it cannot begin, or is not what it was.
    pub(crate) fn start(&self, limits: Limits) -> Result<Guest, Fault> {
        let mut guest = Guest::start(&self.plugin, limits)?;
        let told = guest.configure(&self.options)?.map_err(|reason| {
            Fault::result(format!("it refuses options that it took before: {}", text::reason(&reason)))
        })?;
        match description::contract(told, self.plugin.world) {
            Ok(contract) if contract == self.contract => Ok(guest),
            _ => Err(Fault::result("it says that it reads or adds other columns than when the pipeline was checked")),
        }
    }

    /// One call.
    ///
    /// # Errors
    /// If the batch cannot be sent.
    pub(crate) fn call(&self, guest: &mut Guest, batch: &TrajectoryBatch) -> Result<Result<Called, Fault>, StageError> {
        let contract = &self.contract;
        #[cfg(feature = "wasi")]
        if batch.rows() > 0 {
            guest.begin_rows(|| batch.name_of(0));
        }
        let called = match self.plugin.world {
            World::Reward => {
                with_records(batch, contract, |rows| guest.score(rows))?.and_then(|rows| rewards(rows, batch, contract))
            }
            World::Reflect => with_records(batch, contract, |rows| guest.reflect(rows))?
                .and_then(|rows| reflections(rows, batch, contract)),
            World::Advantage => with_records(batch, contract, |rows| guest.advantage(rows))?
                .and_then(|rows| advantages(rows, batch, contract)),
            World::Batch => {
                let pieces = ipc::encoded(batch, contract)?;
                guest.process(&pieces).and_then(|output| process(output, batch, contract))
            }
            World::Relabel => {
                let called = with_records(batch, contract, |rows| guest.relabel(rows))?;
                let copies = called.and_then(|rows| copies(rows, batch));
                return Ok(copies.map(|Copies { copies, errors, refused }| {
                    let output = Output::Relabelled(copies);
                    Called { output, errors, refused }
                }));
            }
            World::Environment => {
                Err(Fault::result(format!("a plugin of the world `{}` is no stage", self.plugin.world)))
            }
        };
        Ok(called.map(|Columns { arrays, errors }| {
            let refused = not_finite(&arrays, &contract.adds, batch, &errors);
            Called { output: Output::Columns(arrays), errors, refused }
        }))
    }

    /// What a fault comes to, for people.
    pub(crate) fn error(&self, fault: &Fault, trajectory: Option<String>) -> StageError {
        let mut error = StageError::new(format!("{}: {fault}", self.plugin.title()));
        error.help = fault.help();
        error.trajectory = trajectory;
        error
    }

    /// The unit at fault for a call that failed, by halves, each on a fresh instance; none if every half passes by itself.
    ///
    /// # Errors
    /// If a part of the batch cannot be sent.
    pub(crate) fn culprit(
        &self,
        batch: &TrajectoryBatch,
        units: &[Range<usize>],
        fault: Fault,
        whole: usize,
    ) -> Result<Option<(Range<usize>, Fault)>, StageError> {
        let [unit] = units else {
            let (left, right) = units.split_at(units.len() / 2);
            for half in [left, right] {
                if let Some(fault) = self.attempt(batch, half, whole, &fault)? {
                    return self.culprit(batch, half, fault, whole);
                }
            }
            return Ok(None);
        };
        match fault.kind {
            // It was cut short: alone it may have all of the time.
            FaultKind::Time(limit) if limit < self.limits.call_time => {
                let fault = self.tried(batch, unit, self.limits)?;
                Ok(fault.map(|fault| (unit.clone(), fault)))
            }
            _ => Ok(Some((unit.clone(), fault))),
        }
    }

    fn attempt(
        &self,
        batch: &TrajectoryBatch,
        units: &[Range<usize>],
        whole: usize,
        fault: &Fault,
    ) -> Result<Option<Fault>, StageError> {
        let (Some(first), Some(last)) = (units.first(), units.last()) else { return Ok(None) };
        let rows = first.start..last.end;
        let mut limits = self.limits;
        if matches!(fault.kind, FaultKind::Time(_)) {
            limits.call_time = share(limits.call_time, rows.len(), whole);
        }
        self.tried(batch, &rows, limits)
    }

    /// The fault of a call for some rows, on a fresh instance.
    fn tried(&self, batch: &TrajectoryBatch, rows: &Range<usize>, limits: Limits) -> Result<Option<Fault>, StageError> {
        let part = part_of(batch, rows)?;
        let mut guest = match self.start(self.limits) {
            Ok(guest) => guest,
            Err(fault) => return Ok(Some(fault)),
        };
        guest.set_call_time(limits.call_time);
        Ok(self.call(&mut guest, &part)?.err())
    }
}

/// What a call came to.
pub(crate) struct Called {
    pub(crate) output: Output,
    /// Rows that have no value, ascending, and why: in the plugin's words.
    pub(crate) errors: Vec<(usize, String)>,
    /// Rows whose value cannot be one, ascending, and why: in ours.
    pub(crate) refused: Vec<(usize, String)>,
}

/// The share of time that some of the rows of a call get.
fn share(time: Duration, rows: usize, whole: usize) -> Duration {
    let fraction = time.mul_f64(rows as f64 / whole.max(1) as f64);
    fraction.max(time / SEARCH_SHARE)
}

/// Some of the rows.
pub(crate) fn part_of(batch: &TrajectoryBatch, rows: &Range<usize>) -> Result<TrajectoryBatch, StageError> {
    if rows.len() == batch.rows() {
        return Ok(batch.clone());
    }
    TrajectoryBatch::new(batch.record_batch().slice(rows.start, rows.len()))
}

/// What a plugin of the world `batch` returned.
fn process(
    output: Result<crate::bindings::exports::sternlight::plugin::batch_stage::Output, String>,
    batch: &TrajectoryBatch,
    contract: &PluginContract,
) -> Result<Columns, Fault> {
    let output = output.map_err(|reason| Fault::refused(text::reason(&reason)))?;
    let mut errors = Vec::with_capacity(output.errors.len().min(batch.rows()));
    for error in output.errors {
        let row = error.row as usize;
        if row >= batch.rows() {
            return Err(Fault::result(format!("it returned an error for row {row} of {}", batch.rows())));
        }
        errors.push((row, error.message));
    }
    errors.sort_by_key(|(row, _)| *row);
    Ok(Columns { arrays: ipc::decoded(output.ipc, batch, &contract.adds)?, errors })
}
