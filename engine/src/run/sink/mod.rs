//! Sinks: a dataset is written somewhere outside, all of it in one part.

mod export;
mod export_manifest;
mod found;

use self::found::Found;
use super::compose::unfitting;
use super::keys::{digest, shard_parts};
use super::part::{Draft, StageWork};
use super::scope::RunScope;
use super::shape::{Composed, Composing, Cut, Cutting, Done, ShapeRun};
use super::task::{Step, Task};
use super::watch::Watch;
use crate::dataset::Shard;
use crate::stage::{ExportedFile, Sink, StageError, Target};
use crate::store::Outcome;
use crate::targets::Surroundings;

/// One part with all shards of the input.
pub(crate) fn cut(sink: &dyn Sink, cutting: &Cutting<'_>) -> Result<Cut, StageError> {
    let Cutting { inputs, options, common, .. } = cutting;
    let input = &inputs.data;
    let all: Vec<&Shard> = input.shards.iter().collect();
    let mut parts = (*common).clone();
    shard_parts(&mut parts, &input.schema.paths(), &all)?;
    parts.add("schema", digest(format!("{:?}", input.schema.arrow())));
    parts.add("lineage", digest(format!("{:?}", input.lineage)));
    let target = target(sink, options.results.limit).path;
    parts.add("target", target.to_string_lossy());
    if let Some(groups) = options.results.limit {
        parts.add("sample", groups.to_string());
    }
    let draft = Draft { label: target.display().to_string(), shards: (0..all.len()).collect(), parts };
    Ok(Cut { drafts: vec![draft], ..Cut::default() })
}

/// Where a sink writes to, given how many groups it gets if not all.
fn target(sink: &dyn Sink, limit: Option<u64>) -> Target {
    limit.map_or_else(|| sink.target(), |groups| sink.sample(groups).target())
}

/// A sink with its input.
pub(crate) struct SinkRun<'a> {
    scope: &'a RunScope<'a>,
    work: &'a StageWork,
    sink: &'a dyn Sink,
}

impl<'a> SinkRun<'a> {
    pub(crate) fn new(scope: &'a RunScope<'a>, work: &'a StageWork, sink: &'a dyn Sink) -> Self {
        Self { scope, work, sink }
    }
}

impl ShapeRun for SinkRun<'_> {
    /// Somebody may have made a link since the target was checked.
    fn may_begin(&self, surroundings: &Surroundings<'_>, index: usize) -> Result<(), StageError> {
        let all: Vec<usize> = (0..surroundings.stages.len()).collect();
        let target = target(self.sink, self.scope.options.results.limit);
        match surroundings.refusal(index, &target, &all) {
            None => Ok(()),
            Some(refusal) => Err(StageError::new(refusal.message).help(refusal.help)),
        }
    }

    fn compute(&self, task: &Task, watch: &Watch<'_>, done: &mut Done<'_>) -> Result<(), StageError> {
        let (Step::Map, Some(part)) = (task.step, self.work.parts.get(task.part)) else { return Err(task.unknown()) };
        if part.commit.is_none() {
            let limit = self.scope.options.results.limit;
            let sample = limit.map(|groups| self.sink.sample(groups));
            let sink = sample.as_deref().unwrap_or(self.sink);
            export::run_part(sink, limit, &self.work.inputs, part, self.scope.store, watch)?;
        }
        done(task.part)
    }
}

/// What was written.
pub(crate) fn compose(composing: &Composing<'_>) -> Result<Composed, StageError> {
    let [commit] = composing.commits else { return Err(unfitting()) };
    let Outcome::Exported(exported) = &commit.outcome else { return Err(unfitting()) };
    Ok(Composed { exported: Some(exported.clone()), ..Composed::default() })
}

/// Whether what was exported still lies where it was written, byte for byte.
pub(crate) fn is_intact(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Exported(exported) => exported.files.iter().all(is_as_written),
        _ => true,
    }
}

/// Whether an exported file is there, byte for byte, and no link.
pub(crate) fn is_as_written(file: &ExportedFile) -> bool {
    let has_length = std::fs::symlink_metadata(&file.path).is_ok_and(|metadata| metadata.len() == file.bytes);
    has_length && matches!(Found::at(&file.path), Ok(Found::File(seen)) if seen.digest == file.digest)
}
