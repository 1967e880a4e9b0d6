//! Whether a stage has its turn in an iteration, before anything runs.

use super::error::LoadError;
use crate::condition::Scalar;
use crate::pipeline::{Looping, Pipeline, StageNode, find_scalar};

/// Whether a stage runs in an iteration, as far as that is known before: where only the run can tell which iteration is the
/// last, it may run in each.
pub(super) fn may_run(
    node: &StageNode,
    iteration: u64,
    looping: Option<&Looping>,
    pipeline: &Pipeline,
) -> Result<bool, LoadError> {
    let Some(when) = &node.when else { return Ok(true) };
    let times = looping.map_or(1, |looping| looping.times);
    let is_last = iteration + 1 == times;
    let holds = |is_last: bool| {
        when.holds(&|name: &str| match name {
            "iteration" => Scalar::Number(iteration as f64),
            "last" => Scalar::Truth(is_last),
            other => find_scalar(&pipeline.params, other).unwrap_or(Scalar::Null),
        })
    };
    let may_end = looping.is_some_and(|looping| looping.until.is_some());
    let found = match (holds(is_last), holds(true)) {
        (Ok(now), Ok(at_last)) => Ok(now || (may_end && at_last)),
        (Err(problem), _) | (_, Err(problem)) => Err(problem),
    };
    found.map_err(|problem| {
        let stage = pipeline.stages.iter().position(|known| known.name == node.name).unwrap_or_default();
        let error = pipeline.stage_error(stage, problem.message);
        LoadError::faults(vec![match problem.help {
            Some(help) => error.help(help),
            None => error,
        }])
    })
}
