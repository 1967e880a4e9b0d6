//! `sternlight run`: carries out a pipeline, shows its progress, and ends with a summary.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sternlight_engine::dataset::BatchLimit;
use sternlight_engine::event::Record;
use sternlight_engine::quantities::Memory;
use sternlight_engine::run::{Engine, Executor, Job, Local, RunOptions};
use sternlight_engine::stage::Work;
use sternlight_engine::store::Store;

use crate::Outcome;
use crate::arguments::{Common, ExecutorChoice, RunArguments};
use crate::exit::{Exit, Failure};
use crate::loading::load_and_check;
use crate::output;
use crate::processes::Processes;
use crate::progress::Progress;
use crate::run_plan::RunPlan;
use crate::summary;

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
            processes = Processes::new(&options)?;
            &processes
        }
    };
    let engine = Engine::new(&store, &options).with_plan(&plan).with_executor(executor);
    let outcome = engine.run(&checked.pipeline.name, &arguments.file, &jobs, &observe);
    progress.finish();
    let report = outcome?;
    if !common.json {
        output::out_page(&summary::of_run(&report.stages, arguments, common));
    }
    match report.stages.iter().map(|stage| stage.quarantined).sum() {
        aside if arguments.strict && aside > 0 => Err(Failure::PutAside(aside)),
        _ => Ok(()),
    }
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
