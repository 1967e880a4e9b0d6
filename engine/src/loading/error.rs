//! Why a pipeline, or the plan of a run, cannot be loaded.

use crate::pipeline::{Diagnostic, PipelineErrors};

/// Why a pipeline, or the plan of a run, cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Faults of the pipeline.
    #[error(transparent)]
    Pipeline(#[from] PipelineErrors),
    /// What it is loaded from is not there, or is something else.
    #[error("{message}")]
    Origin {
        /// What was expected and what was found.
        message: String,
        /// What to do next.
        help: Option<String>,
    },
}

impl LoadError {
    pub(super) fn origin(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Origin { message: message.into(), help: Some(help.into()) }
    }

    pub(super) fn faults(diagnostics: Vec<Diagnostic>) -> Self {
        Self::Pipeline(PipelineErrors::new(diagnostics))
    }
}
