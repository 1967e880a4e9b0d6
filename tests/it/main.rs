//! Tests of the whole program, a module a topic.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

mod broken_data;
mod broken_pipelines;
mod caching;
mod commands;
mod commands_look;
mod commands_run;
mod concurrency;
mod crashes;
mod determinism;
mod documented_commands;
mod exported;
mod full_disk;
mod generated;
mod harness;
mod markdown;
mod parquet;
mod processes;
mod quarantine;
mod readme;
mod recordings;
mod sample_data;
mod sandbox;
mod store_contents;
