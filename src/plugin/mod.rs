//! `sternlight plugin`: what can be done with plugins, without a pipeline.

mod bench;
mod inspect;
mod options;
mod test;

use crate::Outcome;
use crate::arguments::{Common, PluginCommand};

pub(crate) fn execute(command: &PluginCommand, common: &Common) -> Outcome {
    match command {
        PluginCommand::Inspect(arguments) => inspect::execute(arguments, common),
        PluginCommand::Test(arguments) => test::execute(arguments, common),
        PluginCommand::Bench(arguments) => bench::execute(arguments, common),
    }
}
