//! A pipeline whose contracts hold, as jobs.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

use super::error::LoadError;
use super::instances::{Instance, instances};
use super::iteration::{Iteration, iterations, names_in};
use super::origin::Origin;
use crate::failure::reason;
use crate::pipeline::{Diagnostic, MAXIMUM_BYTES, Pipeline, StageNode, StageTypes, check, check_targets};
use crate::place::resolved;
use crate::regular_file;
use crate::run::{Job, LoopControl, LoopTurn};
use crate::stage::Registry;

/// What a pipeline's file is loaded with.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// `params.NAME=VALUE`, as `--set` takes them.
    pub set: &'a [String],
    /// The store that results will go to: nothing of the pipeline may write into it.
    pub store: &'a Path,
    /// What `uses` may name.
    pub registry: &'a Registry,
}

/// A pipeline whose contracts hold.
pub struct Checked {
    /// What it was loaded from.
    pub origin: Origin,
    /// The pipeline.
    pub pipeline: Pipeline,
    /// What reaches its stages and what they hand on, inputs first; of those that are repeated, in the first iteration.
    pub types: Vec<StageTypes>,
    /// The further iterations of its loop.
    pub iterations: Vec<Iteration>,
    /// What its stages are called in the first iteration.
    names: Vec<String>,
    instances: Vec<Instance>,
}

impl Origin {
    /// Loads and checks the pipeline of a file.
    ///
    /// # Errors
    /// If the file cannot be read, and every fault of the pipeline.
    pub fn read_and_check(file: &Path, surroundings: &Surroundings<'_>) -> Result<Checked, LoadError> {
        let unreadable = |error: std::io::Error| LoadError::Origin {
            message: format!("cannot read `{}`: {}", file.display(), reason(&error)),
            help: None,
        };
        let text = regular_file::read(file, MAXIMUM_BYTES as u64).map_err(unreadable)?;
        let text = String::from_utf8(text).map_err(|error| {
            let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            LoadError::origin(format!("{}:{line}: the file is not UTF-8", file.display()), "save it as UTF-8")
        })?;
        let current_directory = std::env::current_dir().map_err(unreadable)?;
        let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let directory = parent.canonicalize().map_err(unreadable)?;
        let store = std::path::absolute(surroundings.store).map_err(unreadable)?;
        let (set, environment) = (surroundings.set.to_vec(), BTreeSet::new());
        let mut origin = Self { file: file.to_owned(), text, set, environment, directory, current_directory };
        let used = RefCell::new(BTreeSet::new());
        let environment = |name: &str| {
            used.borrow_mut().insert(name.to_owned());
            std::env::var(name).ok()
        };
        let pipeline = origin.load(&environment, surroundings.registry, (0, None))?;
        origin.environment = used.borrow().clone();
        let (types, targets) = (check(&pipeline), check_targets(&pipeline, &resolved(&store)));
        match (types, targets) {
            (Ok(types), Ok(())) => origin.unrolled((pipeline, types), &environment, surroundings.registry),
            (types, targets) => {
                Err(LoadError::faults([types.err(), targets.err()].into_iter().flatten().flatten().collect()))
            }
        }
    }

    /// Loads and checks the pipeline as it was loaded before, with the environment as it is now. Targets of exports are not
    /// looked at: whoever asks writes elsewhere, or carries out what was checked.
    ///
    /// # Errors
    /// If an environment variable is gone, and every fault of the pipeline.
    pub fn check(self, registry: &Registry) -> Result<Checked, LoadError> {
        let missing: Vec<&str> =
            self.environment.iter().map(String::as_str).filter(|name| std::env::var(name).is_err()).collect();
        if !missing.is_empty() {
            return Err(LoadError::origin(
                format!("the run needs environment variables that are not set: {}", missing.join(", ")),
                "set them as they were when the run began: a run keeps their names, not their values",
            ));
        }
        let environment = |name: &str| std::env::var(name).ok();
        let pipeline = self.load(&environment, registry, (0, None))?;
        let types = check(&pipeline)?;
        self.unrolled((pipeline, types), &environment, registry)
    }

    /// A pipeline that is sound, with all iterations of its loop.
    fn unrolled(
        self,
        (pipeline, types): (Pipeline, Vec<StageTypes>),
        environment: &dyn Fn(&str) -> Option<String>,
        registry: &Registry,
    ) -> Result<Checked, LoadError> {
        let iterations = iterations(&self, &pipeline, &types, environment, registry)?;
        let instances = instances(&pipeline, &iterations)?;
        let names = names_in(&pipeline, 0);
        Ok(Checked { origin: self, pipeline, types, iterations, names, instances })
    }
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
        let job = |instance: &Instance| {
            let number = instance.iteration.unwrap_or(0);
            let iteration = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
            let iteration = iteration.and_then(|before| self.iterations.get(before));
            let (pipeline, types, names) = match iteration {
                Some(of) => (&of.pipeline, &of.types, &of.names),
                None => (&self.pipeline, &self.types, &self.names),
            };
            let node = pipeline.stages.get(instance.stage)?;
            let types = types.iter().find(|types| types.stage == instance.stage)?;
            let built = node.built.as_ref()?;
            let name = match instance.iteration {
                Some(_) => names.get(instance.stage)?,
                None => &node.name,
            };
            Some(Job {
                name,
                uses: &node.uses,
                kind: &built.kind,
                version: built.version,
                options: &built.options,
                stage: built.stage.as_ref(),
                inputs: instance.inputs.clone(),
                contract: types.contract.clone(),
                output: types.contract.output(types.inputs.data()),
                cache: node.cache,
                failure: node.failure,
                turn: instance.iteration.map(|iteration| self.turn(instance.stage, node, iteration)),
            })
        };
        let jobs = self.instances.iter().filter_map(job);
        Ok(jobs.collect())
    }

    /// What the loop has to do with a stage of an iteration.
    fn turn<'a>(&'a self, stage: usize, node: &'a StageNode, iteration: u64) -> LoopTurn<'a> {
        let looping = self.pipeline.repeat.iter();
        let carried = looping.flat_map(|looping| &looping.carried).filter(|output| output.stage == stage);
        let carries = carried.map(|output| output.output.as_str()).collect();
        LoopTurn { stage: &self.pipeline.stages[stage].name, iteration, when: node.when.as_ref(), carries }
    }

    /// How the loop is to be carried out, if there is one.
    pub fn loop_control(&self) -> Option<LoopControl<'_>> {
        let looping = self.pipeline.repeat.as_ref()?;
        Some(LoopControl { looping, params: &self.pipeline.params })
    }
}
