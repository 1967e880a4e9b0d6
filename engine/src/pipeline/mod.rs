//! Pipelines: from a YAML text to a checked [`Pipeline`], with every fault reported at its place.

mod diagnostic;
mod document;
mod draft;
mod graph;
mod index;
mod interpolation;
mod load;
mod load_options;
mod looping;
mod matrix;
mod model;
mod narrow;
mod parameters;
mod plain;
mod position;
mod propagate;
mod report;
mod retries;
mod scan;
mod schema_document;
mod stage_entry;
mod targets;
mod values;

#[cfg(test)]
mod fixtures;

pub use diagnostic::{Diagnostic, PipelineErrors, Severity};
pub(crate) use draft::instance_name;
pub use load::load;
pub use load_options::LoadOptions;
pub use matrix::Cell;
pub use model::{BuiltStage, Figured, InputReference, Looping, OutputReference, Pipeline, StageNode};
pub(crate) use parameters::find_scalar;
pub use plain::render_plain;
pub(crate) use propagate::{Fed, check_stage};
pub use propagate::{StageTypes, check};
pub use scan::MAXIMUM_BYTES;
pub use schema_document::pipeline_schema;
pub use targets::check_targets;
