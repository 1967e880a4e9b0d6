//! Tests of the whole program, a module a topic.

mod broken_data;
mod broken_pipelines;
mod caching;
mod commands;
mod crashes;
mod determinism;
mod documented_commands;
mod generated;
mod harness;
mod markdown;
mod readme;
mod parquet;
mod program;
mod recordings;
mod sample_data;
mod sandbox;
