//! `sternlight plugin inspect`: tells what a plugin is, without a pipeline.

use std::path::PathBuf;

use clap::Args;
use sternlight_plugins::{InspectedColumns, Inspection};

use crate::Outcome;
use crate::common::Common;
use crate::exit::Failure;
use crate::output::{self, outln};
use crate::plugins::plugins;
use crate::style;

#[derive(Debug, Args)]
pub(crate) struct InspectArguments {
    /// The component
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

pub(super) fn execute(arguments: &InspectArguments, common: &Common) -> Outcome {
    let inspection = plugins().inspect(&arguments.file).map_err(|message| Failure::Usage { message, help: None })?;
    match common.json {
        true => output::json(&inspection)?,
        false => print(&inspection)?,
    }
    Ok(())
}

fn print(plugin: &Inspection) -> Outcome {
    outln!("{} {}", style::title(&plugin.name), plugin.version);
    if !plugin.summary.is_empty() {
        outln!("  {}", plugin.summary);
    }
    let imports = match plugin.imports.as_slice() {
        [] => "nothing beyond the contract".to_owned(),
        names => names.join(", "),
    };
    let figures = [
        ("world", plugin.world.to_owned()),
        ("size", format!("{} KiB", plugin.bytes.div_ceil(1024))),
        ("sha256", plugin.sha256.clone()),
        ("imports", imports),
    ];
    for (name, value) in figures {
        outln!("{name:<10}{value}");
    }
    match &plugin.columns {
        Some(columns) => print_columns(columns),
        None => outln!("{:<10}told by `check`, for a pipeline's options", "columns"),
    }
    outln!("options   {}", serde_json::to_string_pretty(&plugin.options)?.replace('\n', "\n          "));
    Ok(())
}

fn print_columns(columns: &InspectedColumns) {
    let shown = |columns: &[(String, String)]| {
        let column = |(path, data_type): &(String, String)| match data_type.as_str() {
            "" => path.clone(),
            data_type => format!("{path} ({data_type})"),
        };
        columns.iter().map(column).collect::<Vec<_>>().join(", ")
    };
    let makes = match columns.rows {
        "new" => "copies of trajectories under other goals",
        "subset" => "a choice of trajectories",
        _ => "",
    };
    let state = if columns.state == "reused" { "kept from shard to shard: results are not reproducible" } else { "" };
    let lists = [
        ("sees", format!("a {} at once", columns.scope)),
        ("reads", shown(&columns.reads)),
        ("makes", makes.to_owned()),
        ("adds", shown(&columns.adds)),
        ("drops", columns.drops.join(", ")),
        ("state", state.to_owned()),
    ];
    for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        outln!("{name:<10}{list}");
    }
}
