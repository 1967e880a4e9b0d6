//! `sternlight show`: a run, what a stage made, or one trajectory.

mod dataset;
mod policy;
mod table;

use std::path::PathBuf;

use clap::Args;
use sternlight_engine::artifact::Artifact;
use sternlight_engine::event::StageResult;
use sternlight_engine::printable::printable_line;
use sternlight_engine::store::RunSummary;

use crate::Outcome;
use crate::common::{Common, LAST};
use crate::exit::Failure;
use crate::output::{self, outln};
use crate::past_runs::{find_run, results_of, store_of_runs};
use crate::{style, summary};

#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// The run, as `sternlight runs` names it; `last`, the newest, if left out; `last~1` is the one before
    #[arg(value_name = "RUN", default_value = LAST, hide_default_value = true)]
    pub(crate) run: String,
    /// A stage of the run: its dataset, policy or table; `STAGE.OUTPUT` for one of several
    #[arg(value_name = "STAGE")]
    pub(crate) stage: Option<String>,
    /// A trajectory of that dataset, by id: its turns
    #[arg(value_name = "TRAJECTORY")]
    pub(crate) trajectory: Option<String>,
    /// Shows what the stage put aside instead, and why
    #[arg(long, requires = "stage")]
    pub(crate) quarantine: bool,
    /// Prints only where the manifest lies
    #[arg(long, requires = "stage")]
    pub(crate) path: bool,
    /// Prints a table as CSV
    #[arg(long, requires = "stage")]
    pub(crate) csv: bool,
}

pub(crate) fn execute(arguments: &ShowArguments, common: &Common) -> Outcome {
    let store = store_of_runs(common)?;
    let run = find_run(&store, &arguments.run)?;
    let stages = results_of(&store, &run)?;
    let Some(name) = &arguments.stage else { return show_run(&run, &stages, common) };
    let manifest = match arguments.quarantine {
        true => set_aside(&stages, name, &run)?,
        false => manifest_of(&stages, name, &run)?,
    };
    if arguments.path {
        outln!("{}", manifest.display());
        return Ok(());
    }
    match (store.artifact(&manifest)?, &arguments.trajectory) {
        (Artifact::Dataset(_), _) if arguments.csv => Err(Failure::usage(
            format!("`{name}` is a dataset, and only tables are printed as CSV"),
            "a `stats` stage makes a table of a dataset; `--json` prints what the dataset is",
        )),
        (Artifact::Dataset(dataset), None) => dataset::show(name, &dataset, common),
        (Artifact::Dataset(dataset), Some(id)) => dataset::show_trajectory(id, &dataset, common),
        (Artifact::Table(table), None) => table::show(name, &table, arguments.csv, common),
        (Artifact::Policy(policy), None) => policy::show(name, &policy, common),
        (artifact, Some(_)) => Err(Failure::usage(
            format!("`{name}` is a {}, which has no trajectories", artifact.kind()),
            "leave the trajectory out",
        )),
    }
}

fn set_aside(stages: &[StageResult], name: &str, run: &RunSummary) -> Result<PathBuf, Failure> {
    let stage = stages.iter().find(|stage| stage.stage == name).ok_or_else(|| unknown(stages, name, run))?;
    stage.quarantine.clone().ok_or_else(|| nothing_aside(stage))
}

/// The manifest of an output, named as `from` does it.
fn manifest_of(stages: &[StageResult], name: &str, run: &RunSummary) -> Result<PathBuf, Failure> {
    let mut outputs = stages.iter().flat_map(StageResult::manifests);
    if let Some((_, manifest)) = outputs.find(|(known, _)| known == name) {
        return Ok(manifest);
    }
    let Some(stage) = stages.iter().find(|stage| stage.stage == name) else { return Err(unknown(stages, name, run)) };
    let outputs: Vec<(String, PathBuf)> = stage.manifests().collect();
    match outputs.as_slice() {
        [] => {
            let target = stage.target.as_deref().map(|target| target.display().to_string()).unwrap_or_default();
            Err(Failure::usage(format!("`{name}` has no output: it wrote `{target}`"), "show a stage before it"))
        }
        [(_, only)] => Ok(only.clone()),
        several => {
            let names: Vec<&str> = several.iter().map(|(name, _)| name.as_str()).collect();
            Err(Failure::usage(format!("`{name}` has several outputs"), format!("show one of {}", names.join(", "))))
        }
    }
}

fn unknown(stages: &[StageResult], name: &str, run: &RunSummary) -> Failure {
    let known: Vec<&str> = stages.iter().map(|stage| stage.stage.as_str()).collect();
    Failure::usage(
        format!("run `{}` has no result of a stage `{name}`", run.id),
        format!("it has: {}", known.join(", ")),
    )
}

fn nothing_aside(stage: &StageResult) -> Failure {
    Failure::usage(
        format!("`{}` put no trajectory aside", stage.stage),
        "`on_error: quarantine` lets a stage put aside what it cannot process",
    )
}

fn show_run(run: &RunSummary, stages: &[StageResult], common: &Common) -> Outcome {
    if common.json {
        return output::json(&serde_json::json!({"run": run, "stages": stages}));
    }
    let pipeline = printable_line(&run.pipeline);
    outln!("{} {pipeline}, {}, started {}", style::title(&run.id), run.status, run.started);
    for stage in stages {
        let work = format!("{} cached, {} computed", stage.cached, stage.computed);
        outln!("  {:<14} {:<12} {}  {}", stage.stage, stage.uses, summary::amount(stage), style::dim(work));
    }
    output::out_page(&summary::of_stages(stages));
    Ok(())
}
