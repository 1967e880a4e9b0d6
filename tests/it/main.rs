//! Tests of the whole program, a module a topic.

mod broken_pipelines;
//! x

mod sample_data;
