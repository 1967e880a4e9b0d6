//! `sternlight run`: carries out a pipeline, shows its progress, and ends with a summary.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sternlight_engine::dataset::BatchLimit;
use sternlight_engine::event::Record;
use sternlight_engine::run::{Engine, RunOptions};
use sternlight_engine::store::Store;

use crate::Outcome;
use crate::arguments::{Common, RunArguments};
use crate::exit::{Exit, Failure};
use crate::loading::load_and_check;
use crate::progress::Progress;
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
    let options = RunOptions {
        threads: usize::from(common.threads),
        batch_limit,
        gather_bytes: (arguments.memory << 20) as usize,
        limit: arguments.limit,
        interrupted,
        ..RunOptions::default()
    };
    let progress = Progress::new(common);
    let observe = |record: &Record| progress.observe(record);
    let outcome = Engine::new(&store, &options).run(&checked.pipeline.name, &arguments.file, &jobs, &observe);
    progress.finish();
    let report = outcome?;
    if !common.json {
        anstream::print!("{}", summary::of_run(&report.stages, arguments, common));
    }
    match report.stages.iter().map(|stage| stage.quarantined).sum() {
        aside if arguments.strict && aside > 0 => Err(Failure::PutAside(aside)),
        _ => Ok(()),
    }
}

/// Ctrl-C asks the run to stop; pressed again it ends the program at once, which loses nothing that was committed.
fn stop_on_signal() -> Result<Arc<AtomicBool>, Failure> {
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
