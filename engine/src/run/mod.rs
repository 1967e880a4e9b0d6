//! Carries out a checked pipeline. [`Engine`] takes jobs, inputs first. For each, `shapes` cuts its work into parts, whose
//! keys tell which results are there; `stage_run` has the others carried out, task by task, by an [`Executor`]; and what
//! all parts came to is put together as the stage's dataset, which the next job reads.

mod budget;
mod compose;
mod engine;
mod executor;
mod grouping;
mod host;
mod job;
mod keys;
mod limit;
mod loaded;
mod looping;
mod options;
mod panics;
mod part;
mod plan;
mod processes;
mod quarantine;
mod release;
mod report;
mod retry;
mod scope;
mod shape;
mod shapes;
mod sink;
mod source;
mod stage_run;
mod task;
mod transform;
mod watch;
mod whole;
mod workers;

pub use engine::Engine;
pub use executor::{Executor, ExecutorContext, Local};
pub use job::{Job, JobInput, LoopTurn, jobs_that_ran, jobs_until};
pub use looping::LoopControl;
pub use options::{ResultOptions, RunOptions};
pub use plan::{PlannedStage, Readiness};
pub use processes::Processes;
pub use report::{RunError, RunReport};
pub(crate) use sink::is_as_written;
pub use task::{Step, Task};
pub use workers::workers;
