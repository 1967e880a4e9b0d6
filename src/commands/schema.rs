//! `sternlight schema`: the JSON Schema of pipeline files.

use sternlight_engine::pipeline::pipeline_schema;

use crate::Outcome;
use crate::output;

pub(crate) fn execute() -> Outcome {
    let schema = pipeline_schema(&sternlight_stages::registry());
    output::json_text(&serde_json::to_string_pretty(&schema)?);
    Ok(())
}
