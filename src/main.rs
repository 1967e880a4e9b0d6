//! `sternlight`: replays recorded agent trajectories through YAML pipelines. Only parses arguments and prints; the
//! work is the engine's.

mod arguments;
mod check;
mod exit;
mod loading;
mod part;
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

use std::process::ExitCode;

use clap::Parser as _;
use sternlight_engine::dataset::is_guarded;

use crate::arguments::{Arguments, Command};
use crate::exit::{Exit, Failure};

fn main() -> ExitCode {
    keep_freed_memory();
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

/// Lets glibc keep memory that was freed, up to tens of MiB a thread, instead of giving it back and fetching it zeroed for
/// the next page of a column: a seventh of the time of a replay. What it keeps follows the largest block that it ever
/// fetched on its own and freed, up to 32 MiB (`mallopt(3)`, `M_MMAP_THRESHOLD`), so one such block is freed here; nobody
/// writes to it. Other allocators take no notice.
fn keep_freed_memory() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(31 << 20)));
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
