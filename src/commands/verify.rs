//! `sternlight verify`: whether a run's results are as they were written, and come out again.

use std::sync::Mutex;

use clap::Args;
use indicatif::BinaryBytes;
use sternlight_engine::event::{Event, Record, StageResult};
use sternlight_engine::loading::{LoadError, RunPlan};
use sternlight_engine::printable::printable_line;
use sternlight_engine::run::{Engine, Job, jobs_that_ran};
use sternlight_engine::stage::Work;
use sternlight_engine::store::{PastStatus, RunSummary, Store};
use sternlight_engine::verify::{
    Again, NotRepeated, Redirected, Stored, changed_inputs, check_stored, compare_results, repeatable,
};

use super::run::stop_on_signal;
use crate::Outcome;
use crate::common::Common;
use crate::exit::{Failure, print_diagnostics};
use crate::output::{self, hanging, outln};
use crate::past_runs::{find_run, results_of, store_of_runs};
use crate::plugins::registry;
use crate::progress::Progress;
use crate::style;

#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// The run, as `sternlight runs` names it; `last` is the newest, `last~1` the one before
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    /// Reads what is stored and computes nothing again
    #[arg(long)]
    pub(crate) stored_only: bool,
}

pub(crate) fn execute(arguments: &VerifyArguments, common: &Common) -> Outcome {
    let store = store_of_runs(common)?;
    let run = find_run(&store, &arguments.run)?;
    let results = results_of(&store, &run)?;
    let stored = check_stored(&store, &results);
    if !common.json {
        let pipeline = printable_line(&run.pipeline);
        outln!("{} {pipeline}, {}, started {}\n", style::title(&run.id), run.status, run.started);
        print_stored(&stored);
    }
    let is_whole = run.status == PastStatus::Done;
    let again = match is_whole && !arguments.stored_only {
        true => Some(compute_again(&store, &run, &results, common)?),
        false => None,
    };
    let (again, not_repeated) = again.unzip();
    let not_repeated: Vec<NotRepeated> = not_repeated.unwrap_or_default();
    let is_repeated = again.as_ref().is_none_or(|again: &Again| again.differences.is_empty());
    let is_well = stored.damaged.is_empty() && is_repeated;
    if common.json {
        let told = serde_json::json!({
            "run": run.id, "verified": is_well, "stored": stored, "again": again, "not_computed_again": not_repeated,
        });
        output::json(&told)?;
    } else {
        match &again {
            Some(again) => print_again(again),
            None if !is_whole => outln!("computed again     nothing: the run did not end well"),
            None => {}
        }
        print_not_repeated(&not_repeated);
    }
    let (message, help) = match (stored.damaged.is_empty(), is_repeated) {
        (true, true) => return Ok(()),
        (false, _) => (
            "is not as it was written",
            "move exported files away that were changed, and run the pipeline again: what is damaged is computed anew",
        ),
        (true, false) => {
            ("came out otherwise", "the program may have been changed since, or a stage does not repeat itself")
        }
    };
    Err(Failure::Failed { message: format!("run `{}` {message}", run.id), help: Some(help.to_owned()) })
}

