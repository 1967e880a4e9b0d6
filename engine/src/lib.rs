//! sternlight's engine: pipelines, contracts, planning, running, storing, and the trajectory schema.
//!
//! It knows no algorithm: stages are handed in through a [`stage::Registry`].

// What a library has to say it returns.
#![warn(clippy::print_stderr, clippy::print_stdout)]

mod added_column;
pub mod artifact;
pub mod column;
pub mod compare;
pub mod condition;
pub mod contract;
pub mod dataset;
mod decode;
mod error;
pub mod event;
pub mod failure;
pub mod loading;
pub mod metrics;
pub mod pipeline;
pub mod place;
pub mod printable;
pub mod problem;
pub mod quantities;
pub mod regular_file;
pub mod run;
pub mod stage;
pub mod store;
mod targets;
pub mod trajectory;
pub mod verify;
