//! `sternlight plugin`: what can be done with plugins, without a pipeline.

mod bench;
mod build;
mod inspect;
mod new;
mod options;
mod test;
use clap::Subcommand;
use sternlight_plugins::project::ProjectError;

use crate::Outcome;
use crate::common::Common;
use crate::exit::Failure;

/// What can be done with plugins.
#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// Makes a project to begin with: a plugin, its tests, sample data, and a pipeline that uses it
    New(new::NewArguments),
    /// Builds a project into a component, and looks whether it is a plugin
    Build(build::BuildArguments),
    /// Tells what a plugin is: its world, columns, options, imports, size and digest
    Inspect(inspect::InspectArguments),
    /// Tries whether a plugin keeps the contract: what it says of itself, its results, hard rows, its limits
    Test(test::PluginTestArguments),
    /// Measures what a plugin costs: CPU time of a trajectory, its start, its memory
    Bench(bench::PluginBenchArguments),
}

pub(crate) fn execute(command: &PluginCommand, common: &Common) -> Outcome {
    match command {
        PluginCommand::New(arguments) => new::execute(arguments, common),
        PluginCommand::Build(arguments) => build::execute(arguments, common),
        PluginCommand::Inspect(arguments) => inspect::execute(arguments, common),
        PluginCommand::Test(arguments) => test::execute(arguments, common),
        PluginCommand::Bench(arguments) => bench::execute(arguments, common),
    }
}

impl From<ProjectError> for Failure {
    fn from(ProjectError { message, help, is_wrong_request }: ProjectError) -> Self {
        match is_wrong_request {
            true => Self::Usage { message, help },
            false => Self::Failed { message, help },
        }
    }
}
