//! `sternlight plugin`: what can be done with plugins, without a pipeline.

mod bench;
mod build;
mod inspect;
mod new;
mod options;
mod test;

use sternlight_plugins::project::ProjectError;

use crate::Outcome;
use crate::arguments::{Common, PluginCommand};
use crate::exit::Failure;

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
