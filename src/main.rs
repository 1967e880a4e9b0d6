//! `sternlight`: replays recorded agent trajectories through YAML pipelines. Only parses arguments and prints; the
//! work is the engine's.

// Printing may fail, and what is printed may be anything: see `output`.
#![warn(clippy::print_stderr, clippy::print_stdout)]

mod arguments;
mod commands;
mod common;
mod exit;
mod loading;
mod output;
mod past_runs;
mod plugins;
mod progress;
mod style;
mod summary;

use std::process::ExitCode;
#[cfg(unix)]
use std::sync::{Arc, atomic::AtomicBool};

use sternlight_engine::dataset::is_guarded;
use sternlight_engine::run::workers;

use crate::arguments::Arguments;
use crate::exit::{Exit, Failure};

fn main() -> ExitCode {
    keep_freed_memory();
    let arguments = match arguments::parse() {
        Ok(arguments) => arguments,
        Err(exit) => return ended(exit),
    };
    start_logging(&arguments);
    say_nothing_of_guarded_panics();
    end_no_process_for_a_large_file();
    let outcome = match commands::works_in_parallel(&arguments.command) {
        true => workers(usize::from(arguments.common.threads))
            .map_err(Failure::from)
            .and_then(|workers| workers.install(|| commands::execute(&arguments.command, &arguments.common))),
        false => commands::execute(&arguments.command, &arguments.common),
    };
    let exit = match outcome {
        Ok(()) => Exit::Done,
        Err(failure) => {
            if arguments.common.json {
                failure.print_json();
            }
            failure.print();
            failure.exit()
        }
    };
    ended(exit)
}

/// Lets a write beyond the limit on the size of files be an error like others: without a handler its signal ends the
/// process.
fn end_no_process_for_a_large_file() {
    #[cfg(unix)]
    {
        let nobody_looks = Arc::new(AtomicBool::new(false));
        // Where it cannot be, the system does as it does.
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, nobody_looks);
    }
}

/// How the program ends, as far as what it had to say was written.
fn ended(exit: Exit) -> ExitCode {
    let Err(error) = output::finish() else { return exit.into() };
    let unwritten = Failure::unwritten(error);
    unwritten.print();
    match exit {
        Exit::Done => unwritten.exit().into(),
        exit => exit.into(),
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
        .with_writer(|| output::Log)
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
