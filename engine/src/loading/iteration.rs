//! The iterations of a loop: each has its stages built anew, with its own number where their options or what they draw
//! depend on it, and its own types, which follow from those of the iteration before.

use std::collections::BTreeSet;

use super::error::LoadError;
use super::origin::Origin;
use super::turn::may_run;
use crate::artifact::ArtifactType;
use crate::pipeline::{
    Diagnostic, Fed, InputReference, Looping, OutputReference, Pipeline, StageTypes, check_stage, instance_name,
};
use crate::stage::{Registry, Work};

/// An iteration but the first, whose stages are those of the pipeline.
#[derive(Debug)]
pub struct Iteration {
    /// The pipeline, of which only the stages that are repeated are built.
    pub(super) pipeline: Pipeline,
    /// What goes into them and comes out.
    pub(super) types: Vec<StageTypes>,
    /// What all stages are called in it.
    pub(super) names: Vec<String>,
}

/// What all stages are called in an iteration.
pub(super) fn names_in(pipeline: &Pipeline, iteration: u64) -> Vec<String> {
    pipeline.stages.iter().map(|stage| instance_name(&stage.name, iteration)).collect()
}

/// Types of outputs, by stage: of each those of its newest instance.
struct Newest(Vec<Option<Vec<(String, ArtifactType)>>>);

impl Newest {
    fn of(pipeline: &Pipeline) -> Self {
        Self(vec![None; pipeline.stages.len()])
    }

    fn put(&mut self, types: &StageTypes) {
        if let Some(place) = self.0.get_mut(types.stage) {
            *place = Some(types.outputs.clone());
        }
    }

    fn output(&self, reference: &OutputReference) -> Option<&ArtifactType> {
        let outputs = self.0.get(reference.stage)?.as_ref()?;
        outputs.iter().find(|(name, _)| *name == reference.output).map(|(_, artifact)| artifact)
    }
}

/// All iterations but the first, loaded and checked.
///
/// # Errors
/// Every stage whose inputs do not fit it in some iteration, of the first such.
pub(super) fn iterations(
    origin: &Origin,
    pipeline: &Pipeline,
    types: &[StageTypes],
    environment: &dyn Fn(&str) -> Option<String>,
    registry: &Registry,
) -> Result<Vec<Iteration>, LoadError> {
    let Some(looping) = &pipeline.repeat else { return Ok(Vec::new()) };
    let name = |stage: &usize| pipeline.stages.get(*stage).map(|stage| stage.name.clone());
    let only: BTreeSet<String> = looping.stages.iter().filter_map(name).collect();
    let mut newest = Newest::of(pipeline);
    for types in types {
        let Some(node) = pipeline.stages.get(types.stage) else { continue };
        if !looping.stages.contains(&types.stage) || may_run(node, 0, Some(looping), pipeline)? {
            newest.put(types);
        }
    }
    let mut iterations: Vec<Iteration> = Vec::new();
    for number in 1..looping.times {
        let mut own = origin.load(environment, registry, (number, Some(&only)))?;
        // Names were resolved where all stages were built.
        for (node, first) in own.stages.iter_mut().zip(&pipeline.stages) {
            node.inputs.clone_from(&first.inputs);
        }
        let before = Newest(newest.0.clone());
        let mut found: Vec<StageTypes> = Vec::with_capacity(looping.stages.len());
        for stage in &looping.stages {
            let Some(node) = own.stages.get(*stage) else { continue };
            let fed = |reference: &InputReference| {
                // Where nothing was carried yet, what serves the first iteration serves on.
                let carried = reference.carried.as_ref().and_then(|carried| before.output(carried));
                let known = carried.or_else(|| newest.output(reference.first.as_ref()?));
                // Whether anything must come in is told where the instances are made.
                known.map_or(Fed::Nothing, Fed::Known)
            };
            let checked = check_stage(&own, *stage, node, &fed).map_err(|errors| {
                let told = |mut error: Diagnostic| {
                    error.message = format!("{} (in iteration {number})", error.message);
                    error
                };
                LoadError::faults(errors.into_iter().map(told).collect())
            })?;
            if may_run(node, number, Some(looping), pipeline)? {
                checked.iter().for_each(|types| newest.put(types));
            }
            found.extend(checked);
        }
        let names = names_in(pipeline, number);
        iterations.push(Iteration { pipeline: own, types: found, names });
    }
    one_place_each(pipeline, &iterations, looping)?;
    Ok(iterations)
}

/// A sink that writes to the same place in every iteration would leave the last one's, and in between each other's.
fn one_place_each(pipeline: &Pipeline, iterations: &[Iteration], looping: &Looping) -> Result<(), LoadError> {
    let Some(second) = iterations.first() else { return Ok(()) };
    for stage in &looping.stages {
        let nodes = [pipeline.stages.get(*stage), second.pipeline.stages.get(*stage)];
        let targets: Vec<_> = nodes
            .into_iter()
            .flatten()
            .filter_map(|node| match node.built.as_ref()?.stage.work() {
                Work::Sink(sink) => Some(sink.target().path),
                _ => None,
            })
            .collect();
        let waits = pipeline
            .stages
            .get(*stage)
            .and_then(|node| node.when.as_ref())
            .is_some_and(|when| when.names().contains(&"last"));
        if let [first, second] = targets.as_slice()
            && first == second
            && !waits
        {
            let message = format!("every iteration would write to `{}`", first.display());
            let error = pipeline.stage_error(*stage, message);
            return Err(LoadError::faults(vec![error.help("write `when: last`, or have `${iteration}` in the name")]));
        }
    }
    Ok(())
}
