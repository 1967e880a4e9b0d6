//! Carries out a checked pipeline: plans each stage's parts and their keys, runs what is missing, and keeps the
//! result.

mod apply;
mod budget;
mod columns;
mod commits;
mod engine;
mod executor;
mod export_manifest;
mod found;
mod gather;
mod grouping;
mod in_place;
mod job;
mod limit;
mod panics;
mod parts;
mod plan;
mod quarantine;
mod relabel;
mod retry;
mod sink;
mod source;
mod stage_run;
mod task;
mod transform;
mod watch;
mod workers;

pub use engine::{Engine, RunError, RunOptions, RunReport};
pub use executor::{Executor, ExecutorContext, Local};
pub use job::Job;
pub(crate) use parts::is_as_written;
pub use plan::{PlannedStage, Readiness};
pub use task::{Step, Task};
pub use workers::workers;
