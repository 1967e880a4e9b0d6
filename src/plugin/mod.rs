//! `sternlight plugin`: what can be done with plugins, without a pipeline.

mod inspect;

use crate::Outcome;
use crate::arguments::{Common, PluginCommand};

pub(crate) fn execute(command: &PluginCommand, common: &Common) -> Outcome {
    match command {
        PluginCommand::Inspect(arguments) => inspect::execute(arguments, common),
    }
}
