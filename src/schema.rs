//! `sternlight schema`: the JSON Schema of pipeline files.

use sternlight_engine::pipeline::pipeline_schema;

use crate::Outcome;

pub(crate) fn execute() -> Outcome {
    let schema = pipeline_schema(&sternlight_stages::registry());
    anstream::println!("{}", serde_json::to_string_pretty(&schema)?);
    Ok(())
}
