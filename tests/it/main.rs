//! Tests of the whole program, a module a topic.

mod broken_pipelines;
mod documented_commands;
mod generated;
mod markdown;
mod readme;
mod sample_data;
mod sandbox;
