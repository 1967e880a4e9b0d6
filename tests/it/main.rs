//! Tests of the whole program, a module a topic.

mod broken_pipelines;
mod parquet;
mod program;
mod recordings;
mod sample_data;
