//! From a pipeline's file to jobs for the engine: what `run`, `check` and `plan` have in common.

use std::path::{Path, PathBuf};

use sternlight_engine::pipeline::{Diagnostic, LoadOptions, Pipeline, PipelineErrors, StageSchemas, check, load};
use sternlight_engine::run::Job;

use crate::arguments::Common;
use crate::exit::Failure;

/// A pipeline whose contracts hold.
pub(crate) struct Checked {
    pub(crate) pipeline: Pipeline,
    pub(crate) schemas: Vec<StageSchemas>,
}

/// Loads and checks a pipeline.
pub(crate) fn load_and_check(file: &Path, common: &Common) -> Result<Checked, Failure> {
    let unreadable = |error: std::io::Error| Failure::Usage {
        message: format!("cannot read `{}`: {error}", file.display()),
        help: None,
    };
    let text = std::fs::read(file).map_err(unreadable)?;
    let text = String::from_utf8(text).map_err(|error| {
        let line =
            error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        Failure::usage(format!("{}:{line}: the file is not UTF-8", file.display()), "save it as UTF-8")
    })?;
    let current_directory = std::env::current_dir().map_err(unreadable)?;
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let directory: PathBuf = parent.canonicalize().map_err(unreadable)?;
    let options = LoadOptions {
        set: &common.set,
        environment: &|name| std::env::var(name).ok(),
        directory: &directory,
        current_directory: &current_directory,
    };
    let pipeline = load(&text, file, &options, &sternlight_stages::registry()).map_err(faults)?;
    let schemas = check(&pipeline).map_err(faults)?;
    Ok(Checked { pipeline, schemas })
}

fn faults(errors: PipelineErrors) -> Failure {
    Failure::Pipeline(errors.into_iter().collect())
}

impl Checked {
    /// The jobs, inputs first. What this version cannot carry out is refused by name.
    pub(crate) fn jobs(&self) -> Result<Vec<Job<'_>>, Failure> {
        let refused: Vec<Diagnostic> = self.pipeline.unsupported().to_vec();
        if !refused.is_empty() {
            let as_errors = refused.into_iter().map(|mut diagnostic| {
                diagnostic.severity = miette::Severity::Error;
                diagnostic
            });
            return Err(Failure::Pipeline(as_errors.collect()));
        }
        let position = |stage: usize| self.schemas.iter().position(|schemas| schemas.stage == stage);
        let jobs = self.schemas.iter().filter_map(|schemas| {
            let node = self.pipeline.stages.get(schemas.stage)?;
            let built = node.built.as_ref()?;
            Some(Job {
                name: &node.name,
                uses: &node.uses,
                version: built.kind.version,
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
