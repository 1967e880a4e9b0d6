//! What reading the shards of a source needs, whether they are decoded or stay where they lie.

use super::super::part::Part;
use super::super::scope::RunScope;
use super::super::watch::Watch;
use crate::artifact::Inputs;
use crate::failure::OnError;
use crate::stage::{Source, Stage, Survey};
use crate::trajectory::TrajectorySchema;

/// A source that was surveyed, and its parts.
pub(crate) struct SourceWork<'a> {
    /// Its name in the pipeline.
    pub(crate) stage: &'a str,
    pub(crate) on_error: OnError,
    pub(crate) built: &'a dyn Stage,
    pub(crate) source: &'a dyn Source,
    pub(crate) survey: &'a Survey,
    pub(crate) schema: &'a TrajectorySchema,
    pub(crate) parts: &'a [Part],
    /// What comes in beside: sources read nothing else of the pipeline.
    pub(crate) inputs: &'a Inputs,
    pub(crate) scope: &'a RunScope<'a>,
    pub(crate) watch: &'a Watch<'a>,
}
