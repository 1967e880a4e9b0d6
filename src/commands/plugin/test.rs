//! `sternlight plugin test`: whether a plugin keeps the contract, and what it makes of recorded trajectories.

use std::path::PathBuf;

use clap::Args;
use sternlight_plugins::conformance::{Check, RecordedFigures, RecordedValues, Verdict};

use super::bench::misfit;
use super::options::{TriedPlugin, begun, with_trajectories};
use crate::common::Common;
use crate::exit::{Exit, Failure};
use crate::output::{self, outln};
use crate::plugins::plugins;
use crate::{Outcome, style};

#[derive(Debug, Args)]
pub(crate) struct PluginTestArguments {
    #[command(flatten)]
    pub(crate) plugin: TriedPlugin,
    /// Works on these trajectories too, whatever `import` reads: Parquet, or chat messages in JSON lines
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
}

pub(crate) fn execute(arguments: &PluginTestArguments, common: &Common) -> Outcome {
    let plugins = plugins();
    let trial = begun(&plugins, &arguments.plugin)?;
    let subject = trial.subject();
    match common.json {
        true => print_event("plugin", &subject)?,
        false => {
            outln!("{} {}, a plugin of the world `{}`", style::title(&subject.name), subject.version, subject.world)
        }
    }
    let mut failed = 0;
    let mut outcome = Ok(());
    trial.run(&mut |check| {
        failed += usize::from(check.verdict == Verdict::Failed);
        if outcome.is_ok() {
            outcome = tell(&check, common);
        }
    });
    outcome?;
    if let Some(file) = &arguments.data {
        let (check, figures) = with_trajectories(file, |dataset| {
            let columns = trial.columns(&dataset.schema).map_err(misfit)?;
            let mut batches = trial.batches(dataset, &columns);
            Ok(trial.recorded(&mut batches)?)
        })?;
        failed += usize::from(check.verdict == Verdict::Failed);
        tell(&check, common)?;
        match common.json {
            true => print_event("data", &figures)?,
            false => print_figures(&figures),
        }
    }
    if common.json {
        print_event("finished", &serde_json::json!({ "failed": failed }))?;
    }
    match failed {
        0 => Ok(()),
        // The last event says so.
        _ if common.json => Err(Failure::Told(Exit::Failed)),
        1 => Err(Failure::Failed { message: "1 check failed".to_owned(), help: None }),
        _ => Err(Failure::Failed { message: format!("{failed} checks failed"), help: None }),
    }
}

fn print_event(name: &str, value: &impl serde::Serialize) -> Outcome {
    let mut event = serde_json::json!({ "event": name });
    if let (Some(event), serde_json::Value::Object(fields)) = (event.as_object_mut(), serde_json::to_value(value)?) {
        event.extend(fields);
    }
    output::json(&event)
}

fn tell(check: &Check, common: &Common) -> Outcome {
    match common.json {
        true => print_event("check", check),
        false => {
            print(check, common.quiet);
            Ok(())
        }
    }
}

fn print(check: &Check, quiet: bool) {
    if quiet && check.verdict != Verdict::Failed {
        return;
    }
    let (name, did) = (check.name, &check.did);
    match check.verdict {
        Verdict::Passed => outln!("ok      {name:<14}{did}"),
        Verdict::Skipped => outln!("-       {name:<14}{}", style::dim(did)),
        Verdict::Failed => outln!("{}{name:<14}{did}", style::error("FAILED  ")),
    }
    for note in &check.notes {
        outln!("{:22}{}{note}", "", style::warning("note: "));
    }
    for fault in &check.faults {
        outln!("{:22}{}", "", fault.replace('\n', "\n                      "));
    }
    if let Some(help) = &check.help {
        outln!("{:22}{}{help}", "", style::help("help: "));
    }
}

fn print_figures(figures: &RecordedFigures) {
    for values in &figures.values {
        outln!("{:22}`{}`: {}", "", values.column, shown(values));
    }
    for (trajectory, reason) in &figures.first_errors {
        outln!("{:22}trajectory `{trajectory}`: {}", "", reason.replace('\n', "\n                      "));
    }
    let left = figures.errors - figures.first_errors.len();
    if left > 0 {
        outln!("{:22}and {left} more", "");
    }
}

fn shown(values: &RecordedValues) -> String {
    let mut parts = vec![format!("{} values", values.values)];
    if values.nulls > 0 {
        parts.push(format!("{} nulls", values.nulls));
    }
    if let Some([least, mean, greatest]) = values.numbers {
        parts.push(format!("from {least:.3} to {greatest:.3}, {mean:.3} in the mean"));
    }
    parts.extend(values.texts.iter().map(|(text, times)| format!("{times} × {text:?}")));
    parts.join(", ")
}
