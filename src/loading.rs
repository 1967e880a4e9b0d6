//! From a pipeline's file to jobs for the engine: what `run`, `check` and `plan` have in common.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fmt, iter};

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use sternlight_engine::failure::reason;
use sternlight_engine::pipeline::{
    Diagnostic, LoadOptions, MAXIMUM_BYTES, Pipeline, PipelineErrors, StageSchemas, check, check_targets, load,
};
use sternlight_engine::place::resolved;
use sternlight_engine::regular_file;
use sternlight_engine::run::Job;

use crate::arguments::Common;
use crate::exit::Failure;
use crate::plugins::registry;

/// All that a pipeline is loaded from: whoever has it can load the same pipeline again, whatever became of the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Origin {
    /// As it was named.
    pub(crate) file: PathBuf,
    text: String,
    /// `params.NAME=VALUE`, as `--set` takes them.
    set: Vec<String>,
    /// Names of the environment variables that the pipeline refers to. Their values are nobody's to keep.
    #[serde(deserialize_with = "names")]
    environment: BTreeSet<String>,
    directory: PathBuf,
    current_directory: PathBuf,
}

/// A pipeline whose contracts hold.
pub(crate) struct Checked {
    pub(crate) origin: Origin,
    pub(crate) pipeline: Pipeline,
    pub(crate) schemas: Vec<StageSchemas>,
}

/// Loads and checks a pipeline.
pub(crate) fn load_and_check(file: &Path, common: &Common) -> Result<Checked, Failure> {
    let unreadable = |error: std::io::Error| Failure::Usage {
        message: format!("cannot read `{}`: {}", file.display(), reason(&error)),
        help: None,
    };
    let text = regular_file::read(file, MAXIMUM_BYTES as u64).map_err(unreadable)?;
    let text = String::from_utf8(text).map_err(|error| {
        let line =
            error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        Failure::usage(format!("{}:{line}: the file is not UTF-8", file.display()), "save it as UTF-8")
    })?;
    let current_directory = std::env::current_dir().map_err(unreadable)?;
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let directory = parent.canonicalize().map_err(unreadable)?;
    let (set, environment) = (common.set.clone(), BTreeSet::new());
    let store = std::path::absolute(&common.store).map_err(unreadable)?;
    let mut origin = Origin { file: file.to_owned(), text, set, environment, directory, current_directory };
    let used = RefCell::new(BTreeSet::new());
    let pipeline = origin.load(&|name| {
        used.borrow_mut().insert(name.to_owned());
        std::env::var(name).ok()
    })?;
    origin.environment = used.into_inner();
    let (schemas, targets) = (check(&pipeline), check_targets(&pipeline, &resolved(&store)));
    match (schemas, targets) {
        (Ok(schemas), Ok(())) => Ok(Checked { origin, pipeline, schemas }),
        (schemas, targets) => {
            let errors = [schemas.err(), targets.err()].into_iter().flatten().flatten();
            Err(Failure::Pipeline(errors.collect()))
        }
    }
}

/// Loads and checks a pipeline that this program wrote, over files that people named.
#[cfg(feature = "plugins")]
pub(crate) fn load_written(file: &Path, text: String, directory: PathBuf) -> Result<Checked, Failure> {
    let (set, environment, current_directory) = (Vec::new(), BTreeSet::new(), directory.clone());
    Origin { file: file.to_owned(), text, set, environment, directory, current_directory }.check()
}

impl Origin {
    /// Loads and checks the pipeline as it was loaded before, with the environment as it is now. Targets of exports are not
    /// looked at: whoever asks writes elsewhere, or carries out what was checked.
    pub(crate) fn check(self) -> Result<Checked, Failure> {
        let missing: Vec<&str> =
            self.environment.iter().map(String::as_str).filter(|name| std::env::var(name).is_err()).collect();
        if !missing.is_empty() {
            return Err(Failure::usage(
                format!("the run needs environment variables that are not set: {}", missing.join(", ")),
                "set them as they were when the run began: a run keeps their names, not their values",
            ));
        }
        let pipeline = self.load(&|name| std::env::var(name).ok())?;
        let schemas = check(&pipeline).map_err(faults)?;
        Ok(Checked { origin: self, pipeline, schemas })
    }

    fn load(&self, environment: &dyn Fn(&str) -> Option<String>) -> Result<Pipeline, Failure> {
        let options = LoadOptions {
            set: &self.set,
            environment,
            directory: &self.directory,
            current_directory: &self.current_directory,
        };
        load(&self.text, &self.file, &options, &registry()).map_err(faults)
    }
}

/// Names; of runs of earlier versions, which had values beside them, these are passed over.
fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<String>, D::Error> {
    struct Names;

    impl<'de> Visitor<'de> for Names {
        type Value = BTreeSet<String>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("names of environment variables")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Self::Value, A::Error> {
            iter::from_fn(|| names.next_element().transpose()).collect()
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
            iter::from_fn(|| entries.next_entry::<String, IgnoredAny>().transpose())
                .map(|entry| entry.map(|(name, _)| name))
                .collect()
        }
    }

    deserializer.deserialize_any(Names)
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
