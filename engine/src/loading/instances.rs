//! Which stages of a pipeline run, and in which iterations: a loop is unrolled before anything runs, so that what runs is a
//! graph without circles.

use super::error::LoadError;
use super::iteration::Iteration;
use super::turn::may_run;
use crate::pipeline::{InputReference, OutputReference, Pipeline, StageNode};
use crate::run::JobInput;

/// A stage that runs, in an iteration if it is repeated.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    /// Index of the stage in the pipeline.
    pub(super) stage: usize,
    /// The iteration; `None`: it is not repeated.
    pub(super) iteration: Option<u64>,
    /// What it reads: positions among the instances.
    pub(super) inputs: Vec<JobInput>,
}

/// All stages that run, inputs before those who take them.
///
/// # Errors
/// If a stage reads another that `when` leaves out.
pub(super) fn instances(pipeline: &Pipeline, iterations: &[Iteration]) -> Result<Vec<Instance>, LoadError> {
    let looping = pipeline.repeat.as_ref();
    let repeated: &[usize] = looping.map_or(&[], |looping| looping.stages.as_slice());
    let mut found: Vec<Instance> = Vec::new();
    let mut newest: Vec<Option<usize>> = vec![None; pipeline.stages.len()];
    for stage in pipeline.order.iter().filter(|stage| !repeated.contains(stage)) {
        let Some(node) = pipeline.stages.get(*stage).filter(|node| node.built.is_some()) else { continue };
        if may_run(node, 0, None, pipeline)? {
            let inputs = inputs_of(pipeline, (*stage, node), None, (&newest, &newest))?;
            newest[*stage] = Some(found.len());
            found.push(Instance { stage: *stage, iteration: None, inputs });
        }
    }
    for iteration in 0..looping.map_or(0, |looping| looping.times) {
        let before = newest.clone();
        let of = usize::try_from(iteration).ok().and_then(|number| number.checked_sub(1));
        let nodes = of.and_then(|number| iterations.get(number)).map_or(pipeline, |of| &of.pipeline);
        for stage in repeated {
            let Some(node) = nodes.stages.get(*stage).filter(|node| node.built.is_some()) else { continue };
            if may_run(node, iteration, looping, pipeline)? {
                let inputs = inputs_of(pipeline, (*stage, node), Some(iteration), (&newest, &before))?;
                newest[*stage] = Some(found.len());
                found.push(Instance { stage: *stage, iteration: Some(iteration), inputs });
            }
        }
    }
    Ok(found)
}

/// What an instance reads. `newest`: for each stage its newest instance; `before`: that at the end of the iteration before.
fn inputs_of(
    pipeline: &Pipeline,
    (stage, node): (usize, &StageNode),
    iteration: Option<u64>,
    (newest, before): (&[Option<usize>], &[Option<usize>]),
) -> Result<Vec<JobInput>, LoadError> {
    let ports = node.built.as_ref().map(|built| built.stage.ports()).unwrap_or_default();
    let mut inputs = Vec::with_capacity(node.inputs.len());
    for reference in &node.inputs {
        let InputReference { first, carried, port, .. } = reference;
        let was_carried = |carried: &OutputReference| before.get(carried.stage).copied().flatten().is_some();
        let is_first = iteration.unwrap_or(0) == 0;
        let (output, known) = match (is_first, first, carried) {
            (false, first, Some(carried)) if first.is_none() || was_carried(carried) => (carried, before),
            (_, Some(first), _) => (first, newest),
            // A new name carries nothing into the first iteration.
            (_, None, _) => continue,
        };
        let is_open = |stage: usize| {
            let when = pipeline.stages.get(stage).and_then(|node| node.when.as_ref());
            let may_end = pipeline.repeat.as_ref().is_some_and(|looping| looping.until.is_some());
            may_end && when.is_some_and(|when| when.names().contains(&"last"))
        };
        let is_of_before = known.get(output.stage) == before.get(output.stage);
        if is_of_before
            && iteration.is_some()
            && is_open(output.stage)
            && known.get(output.stage).is_some_and(Option::is_some)
        {
            let name = pipeline.stages.get(output.stage).map_or("", |node| node.name.as_str());
            let message = format!(
                "`{}` may take what `{name}` makes in an iteration before, which nobody knows to be the last",
                node.name
            );
            let error = pipeline.stage_error(stage, message);
            return Err(LoadError::faults(vec![error.help("give both the same `when`, or leave `until` out")]));
        }
        match known.get(output.stage).copied().flatten() {
            Some(job) => {
                inputs.push(JobInput { port: port.clone(), job, output: output.output.clone() });
            }
            None if ports.inputs.iter().any(|known| known.name == port && known.optional) => {}
            None => {
                let name = pipeline.stages.get(output.stage).map_or("", |node| node.name.as_str());
                let of = iteration.map_or(String::new(), |iteration| format!(" up to iteration {iteration}"));
                let message = format!("`{}` takes what `{name}` makes, which `when` leaves out{of}", node.name);
                let error = pipeline.stage_error(stage, message);
                return Err(LoadError::faults(vec![
                    error.help("give both the same `when`, or let the one that is read run first"),
                ]));
            }
        }
    }
    Ok(inputs)
}
