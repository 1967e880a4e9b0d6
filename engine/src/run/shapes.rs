//! Which shape a stage's work has: only here is asked. How it is cut into parts, carried out and put together again is told
//! in a folder for each.

use super::job::Job;
use super::keys::{beside_parts, common_parts};
use super::options::RunOptions;
use super::part::{Part, StageWork};
use super::scope::RunScope;
use super::shape::{Composed, Composing, Cut, Cutting, ShapeRun};
use super::{sink, source, transform, whole};
use crate::artifact::Inputs;
use crate::stage::{StageError, Work};
use crate::store::Store;

/// Cuts a stage's work into parts, and looks which of them have their results.
pub(crate) fn cut(
    job: &Job<'_>,
    inputs: Inputs,
    (store, run): (&Store, &str),
    options: &RunOptions,
) -> Result<StageWork, StageError> {
    let mut common = common_parts(job, run);
    beside_parts(&mut common, &inputs)?;
    let cutting = Cutting { job, inputs: &inputs, store, options, common: &common };
    let Cut { drafts, survey, is_gathered } = match job.stage.work() {
        Work::Source(source) => source::cut(source, &cutting)?,
        Work::Transform(_) => transform::cut(&cutting)?,
        Work::Sink(sink) => sink::cut(sink, &cutting)?,
        Work::Whole(whole) => whole::cut(whole, &cutting)?,
    };
    let mut parts: Vec<Part> = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let part = Part::from(draft);
        let before = parts.last().and_then(|part| part.commit.as_ref());
        let commit = part.committed(store, before)?.filter(|commit| sink::is_intact(&commit.outcome));
        parts.push(Part { commit, ..part });
    }
    Ok(StageWork { inputs, survey, common, is_gathered, parts, memory: options.memory })
}

/// Begins work that was cut.
pub(crate) fn begin<'a>(scope: &'a RunScope<'a>, job: &'a Job<'a>, work: &'a StageWork) -> Box<dyn ShapeRun + 'a> {
    match job.stage.work() {
        Work::Source(source) => Box::new(source::SourceRun::new(scope, job, work, source)),
        Work::Transform(transform) => Box::new(transform::TransformRun::new(scope, job, work, transform)),
        Work::Sink(sink) => Box::new(sink::SinkRun::new(scope, work, sink)),
        Work::Whole(whole) => Box::new(whole::WholeRun::new(scope, job, work, whole)),
    }
}

/// Puts the results of all parts together: composing needs no data, only references.
pub(crate) fn compose(composing: &Composing<'_>) -> Result<Composed, StageError> {
    match composing.job.stage.work() {
        Work::Source(source) => source::compose(source, composing),
        Work::Transform(_) => transform::compose(composing),
        Work::Sink(_) => sink::compose(composing),
        Work::Whole(_) => whole::compose(composing),
    }
}
