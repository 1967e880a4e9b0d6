//! `sternlight plugin build`: makes a component of a project.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use sternlight_plugins::project::Builder;

use crate::Outcome;
use crate::common::Common;
use crate::exit::Failure;
use crate::output::{self, outln};
use crate::plugins::{cache_directory, notice, plugins};
use crate::style;

#[derive(Debug, Args)]
pub(crate) struct BuildArguments {
    /// The project's folder
    #[arg(value_name = "DIR", default_value = ".", hide_default_value = true)]
    pub(crate) directory: PathBuf,
    /// Where the component goes [default: a file in the folder, called after the plugin]
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

pub(super) fn execute(arguments: &BuildArguments, common: &Common) -> Outcome {
    let started = Instant::now();
    let tools = cache_directory().ok_or_else(|| Failure::Failed {
        message: "there is no place to keep what builds need".to_owned(),
        help: Some("set HOME or XDG_CACHE_HOME to a directory of yours".to_owned()),
    })?;
    let builder = Builder::new(tools.join("builds"), plugins(), notice);
    let built = builder.build(&arguments.directory, arguments.output.as_deref())?;
    let seconds = started.elapsed().as_secs_f64();
    let plugin = &built.inspection;
    if common.json {
        let mut report = serde_json::to_value(plugin)?;
        report["path"] = built.path.to_string_lossy().into();
        report["seconds"] = seconds.into();
        return output::json(&report);
    }
    outln!("{} {}", style::title(&plugin.name), plugin.version);
    let figures = [
        ("built", built.path.display().to_string()),
        ("world", plugin.world.to_owned()),
        ("size", format!("{} KiB", plugin.bytes.div_ceil(1024))),
        ("sha256", plugin.sha256.clone()),
        ("time", format!("{seconds:.2} s")),
    ];
    for (name, value) in figures {
        outln!("{name:<10}{value}");
    }
    Ok(())
}
