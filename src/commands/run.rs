//! `sternlight run`: carries out a pipeline, shows its progress, and ends with a summary.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Args, ValueEnum};
use sternlight_engine::dataset::BatchLimit;
use sternlight_engine::event::Record;
use sternlight_engine::loading::RunPlan;
use sternlight_engine::quantities::Memory;
use sternlight_engine::run::{Engine, Executor, Job, Local, Processes, RunOptions};
use sternlight_engine::stage::Work;
use sternlight_engine::store::Store;

use crate::Outcome;
use crate::common::Common;
use crate::exit::{Exit, Failure};
use crate::loading::load_and_check;
use crate::output;
use crate::progress::Progress;
use crate::summary;

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

/// Less would not hold what two threads need at once to read and write anything.
const LEAST_MEMORY: u64 = 64 << 20;

fn enough_memory(text: &str) -> Result<Memory, String> {
    let memory: Memory = text.parse()?;
    match memory.bytes() < LEAST_MEMORY {
        true => Err("expected 64MiB or more".to_owned()),
        false => Ok(memory),
    }
}

pub(crate) fn execute(arguments: &RunArguments, common: &Common) -> Outcome {
    let checked = load_and_check(&arguments.file, common)?;
    let jobs = checked.jobs()?;
    let store = Store::open(&common.store)?;
    let interrupted = stop_on_signal()?;
    let mut batch_limit = BatchLimit::default();
    if let Some(rows) = arguments.batch_rows {
        batch_limit.rows = rows.max(1);
    }
    let mut options = RunOptions {
        threads: usize::from(common.threads),
        batch_limit,
        memory: arguments.memory.map_or_else(quarter_of_memory, Memory::bytes),
        interrupted,
        ..RunOptions::default()
    };
    options.results.limit = arguments.limit;
    if let Some(bytes) = arguments.partition_bytes {
        options.results.partition_bytes = bytes.max(1);
    }
    let progress = Progress::new(common);
    let observe = |record: &Record| progress.observe(record);
    let plan = serde_json::to_string_pretty(&RunPlan::new(store.root(), &checked.origin, &options))?;
    let processes;
    let executor: &dyn Executor = match arguments.executor {
        ExecutorChoice::Local => &Local,
        ExecutorChoice::Processes => {
            same_everywhere(&jobs)?;
            processes = Processes::new(this_program()?, &options);
            &processes
        }
    };
    let engine =
        Engine::new(&store, &options).with_plan(&plan).with_executor(executor).with_loop(checked.loop_control());
    let outcome = engine.run(&checked.pipeline.name, &arguments.file, &jobs, &observe);
    progress.finish();
    let report = outcome?;
    if !common.json {
        output::out_page(&summary::of_run(&report.stages, &arguments.file, common));
    }
    match report.stages.iter().map(|stage| stage.quarantined).sum() {
        aside if arguments.strict && aside > 0 => Err(Failure::PutAside(aside)),
        _ => Ok(()),
    }
}

fn this_program() -> Result<PathBuf, Failure> {
    std::env::current_exe().map_err(|error| Failure::Failed {
        message: format!("cannot find this program, to start it for each part: {error}"),
        help: Some("use `--executor local`".to_owned()),
    })
}

/// Each process looks at the sources anew to know which parts there are, so they must look the same to all.
fn same_everywhere(jobs: &[Job<'_>]) -> Result<(), Failure> {
    for job in jobs.iter().filter(|job| matches!(job.stage.work(), Work::Source(_))) {
        let outside = job.stage.not_reproducible();
        if !outside.is_empty() {
            let outside = outside.join(", ");
            let message =
                format!("stage `{}` depends on {outside}: each process would see other parts of it", job.name);
            return Err(Failure::usage(message, "use `--executor local`"));
        }
    }
    Ok(())
}

/// A quarter of the machine's memory, or of what a container grants.
fn quarter_of_memory() -> u64 {
    let Ok(mut system) = sysinfo::System::new() else { return RunOptions::default().memory };
    system.refresh_memory();
    let granted = system.cgroup_limits().map_or(u64::MAX, |limits| limits.total_memory);
    granted.min(system.total_memory()) / 4
}

/// Ctrl-C asks the run to stop; pressed again it ends the program at once, which loses nothing that was committed.
pub(crate) fn stop_on_signal() -> Result<Arc<AtomicBool>, Failure> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&interrupted);
    let handler = move || {
        if asked.swap(true, Ordering::Relaxed) {
            std::process::exit(Exit::Interrupted as i32);
        }
    };
    ctrlc::set_handler(handler)
        .map_err(|error| Failure::Failed { message: format!("cannot listen for Ctrl-C: {error}"), help: None })?;
    Ok(interrupted)
}
