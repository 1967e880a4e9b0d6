//! Carries out a checked pipeline: plans each stage's parts and their keys, runs what is missing, and keeps the
//! result.

mod apply;
mod commits;
mod engine;
mod grouping;
mod job;
mod limit;
mod parts;
mod plan;
mod quarantine;
mod retry;
mod sink;
mod source;
mod transform;
mod watch;

pub use engine::{Engine, RunError, RunOptions, RunReport};
pub use job::Job;
pub use plan::{PlannedStage, Readiness};
