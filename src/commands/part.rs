//! `sternlight part`: carries out one part of a run. What an executor that spreads a run over processes calls; what it
//! did lies in the store, and is told on stdout as events.

use std::path::PathBuf;

use clap::Args;
use sternlight_engine::event::{Event, Record};
use sternlight_engine::loading::RunPlan;
use sternlight_engine::quantities::Memory;
use sternlight_engine::run::{Engine, RunError, Step, Task};
use sternlight_engine::store::Store;

use crate::Outcome;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::plugins::registry;

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

fn stage_and_step(text: &str) -> Result<(String, Step), String> {
    let (stage, step) = text.rsplit_once(':').ok_or("expected a stage and a step, as in `reward:map`")?;
    Ok((stage.to_owned(), step.parse()?))
}

pub(crate) fn execute(arguments: &PartArguments) -> Outcome {
    let plan = RunPlan::read(&arguments.plan)?;
    let run = plan.run_id(&arguments.plan);
    let mut options = plan.options();
    options.memory = arguments.memory.map_or(options.memory, Memory::bytes);
    let store = Store::open(&plan.store)?;
    let checked = plan.origin.check(&registry())?;
    let jobs = checked.jobs()?;
    let (stage, step) = arguments.step.clone();
    let task = Task { stage, step, part: arguments.part };
    let outcome = Engine::new(&store, &options).for_run(&run).carry_out(&jobs, &task, &print);
    match outcome {
        Ok(()) => Ok(()),
        Err(RunError::Stage { stage, source }) => {
            print(&Record::now(Event::StageFailed { stage, message: source.to_string(), help: source.help.clone() }));
            Err(Failure::Told(Exit::Failed))
        }
        Err(other) => Err(other.into()),
    }
}

fn print(record: &Record) {
    if let Ok(line) = serde_json::to_string(record) {
        output::json_text(&line);
    }
}
