//! Tests of the whole program, a module a topic.

mod broken_data;
mod broken_pipelines;
mod caching;
mod commands;
mod crashes;
mod determinism;
mod harness;
mod sample_data;
