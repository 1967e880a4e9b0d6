//! `sternlight gc`: cleans up the store, or tells what would go.

use std::time::Duration;

use clap::Args;
use indicatif::BinaryBytes;
use sternlight_engine::store::{CollectOptions, Collection, Kind, Store};

use crate::Outcome;
use crate::common::Common;
use crate::exit::Failure;
use crate::output::{self, outln};

#[derive(Debug, Args)]
pub(crate) struct GcArguments {
    /// Removes nothing, and tells what would go
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Spares what runs of the last N days reach
    #[arg(long, value_name = "N", default_value_t = 14)]
    pub(crate) keep_days: u32,
    /// Spares whatever is younger than this, runs apart: a day, but in tests
    #[arg(long, value_name = "SECONDS", default_value_t = 24 * 60 * 60, hide = true)]
    pub(crate) young_seconds: u64,
}

const DAY: Duration = Duration::from_hours(24);

pub(crate) fn execute(arguments: &GcArguments, common: &Common) -> Outcome {
    let store = Store::existing(&common.store)?.ok_or_else(|| {
        Failure::usage(
            format!("there is no store at `{}`", common.store.display()),
            "name the store with `--store DIR`",
        )
    })?;
    let options = CollectOptions {
        keep: DAY * arguments.keep_days,
        young: Duration::from_secs(arguments.young_seconds),
        dry_run: arguments.dry_run,
    };
    let collection = store.collect(&options)?;
    if common.json {
        let told = serde_json::json!({"dry_run": options.dry_run, "collected": collection});
        output::json(&told)?;
    } else {
        print(&collection, arguments);
    }
    Ok(())
}

fn print(collection: &Collection, arguments: &GcArguments) {
    if collection.kinds.is_empty() {
        outln!("nothing to clean up");
        return;
    }
    outln!("{}", if arguments.dry_run { "would remove" } else { "removed" });
    for (kind, collected) in &collection.kinds {
        let name = match kind {
            Kind::Run => "run folders",
            Kind::Result => "results",
            Kind::Data => "their data",
            Kind::Unfinished => "data never committed",
            Kind::Exchange => "rows gathered half-way",
            Kind::Checkpoint => "checkpoints",
            Kind::Manifest => "manifests",
            Kind::Fact => "facts about inputs",
            Kind::Temporary => "left-over temporaries",
        };
        let bytes = BinaryBytes(collected.bytes).to_string();
        outln!("  {name:<22} {:>8}  {bytes:>12}", collected.count);
    }
    outln!("  {:<22} {:>8}  {:>12}", "in all", "", BinaryBytes(collection.bytes).to_string());
    for run in &collection.runs {
        outln!("  run {run}");
    }
}
