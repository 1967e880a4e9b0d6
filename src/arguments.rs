//! The command line's grammar.

use std::path::PathBuf;

use clap::builder::Styles;
use clap::{ArgAction, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
#[cfg(feature = "plugins")]
use sternlight_engine::printable::is_hidden;
use sternlight_engine::quantities::{Memory, Span};
use sternlight_engine::run::Step;

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

/// More threads than any machine has cores would only cost memory.
const MAX_THREADS: i64 = 1024;

/// What the newest run is called.
pub(crate) const LAST: &str = "last";

/// Replays recorded agent trajectories through YAML pipelines.
#[derive(Debug, Parser)]
#[command(name = "sternlight", version, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Where results are kept
    #[arg(long, global = true, value_name = "DIR", default_value = ".sternlight")]
    pub(crate) store: PathBuf,
    /// Sets a parameter of the pipeline; may be given several times
    #[arg(long, global = true, value_name = "params.NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// Worker threads; 0: as many as the machine has
    #[arg(long, global = true, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(..=MAX_THREADS))]
    pub(crate) threads: u16,
    /// Prints for programs: JSON, one event a line while running
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Prints results and errors only
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Logs more; twice for still more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs a pipeline; what was computed before is not computed again
    Run(RunArguments),
    /// Checks pipelines without running them: every error at once
    Check(CheckArguments),
    /// Shows what a run would do: what is cached, what would run, and why
    Plan(PlanArguments),
    /// Carries out one part of a run, for whoever spreads a run over processes or machines
    Part(PartArguments),
    /// Lists runs, the newest first
    Runs,
    /// Shows a run, a stage's dataset, or one trajectory
    Show(ShowArguments),
    /// Compares two runs: stages, keys, columns, rewards, advantages and orders within groups
    Diff(DiffArguments),
    /// Checks that a run's results are as they were written, and come out again
    Verify(VerifyArguments),
    /// Keeps a run, and what it reaches, from being cleaned up
    Pin(PinArguments),
    /// Lets a pinned run be cleaned up again
    Unpin(PinArguments),
    /// Cleans up: removes what no pinned, recent or unfinished run reaches
    Gc(GcArguments),
    /// Lists the stages that pipelines may use, or explains one
    Stages(StagesArguments),
    /// Prints the JSON Schema of pipeline files, for editors
    Schema,
    /// Makes, builds, tries and measures WebAssembly plugins
    #[cfg(feature = "plugins")]
    #[command(subcommand)]
    Plugin(PluginCommand),
}

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// The pipeline
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Tries the first N groups of every source only; exports are samples then, written beside their targets
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
    /// Memory for batches, queues and groups, as in `512MiB` [default: a quarter of the machine's]
    #[arg(long, value_name = "SIZE", value_parser = enough_memory)]
    pub(crate) memory: Option<Memory>,
    /// Who carries out the parts of stages: threads of this process, or a process for each, which is slower
    #[arg(long, value_name = "WHO", value_enum, default_value_t)]
    pub(crate) executor: ExecutorChoice,
    /// Ends with exit code 3 if any trajectory was put aside, in this run or when a result was computed
    #[arg(long)]
    pub(crate) strict: bool,
    /// Rows of a batch: results must not depend on it, which tests show
    #[arg(long, value_name = "N", hide = true)]
    pub(crate) batch_rows: Option<usize>,
    /// Decoded bytes of a partition of scattered groups: small ones let tests have several
    #[arg(long, value_name = "BYTES", hide = true)]
    pub(crate) partition_bytes: Option<u64>,
}

/// Who carries out the parts of stages.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum ExecutorChoice {
    #[default]
    Local,
    Processes,
}

#[derive(Debug, Args)]
pub(crate) struct PartArguments {
    /// The plan of a run: `runs/RUN/plan.json` in the store
    #[arg(value_name = "PLAN")]
    pub(crate) plan: PathBuf,
    /// A stage and what to do: `STAGE:map`, `STAGE:scatter`, `STAGE:group` or `STAGE:gather`
    #[arg(value_name = "STEP", value_parser = stage_and_step)]
    pub(crate) step: (String, Step),
    /// Which part, from 0
    #[arg(value_name = "PART")]
    pub(crate) part: usize,
    /// Memory for batches, queues and groups [default: as the plan says]
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<Memory>,
}

/// Less would not hold what two threads need at once to read and write anything.
const LEAST_MEMORY: u64 = 64 << 20;

fn enough_memory(text: &str) -> Result<Memory, String> {
    let memory: Memory = text.parse()?;
    match memory.bytes() < LEAST_MEMORY {
        true => Err("expected 64MiB or more".to_owned()),
        false => Ok(memory),
    }
}

