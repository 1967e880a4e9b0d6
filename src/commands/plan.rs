//! `sternlight plan`: what a run would do, and why.

use std::path::PathBuf;

use clap::Args;
use sternlight_engine::compare::{KeyChange, key_changes};
use sternlight_engine::loading::Checked;
use sternlight_engine::printable::printable_line;
use sternlight_engine::run::{Engine, PlannedStage, Readiness, RunOptions};
use sternlight_engine::store::{KeyRecord, Store};

use crate::Outcome;
use crate::common::Common;
use crate::exit::Failure;
use crate::loading::load_and_check;
use crate::output::{self, outln};
use crate::style;

#[derive(Debug, Args)]
pub(crate) struct PlanArguments {
    /// The pipeline
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Says what changed for a stage since the pipeline's last run
    #[arg(long, value_name = "STAGE")]
    pub(crate) why: Option<String>,
    /// Tries the first N groups of every source only
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
}

pub(crate) fn execute(arguments: &PlanArguments, common: &Common) -> Outcome {
    let cells = load_and_check(&arguments.file, common)?;
    // A look leaves nothing behind: where there is no store, everything would run, which an empty one tells as well.
    let (store, _directory) = match Store::existing(&common.store)? {
        Some(store) => (store, None),
        None => Store::temporary(&std::env::temp_dir()).map(|(store, directory)| (store, Some(directory)))?,
    };
    let _hold = store.hold()?;
    let mut options = RunOptions { threads: usize::from(common.threads), ..RunOptions::default() };
    options.results.limit = arguments.limit;
    for checked in &cells {
        if let Some(cell) = checked.pipeline.cell.as_ref().filter(|_| !common.json) {
            outln!("{}", style::title(cell));
        }
        plan_cell(checked, &store, &options, arguments, common)?;
    }
    Ok(())
}

fn plan_cell(
    checked: &Checked,
    store: &Store,
    options: &RunOptions,
    arguments: &PlanArguments,
    common: &Common,
) -> Outcome {
    let planned = Engine::new(store, options)
        .plan(&checked.jobs()?)
        .map_err(|(stage, error)| Failure::Failed { message: format!("stage `{stage}`: {error}"), help: error.help })?;
    let Some(name) = &arguments.why else { return print_plan(&planned, common) };
    let stage = planned.iter().find(|stage| stage.stage == *name).ok_or_else(|| {
        let known: Vec<&str> = planned.iter().map(|stage| stage.stage.as_str()).collect();
        Failure::usage(format!("the pipeline has no stage `{name}`"), format!("its stages: {}", known.join(", ")))
    })?;
    explain(stage, &checked.pipeline.name, store, common)
}

fn print_plan(planned: &[PlannedStage], common: &Common) -> Outcome {
    if common.json {
        for stage in planned {
            output::json(stage)?;
        }
        return Ok(());
    }
    let (repeated, once): (Vec<&PlannedStage>, Vec<_>) = planned.iter().partition(|stage| stage.iteration.is_some());
    once.into_iter().for_each(print_stage);
    print_iterations(&repeated);
    Ok(())
}

fn print_stage(stage: &PlannedStage) {
    let from = if stage.from.is_empty() { String::new() } else { format!("from {}", stage.from.join(", ")) };
    let state = match stage.readiness {
        Readiness::Cached => match stage.rows {
            Some(rows) => format!("cached, {rows} {}", stage.what_rows_are()),
            None => "cached".to_owned(),
        },
        Readiness::WouldRun => format!("would run {} of {} parts", stage.parts - stage.cached, stage.parts),
        Readiness::WaitsForInput => "waits for its input: cached if that comes out as before".to_owned(),
    };
    let outside = match stage.not_reproducible.as_slice() {
        [] => String::new(),
        outside => format!("; not reproducible: {}", outside.join(", ")),
    };
    outln!("  {:<14} {} {state}{outside}", stage.stage, style::dim(format!("{from:<24}")));
}

/// One line for neighbouring iterations that stand alike.
fn print_iterations(repeated: &[&PlannedStage]) {
    let mut lines: Vec<(u64, u64, String)> = Vec::new();
    for of_one in repeated.chunk_by(|one, other| one.iteration == other.iteration) {
        let count = |readiness| of_one.iter().filter(|stage| stage.readiness == readiness).count();
        let counts = [
            (count(Readiness::Cached), "cached"),
            (count(Readiness::WouldRun), "would run"),
            (count(Readiness::WaitsForInput), "wait for their input"),
        ];
        let told: Vec<String> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        let stages = if of_one.len() == 1 { "1 stage".to_owned() } else { format!("{} stages", of_one.len()) };
        let told = format!("{stages}: {}", told.join(", "));
        let number = of_one.first().and_then(|stage| stage.iteration).unwrap_or_default();
        match lines.last_mut() {
            Some((_, last, same)) if *same == told => *last = number,
            _ => lines.push((number, number, told)),
        }
    }
    for (first, last, told) in lines {
        let name = if first == last { format!("iteration {first}") } else { format!("iterations {first} to {last}") };
        outln!("  {name:<22} {told}");
    }
}

/// What changed in the keys of a stage since the last run of a pipeline of this name.
fn explain(stage: &PlannedStage, pipeline: &str, store: &Store, common: &Common) -> Outcome {
    let reasons = match stage.readiness {
        Readiness::Cached => vec!["its result is there: nothing would run".to_owned()],
        Readiness::WaitsForInput => vec![format!("not known before its input has run: {}", stage.from.join(", "))],
        Readiness::WouldRun => match last_keys(&stage.stage, pipeline, store)? {
            None => vec!["no earlier run of this pipeline had this stage".to_owned()],
            Some(before) => reasons(&stage.keys, &before),
        },
    };
    if common.json {
        return output::json(&serde_json::json!({"stage": stage.stage, "reasons": reasons}));
    }
    outln!("{}", style::title(&stage.stage));
    reasons.iter().for_each(|reason| outln!("  {}", printable_line(reason)));
    Ok(())
}

fn last_keys(stage: &str, pipeline: &str, store: &Store) -> Result<Option<Vec<KeyRecord>>, Failure> {
    for run in store.runs()?.iter().filter(|run| run.pipeline == pipeline) {
        let keys: Vec<KeyRecord> = store.keys(run)?.into_iter().filter(|record| record.stage == stage).collect();
        if !keys.is_empty() {
            return Ok(Some(keys));
        }
    }
    Ok(None)
}

/// One line for each kind of change, with the parts that it concerns.
fn reasons(now: &[KeyRecord], before: &[KeyRecord]) -> Vec<String> {
    let changes = key_changes(before, now);
    if changes.is_empty() {
        return vec![
            "its keys are those of the last run, but the result is gone from the store or from its target".to_owned(),
        ];
    }
    let line = |KeyChange { differing, labels }: KeyChange| {
        let change = match differing.is_empty() {
            true => "new".to_owned(),
            false => format!("changed: {}", differing.join(", ")),
        };
        match labels.as_slice() {
            [one] => format!("{change} ({one})"),
            [first, ..] => format!("{change} ({} parts, the first {first})", labels.len()),
            [] => change,
        }
    };
    changes.into_iter().map(line).collect()
}
