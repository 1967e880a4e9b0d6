//! What the program can do: a file a command, with its arguments and what it prints.

mod check;
mod completions;
mod diff;
mod gc;
mod part;
mod pin;
mod plan;
#[cfg(feature = "plugins")]
mod plugin;
mod run;
mod runs;
mod schema;
mod show;
mod stages;
mod verify;

use clap::Subcommand;

use crate::Outcome;
use crate::common::Common;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs a pipeline; what was computed before is not computed again
    Run(run::RunArguments),
    /// Checks pipelines without running them: every error at once
    Check(check::CheckArguments),
    /// Shows what a run would do: what is cached, what would run, and why
    Plan(plan::PlanArguments),
    /// Carries out one part of a run, for whoever spreads a run over processes or machines
    Part(part::PartArguments),
    /// Lists runs, the newest first
    Runs,
    /// Shows a run, a stage's dataset, or one trajectory
    Show(show::ShowArguments),
    /// Compares two runs: stages, keys, columns, rewards, advantages and orders within groups
    Diff(diff::DiffArguments),
    /// Checks that a run's results are as they were written, and come out again
    Verify(verify::VerifyArguments),
    /// Keeps a run, and what it reaches, from being cleaned up
    Pin(pin::PinArguments),
    /// Lets a pinned run be cleaned up again
    Unpin(pin::PinArguments),
    /// Cleans up: removes what no pinned, recent or unfinished run reaches
    Gc(gc::GcArguments),
    /// Lists the stages that pipelines may use, or explains one
    Stages(stages::StagesArguments),
    /// Prints the JSON Schema of pipeline files, for editors
    Schema,
    /// Prints what a shell needs to complete commands, as in `sternlight completions bash`
    Completions(completions::CompletionsArguments),
    /// Makes, builds, tries and measures WebAssembly plugins
    #[cfg(feature = "plugins")]
    #[command(subcommand)]
    Plugin(plugin::PluginCommand),
}

/// Carries a command out.
pub(crate) fn execute(command: &Command, common: &Common) -> Outcome {
    match command {
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
        Command::Completions(completions) => completions::execute(completions),
        #[cfg(feature = "plugins")]
        Command::Plugin(plugin) => plugin::execute(plugin, common),
    }
}

/// Whether a command has work for many threads, which are started before it begins.
pub(crate) fn works_in_parallel(command: &Command) -> bool {
    match command {
        Command::Run(_) | Command::Check(_) | Command::Plan(_) | Command::Part(_) | Command::Verify(_) => true,
        #[cfg(feature = "plugins")]
        Command::Plugin(_) => true,
        Command::Runs | Command::Show(_) | Command::Diff(_) | Command::Pin(_) | Command::Unpin(_) => false,
        Command::Gc(_) | Command::Stages(_) | Command::Schema | Command::Completions(_) => false,
    }
}
