//! What a plugin costs: CPU time of a trajectory, called as a run would call it, its start from the cache, its memory. What
//! is behind `sternlight plugin bench`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::Array as _;
use serde::Serialize;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{StageError, canonical_json};
use sternlight_engine::trajectory::TrajectoryBatch;

use crate::conformance::Trial;
use crate::conformance::rows::{RowPlan, Rows, columns, made, rows_of_calls};
use crate::conformance::values::Text;
use crate::cpu_time::Clock;
use crate::fault::Fault;
use crate::guest::Guest;
use crate::loader::{Plugins, read};
use crate::stage::{CALL, PluginStage};

/// Turns of a made trajectory.
const TURNS: usize = 8;

/// Bytes of a made text: with an observation and an action a turn, a kibibyte for a trajectory.
const TEXT_BYTES: usize = 64;

/// Different made trajectories: more than caches of processors hold, and soon made.
const MADE: usize = 16 * CALL.rows;

/// Starts, of which the quickest counts.
const STARTS: usize = 20;

/// What a plugin costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measurement {
    /// Milliseconds from the cached machine code to an instance that has its options: map, instantiate, describe, configure.
    pub start_ms: f64,
    /// Bytes of the instance after all calls; that of one which has only started, for an environment.
    pub memory: u64,
    /// What trajectories cost; none for an environment, which has none.
    pub calls: Option<MeasuredCalls>,
}

/// What trajectories cost.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MeasuredCalls {
    /// How many there were.
    pub trajectories: usize,
    /// Of a trajectory, in the mean.
    pub turns: f64,
    /// Of a trajectory in the mean, in all columns that are sent.
    pub bytes: f64,
    /// How many calls they went in.
    pub calls: usize,
    /// Microseconds of CPU time a trajectory: to send it, the plugin's work, and to check what came back.
    pub cpu_us: f64,
    /// Trajectories that had an error of their own.
    pub errors: usize,
}

impl Plugins {
    /// Measures the plugin of a trial: with trajectories of the caller's, or with as many made ones.
    ///
    /// # Errors
    /// If a call comes to nothing, or the trajectories cannot be read.
    pub fn measure(
        &self,
        trial: &Trial,
        data: Option<&mut dyn Iterator<Item = Result<TrajectoryBatch, StageError>>>,
        trajectories: usize,
    ) -> Result<Measurement, StageError> {
        let start_ms = self.start_ms(trial)?;
        let Some(stage) = trial.stage() else {
            let (_, _, limits) = trial.origin();
            let guest = Guest::start(trial.plugin(), limits).map_err(error)?;
            return Ok(Measurement { start_ms, memory: guest.memory(), calls: None });
        };
        let mut guest = stage.start(stage.limits).map_err(error)?;
        let calls = match data {
            Some(batches) => {
                let mut calls = rows_of_calls(&stage.contract, batches)?;
                let mut all = Vec::new();
                let mut rows = 0;
                while rows < trajectories
                    && let Some(Rows { batch, .. }) = calls.next().transpose()?
                {
                    rows += batch.rows();
                    all.push(batch);
                }
                measured(stage, &mut guest, &all, rows)?
            }
            None => measured(stage, &mut guest, &batches(stage, trajectories)?, trajectories)?,
        };
        Ok(Measurement { start_ms, memory: guest.memory(), calls: Some(calls) })
    }

    /// The quickest of some starts.
    fn start_ms(&self, trial: &Trial) -> Result<f64, StageError> {
        let (path, options, limits) = trial.origin();
        let told = |problem: Problem| StageError::new(problem.message);
        let address = path.to_string_lossy();
        let bytes = read(&address, path).map_err(told)?;
        let digest = blake3::hash(&bytes);
        let options = canonical_json(options).map_err(|error| StageError::new(error.to_string()))?;
        let grants = &trial.plugin().grants;
        let mut quickest = Duration::MAX;
        for _ in 0..STARTS {
            let started = Instant::now();
            let plugin = self.opened_anew(&address, &bytes, &digest, limits, Arc::clone(grants)).map_err(told)?;
            let configured = Guest::start(&plugin, limits).and_then(|mut guest| guest.configure(&options));
            configured.map_err(error)?.map_err(StageError::new)?;
            quickest = quickest.min(started.elapsed());
        }
        Ok(1000.0 * quickest.as_secs_f64())
    }
}

fn error(fault: Fault) -> StageError {
    let mut error = StageError::new(fault.to_string());
    error.help = fault.help();
    error
}

/// Batches as long as a call, of made trajectories.
fn batches(stage: &PluginStage, trajectories: usize) -> Result<Vec<TrajectoryBatch>, StageError> {
    let plan = |row: usize| RowPlan { text: Text::Long(TEXT_BYTES), ..RowPlan::plain(format!("made-{row}"), TURNS) };
    let plans: Vec<RowPlan> = (0..trajectories.min(MADE)).map(plan).collect();
    let Rows { batch, .. } = made(&stage.contract, &plans, 17)?;
    rows_of_calls(&stage.contract, &mut std::iter::once(Ok(batch)))?.map(|rows| Ok(rows?.batch)).collect()
}

/// Calls for batches again and again, until there were as many trajectories.
fn measured(
    stage: &PluginStage,
    guest: &mut Guest,
    batches: &[TrajectoryBatch],
    trajectories: usize,
) -> Result<MeasuredCalls, StageError> {
    let mut found = MeasuredCalls { trajectories: 0, turns: 0.0, bytes: 0.0, calls: 0, cpu_us: 0.0, errors: 0 };
    let call = |guest: &mut Guest, batch: &TrajectoryBatch| {
        let called = stage.call(guest, batch)?;
        let called = called.map_err(error)?;
        Result::<usize, StageError>::Ok(called.errors.len() + called.refused.len())
    };
    // The first calls fetch memory.
    if let Some(batch) = batches.first() {
        call(guest, batch)?;
    }
    let clock = Clock::start();
    for batch in batches.iter().cycle() {
        if found.trajectories >= trajectories {
            break;
        }
        found.errors += call(guest, batch)?;
        found.calls += 1;
        found.trajectories += batch.rows();
    }
    let all = found.trajectories.max(1) as f64;
    found.cpu_us = 1e6 * clock.elapsed().as_secs_f64() / all;
    let rows = batches.iter().map(TrajectoryBatch::rows).sum::<usize>().max(1) as f64;
    found.turns = batches.iter().map(TrajectoryBatch::turn_count).sum::<usize>() as f64 / rows;
    let bytes = |batch: &TrajectoryBatch| -> usize {
        let sent = columns(&stage.contract).into_iter();
        sent.filter_map(|(path, _)| batch.column(path.as_str())?.to_data().get_slice_memory_size().ok()).sum()
    };
    found.bytes = batches.iter().map(bytes).sum::<usize>() as f64 / rows;
    Ok(found)
}
