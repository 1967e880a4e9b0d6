//! Carries out a checked pipeline: plans each stage's parts and their keys, runs what is missing, and keeps the
//! result.

mod commits;
mod engine;
mod grouping;
mod job;
mod limit;
mod panics;
mod parts;
mod plan;
mod sink;
mod source;
mod transform;

pub use engine::{Engine, RunError, RunOptions, RunReport};
pub use job::Job;
pub use plan::{PlannedStage, Readiness};