fn stage_and_step(text: &str) -> Result<(String, Step), String> {
    let (stage, step) = text.rsplit_once(':').ok_or("expected a stage and a step, as in `reward:map`")?;
    Ok((stage.to_owned(), step.parse()?))
}

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The pipelines
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArguments {
    /// The pipeline
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Says what changed for a stage since the pipeline's last run
    #[arg(long, value_name = "STAGE")]
    pub(crate) why: Option<String>,
    /// Tries the first N groups of every source only
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// The run, as `sternlight runs` names it; `last`, the newest, if left out; `last~1` is the one before
    #[arg(value_name = "RUN", default_value = LAST, hide_default_value = true)]
    pub(crate) run: String,
    /// A stage of the run: its dataset
    #[arg(value_name = "STAGE")]
    pub(crate) stage: Option<String>,
    /// A trajectory of that dataset, by id: its turns
    #[arg(value_name = "TRAJECTORY")]
    pub(crate) trajectory: Option<String>,
    /// Shows what the stage put aside instead, and why
    #[arg(long, requires = "stage")]
    pub(crate) quarantine: bool,
    /// Prints only where the dataset's manifest lies
    #[arg(long, requires = "stage")]
    pub(crate) path: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DiffArguments {
    /// The run to begin from, as `sternlight runs` names it; `last` is the newest, `last~1` the one before
    #[arg(value_name = "FIRST")]
    pub(crate) first: String,
    /// The run to compare it with
    #[arg(value_name = "SECOND")]
    pub(crate) second: String,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// The run, as `sternlight runs` names it; `last` is the newest, `last~1` the one before
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    /// Reads what is stored and computes nothing again
    #[arg(long)]
    pub(crate) stored_only: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PinArguments {
    /// The run, as `sternlight runs` names it; `last` is the newest, `last~1` the one before
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
}

#[derive(Debug, Args)]
pub(crate) struct GcArguments {
    /// Removes nothing, and tells what would go
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Spares what runs of the last N days reach
    #[arg(long, value_name = "N", default_value_t = 14)]
    pub(crate) keep_days: u32,
    /// Spares whatever is younger than this, runs apart: a day, but in tests
    #[arg(long, value_name = "SECONDS", default_value_t = 24 * 60 * 60, hide = true)]
    pub(crate) young_seconds: u64,
}

#[derive(Debug, Args)]
pub(crate) struct StagesArguments {
    /// The stage to explain
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
}

/// What can be done with plugins.
#[cfg(feature = "plugins")]
#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// Makes a project to begin with: a plugin, its tests, sample data, and a pipeline that uses it
    New(NewArguments),
    /// Builds a project into a component, and looks whether it is a plugin
    Build(BuildArguments),
    /// Tells what a plugin is: its world, columns, options, imports, size and digest
    Inspect(InspectArguments),
    /// Tries whether a plugin keeps the contract: what it says of itself, its results, hard rows, its limits
    Test(PluginTestArguments),
    /// Measures what a plugin costs: CPU time of a trajectory, its start, its memory
    Bench(PluginBenchArguments),
}

#[cfg(feature = "plugins")]
#[derive(Debug, Args)]
pub(crate) struct NewArguments {
    /// What the plugin is called, as in `few-calls`: the folder gets this name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The language that it is written in
    #[arg(long, value_name = "LANGUAGE", value_enum)]
    pub(crate) lang: LanguageChoice,
    /// What it is to do
    #[arg(long, value_name = "KIND", value_enum)]
    pub(crate) kind: KindChoice,
}

/// A language with an SDK.
#[cfg(feature = "plugins")]
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LanguageChoice {
    Rust,
    Python,
    /// JavaScript
    Js,
}

/// The kinds of plugins.
#[cfg(feature = "plugins")]
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum KindChoice {
    /// Scores trajectories
    Reward,
    /// Judges turns
    Reflect,
    /// Copies trajectories under other goals
    Relabel,
    /// Gives turns their advantages
    Advantage,
    /// Adds any columns
    Batch,
    /// A world that agents act in
    Environment,
}

#[cfg(feature = "plugins")]
#[derive(Debug, Args)]
pub(crate) struct BuildArguments {
    /// The project's folder
    #[arg(value_name = "DIR", default_value = ".", hide_default_value = true)]
    pub(crate) directory: PathBuf,
    /// Where the component goes [default: a file in the folder, called after the plugin]
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[cfg(feature = "plugins")]
#[derive(Debug, Args)]
pub(crate) struct InspectArguments {
    /// The component
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// A plugin on its own, as a pipeline would have it.
#[cfg(feature = "plugins")]
#[derive(Debug, Args)]
pub(crate) struct TriedPlugin {
    /// The component
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The stage's options, as below `with` in a pipeline: `'{ limit: 4 }'`
    #[arg(long, value_name = "YAML")]
    pub(crate) with: Option<String>,
    /// What the plugin is granted, as below `allow` in a pipeline: `'{ read: [rules], clock: true }'`
    #[arg(long, value_name = "YAML")]
    pub(crate) allow: Option<String>,
    /// What the plugin may take: `limits: { memory }` of the stage [default: 512MiB]
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<Memory>,
    /// How long a call may take: `limits: { call_time }` of the stage [default: 10s]
    #[arg(long, value_name = "TIME")]
    pub(crate) call_time: Option<Span>,
}

#[cfg(feature = "plugins")]
#[derive(Debug, Args)]
pub(crate) struct PluginTestArguments {
    #[command(flatten)]
    pub(crate) plugin: TriedPlugin,
    /// Works on these trajectories too, whatever `import` reads: Parquet, or chat messages in JSON lines
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
}

#[cfg(feature = "plugins")]
#[derive(Debug, Args)]
pub(crate) struct PluginBenchArguments {
    #[command(flatten)]
    pub(crate) plugin: TriedPlugin,
    /// Measures with these trajectories, whatever `import` reads, instead of made ones
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// How many trajectories
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) trajectories: u32,
}
