//! `sternlight part`: carries out one part of a run. What an executor that spreads a run over processes calls; what it
//! did lies in the store, and is told on stdout as events.

use sternlight_engine::event::{Event, Record};
use sternlight_engine::quantities::Memory;
use sternlight_engine::run::{Engine, RunError, Task};
use sternlight_engine::store::Store;

use crate::Outcome;
use crate::arguments::PartArguments;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::run_plan::RunPlan;

pub(crate) fn execute(arguments: &PartArguments) -> Outcome {
    let (plan, run) = (RunPlan::read(&arguments.plan)?, RunPlan::run_of(&arguments.plan));
    let mut options = plan.options();
    options.memory = arguments.memory.map_or(options.memory, Memory::bytes);
    let store = Store::open(&plan.store)?;
    let checked = plan.origin.check()?;
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
