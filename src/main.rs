//! `sternlight`: replays recorded agent trajectories through YAML pipelines. Only parses arguments and prints; the
//! work is the engine's.

mod arguments;
mod check;
mod diff;
mod exit;
mod gc;
mod loading;
mod part;
mod past_runs;
mod pin;
mod plan;
mod processes;
mod progress;
mod run;
mod run_plan;
mod runs;
mod schema;
mod show;
mod stages;
mod style;
mod summary;
mod verify;

use std::process::ExitCode;

use clap::Parser as _;
use sternlight_engine::dataset::is_guarded;

use crate::arguments::{Arguments, Command};
use crate::exit::{Exit, Failure};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    start_logging(&arguments);
    say_nothing_of_guarded_panics();
    let common = &arguments.common;
    let outcome = match &arguments.command {
        Command::Run(run) => run::execute(run, common),
        Command::Check(check) => check::execute(check, common),
        Command::Plan(plan) => plan::execute(plan, common),
        Command::Part(part) => part::execute(part),
        Command::Runs => runs::execute(common),
        Command::Show(show) => show::execute(show, common),
        Command::Diff(diff) => diff::execute(diff, common),
        Command::Verify(verify) => verify::execute(verify, common),
        Command::Pin(pin) => pin::execute(&pin.run, true, common),
        Command::Unpin(pin) => pin::execute(&pin.run, false, common),
        Command::Gc(gc) => gc::execute(gc, common),
        Command::Stages(stages) => stages::execute(stages, common),
        Command::Schema => schema::execute(),
    };
    match outcome {
        Ok(()) => Exit::Done.into(),
        Err(failure) => {
            if common.json {
                failure.print_json();
            }
            failure.print();
            failure.exit().into()
        }
    }
}

/// Logs go to stderr: warnings, and more with `-v`.
fn start_logging(arguments: &Arguments) {
    let level = match (arguments.common.quiet, arguments.common.verbose) {
        (true, _) => tracing::Level::ERROR,
        (false, 0) => tracing::Level::WARN,
        (false, 1) => tracing::Level::INFO,
        (false, 2) => tracing::Level::DEBUG,
        (false, _) => tracing::Level::TRACE,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(style::is_coloured(&std::io::stderr()))
        .without_time()
        .init();
}

/// A panic that becomes an error is told as that.
fn say_nothing_of_guarded_panics() {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !is_guarded() {
            tell(panic);
        }
    }));
}

/// What a subcommand returns.
type Outcome = Result<(), Failure>;
