//! What reading the shards of a source needs, whether they are decoded or stay where they lie.

use super::super::budget::Budget;
use super::super::part::Part;
use super::super::watch::Watch;
use crate::failure::OnError;
use crate::stage::{Source, Stage, Survey};
use crate::store::Store;
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
    pub(crate) store: &'a Store,
    pub(crate) budget: &'a Budget,
    pub(crate) watch: &'a Watch<'a>,
}