/// Computes the run in a store of its own beside this one, which is removed afterwards. Exports go there as well. Stages that
/// depend on the world outside are left out.
fn compute_again(
    store: &Store,
    run: &RunSummary,
    results: &[StageResult],
    common: &Common,
) -> Result<(Again, Vec<NotRepeated>), Failure> {
    let plan = RunPlan::read(&run.plan_path())?;
    let run_id = plan.run_id(&run.plan_path());
    let mut options = plan.options();
    options.threads = usize::from(common.threads);
    options.interrupted = stop_on_signal()?;
    let checked = plan.origin.check(&registry()).map_err(as_changed_inputs)?;
    let (temporary, directory) = Store::temporary(store.root())?;
    let has_result = |name: &str| results.iter().any(|result| result.stage == name);
    let (jobs, not_repeated) = repeatable(jobs_that_ran(checked.jobs()?, has_result));
    let is_repeated = |result: &&StageResult| not_repeated.iter().all(|left| left.stage != result.stage);
    let expected: Vec<StageResult> = results.iter().filter(is_repeated).cloned().collect();
    let redirected: Vec<Redirected<'_>> = jobs
        .iter()
        .enumerate()
        .map(|(index, job)| Redirected {
            stage: job.stage,
            directory: directory.path().join(format!("exported-{index}")),
        })
        .collect();
    let jobs: Vec<Job<'_>> = jobs
        .into_iter()
        .zip(&redirected)
        .map(|(job, elsewhere)| match job.stage.work() {
            Work::Sink(_) => Job { stage: elsewhere, ..job },
            _ => job,
        })
        .collect();
    let engine = Engine::new(&temporary, &options).for_run(&run_id).with_redirected_exports();
    let planned = engine
        .plan(&jobs)
        .map_err(|(stage, error)| Failure::Failed { message: format!("stage `{stage}`: {error}"), help: error.help })?;
    let changed = changed_inputs(&store.keys(run)?, &planned, &jobs);
    if !changed.is_empty() {
        let lines = changed.iter().flat_map(|(stage, changes)| {
            changes.iter().map(move |change| {
                let what = if change.differing.is_empty() { "new".to_owned() } else { change.differing.join(", ") };
                format!("\n  {stage}: {} ({what})", change.labels.join("; "))
            })
        });
        return Err(Failure::Failed {
            message: format!("the inputs of run `{}` are not what they were:{}", run.id, lines.collect::<String>()),
            help: Some("bring them back, or verify with `--stored-only`".to_owned()),
        });
    }
    let computed: Mutex<Vec<StageResult>> = Mutex::default();
    let progress = Progress::new(common);
    let observe = |record: &Record| {
        if let (Event::StageFinished(result), Ok(mut computed)) = (&record.event, computed.lock()) {
            computed.push(result.clone());
        }
        if !common.json {
            progress.observe(record);
        }
    };
    let outcome = engine.run(&checked.pipeline.name, &checked.origin.file, &jobs, &observe);
    progress.finish();
    outcome?;
    let computed = computed.into_inner().unwrap_or_default();
    Ok((compare_results((store, &expected), (&temporary, &computed))?, not_repeated))
}

/// The pipeline was well when it ran: what is wrong now is what it reads.
fn as_changed_inputs(error: LoadError) -> Failure {
    let diagnostics = match Failure::from(error) {
        Failure::Pipeline(diagnostics) => diagnostics,
        other => return other,
    };
    print_diagnostics(&diagnostics);
    Failure::Failed {
        message: "what the run read is not there any more, or is not what it was".to_owned(),
        help: Some("bring it back, or verify with `--stored-only`".to_owned()),
    }
}

fn print_stored(stored: &Stored) {
    let bytes = BinaryBytes(stored.bytes).to_string();
    outln!("stored             {} manifests, {} files, {bytes} read", stored.manifests, stored.files);
    if stored.outside > 0 {
        outln!("where they lie     {} files outside of the store, by their footers", stored.outside);
    }
    if stored.exported > 0 {
        outln!("exported           {} files", stored.exported);
    }
    for damage in &stored.damaged {
        outln!("  {}{}: {}", style::error("damaged: "), damage.stage, hanging(&damage.message));
    }
}

fn print_not_repeated(left: &[NotRepeated]) {
    for NotRepeated { stage, because } in left {
        let why = match because.as_slice() {
            [] => "it comes after such a stage".to_owned(),
            because => format!("it depends on more than its inputs: {}", because.join(", ")),
        };
        outln!("not computed again {stage}: {why}");
    }
}

fn print_again(again: &Again) {
    let (columns, shards) = (again.columns, again.shards);
    let exported = if again.exported > 0 { format!(", {} exported files", again.exported) } else { String::new() };
    outln!(
        "computed again     {} stages: {columns} columns of {shards} shards{exported}, and all figures",
        again.stages
    );
    for difference in &again.differences {
        outln!("  {}{}: {}", style::error("different: "), difference.stage, hanging(&difference.message));
    }
    if again.differences.is_empty() {
        outln!("                   everything came out the same");
    }
}
