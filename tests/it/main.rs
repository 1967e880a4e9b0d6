//! Tests of the whole program, a module a topic.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod broken_pipelines;
mod documented_commands;
mod generated;
mod markdown;
mod readme;
mod sample_data;
mod sandbox;
