//! A pipeline whose contracts hold, as jobs.

use super::error::LoadError;
use super::origin::Origin;
use crate::pipeline::{Diagnostic, Pipeline, StageSchemas};
use crate::run::Job;

/// A pipeline whose contracts hold.
pub struct Checked {
    /// What it was loaded from.
    pub origin: Origin,
    /// The pipeline.
    pub pipeline: Pipeline,
    /// What reaches its stages and what they hand on, inputs first.
    pub schemas: Vec<StageSchemas>,
}

impl Checked {
    /// The jobs, inputs first.
    ///
    /// # Errors
    /// What this version cannot carry out, by name.
    pub fn jobs(&self) -> Result<Vec<Job<'_>>, LoadError> {
        let refused: Vec<Diagnostic> = self.pipeline.unsupported().to_vec();
        if !refused.is_empty() {
            let as_errors = refused.into_iter().map(|mut diagnostic| {
                diagnostic.severity = miette::Severity::Error;
                diagnostic
            });
            return Err(LoadError::faults(as_errors.collect()));
        }
        let position = |stage: usize| self.schemas.iter().position(|schemas| schemas.stage == stage);
        let jobs = self.schemas.iter().filter_map(|schemas| {
            let node = self.pipeline.stages.get(schemas.stage)?;
            let built = node.built.as_ref()?;
            Some(Job {
                name: &node.name,
                uses: &node.uses,
                kind: &built.kind,
                version: built.version,
                options: &built.options,
                stage: built.stage.as_ref(),
                inputs: node.inputs.iter().filter_map(|input| position(input.stage)).collect(),
                contract: schemas.contract.clone(),
                output: schemas.output.clone(),
                cache: node.cache,
                failure: node.failure,
            })
        });
        Ok(jobs.collect())
    }
}
