//! Tests of the whole program, a module a topic.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

mod broken_data;
mod broken_pipelines;
mod caching;
mod chats;
mod choosing;
mod commands;
mod commands_diff;
mod commands_look;
mod commands_run;
mod commands_store;
mod concurrency;
mod crashes;
mod determinism;
mod documented_commands;
mod exported;
mod full_disk;
mod generated;
#[cfg(feature = "wasi")]
mod grants;
mod harness;
mod markdown;
mod matrix;
mod memory;
#[cfg(unix)]
mod outputs;
mod parquet;
#[cfg(feature = "plugins")]
mod plugin_pipelines;
#[cfg(feature = "plugins")]
mod plugin_projects;
#[cfg(all(feature = "plugins", unix))]
mod plugin_toolchains;
#[cfg(feature = "plugins")]
mod plugin_trials;
#[cfg(feature = "plugins")]
mod plugins;
mod processes;
mod quarantine;
mod readme;
mod recordings;
#[cfg(feature = "oci")]
mod registries;
#[cfg(feature = "plugins")]
mod rollout;
mod rows;
mod sample_data;
mod sandbox;
#[cfg(unix)]
mod special_files;
mod store_contents;
#[cfg(unix)]
mod system_limits;
mod targets;
mod terminals;
mod verdicts;
