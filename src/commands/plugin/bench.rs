//! `sternlight plugin bench`: what a plugin costs.

use std::path::PathBuf;

use clap::Args;
use sternlight_engine::problem::Problem;
use sternlight_plugins::Measurement;
use sternlight_plugins::conformance::Trial;

use super::options::{TriedPlugin, begun, with_trajectories};
use crate::common::Common;
use crate::exit::Failure;
use crate::output::{self, outln};
use crate::plugins::plugins;
use crate::{Outcome, style};

#[derive(Debug, Args)]
pub(crate) struct PluginBenchArguments {
    #[command(flatten)]
    pub(crate) plugin: TriedPlugin,
    /// Measures with these trajectories, whatever `import` reads, instead of made ones
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// How many trajectories
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) trajectories: u32,
}

pub(crate) fn execute(arguments: &PluginBenchArguments, common: &Common) -> Outcome {
    let plugins = plugins();
    let trial = begun(&plugins, &arguments.plugin)?;
    let trajectories = arguments.trajectories as usize;
    let measured = match &arguments.data {
        None => plugins.measure(&trial, None, trajectories)?,
        Some(file) => with_trajectories(file, |dataset| {
            let columns = trial.columns(&dataset.schema).map_err(misfit)?;
            let mut batches = trial.batches(dataset, &columns);
            Ok(plugins.measure(&trial, Some(&mut batches), trajectories)?)
        })?,
    };
    match common.json {
        true => output::json(&serde_json::json!({ "plugin": trial.subject(), "cost": measured }))?,
        false => print(&trial, &measured),
    }
    Ok(())
}

/// Trajectories that lack what the plugin reads.
pub(super) fn misfit(problems: Vec<Problem>) -> Failure {
    let messages: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
    Failure::usage(messages.join("; "), "`--data` takes trajectories as they reach the stage in a pipeline")
}

fn print(trial: &Trial, measured: &Measurement) {
    let subject = trial.subject();
    outln!("{} {}, a plugin of the world `{}`", style::title(&subject.name), subject.version, subject.world);
    if let Some(calls) = &measured.calls {
        let what = format!("{:.1} turns and {:.0} bytes each", calls.turns, calls.bytes);
        outln!(
            "trajectory  {:.2} µs of CPU time: {} of them, {what}, in {} calls",
            calls.cpu_us,
            calls.trajectories,
            calls.calls
        );
        if calls.errors > 0 {
            outln!("            {} had an error of their own", calls.errors);
        }
    }
    outln!("start       {:.2} ms: map the cached code, instantiate, describe, configure", measured.start_ms);
    outln!("memory      {:.1} MiB", measured.memory as f64 / f64::from(1 << 20));
}
