//! What was typed: a command, and what all commands have in common.

use clap::builder::Styles;
use clap::{CommandFactory as _, FromArgMatches as _, Parser};
use sternlight_engine::printable::is_hidden;

use crate::commands::Command;
use crate::common::Common;
use crate::exit::Exit;
use crate::output;

const AFTER_HELP: &str = "Exit codes: 0 done, 1 a stage or the store failed or stdout took no more, 2 the pipeline or the command line is wrong, \
                          3 trajectories were put aside and `--strict` allows none, 130 interrupted.";

/// What was typed; or, where that is help or cannot be understood, how the program ends, which it has been told then.
pub(crate) fn parse() -> Result<Arguments, Exit> {
    let mut command = Arguments::command();
    // Styles around what is typed can only be told from codes in it where there are none.
    if std::env::args_os().any(|argument| argument.to_string_lossy().contains(is_hidden)) {
        command = command.styles(Styles::plain());
    }
    let parsed = command.try_get_matches().and_then(|matches| Arguments::from_arg_matches(&matches));
    parsed.map_err(|error| {
        let text = error.render().ansi().to_string();
        match error.use_stderr() {
            true => output::err_drawn(&text),
            false => output::out_drawn(&text),
        }
        if error.use_stderr() { Exit::Wrong } else { Exit::Done }
    })
}

/// Replays recorded agent trajectories through YAML pipelines.
#[derive(Debug, Parser)]
#[command(name = "sternlight", version, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}
