//! Stages that see all their inputs at once: one part, which fills all outputs.

mod outputs;

use std::sync::Arc;

use self::outputs::Filling;
use super::compose::{dataset_of_shards, unfitting};
use super::grouping::grouping;
use super::host::TaskHost;
use super::job::Job;
use super::keys::{digest, shard_parts};
use super::part::{Draft, Part, StageWork};
use super::scope::RunScope;
use super::shape::{Composed, Composing, Cut, Cutting, Done, ShapeRun};
use super::task::{Step, Task};
use super::watch::Watch;
use crate::artifact::{Artifact, ArtifactKind, Inputs};
use crate::contract::Effect;
use crate::dataset::{Dataset, FilesRead, Shard};
use crate::stage::{Context, StageError, TaskContext, Whole};
use crate::store::{Commit, Outcome, StoredArtifact};
use crate::trajectory::TrajectorySchema;

/// One part with all that comes in.
pub(crate) fn cut(whole: &dyn Whole, cutting: &Cutting<'_>) -> Result<Cut, StageError> {
    let Cutting { inputs, common, job, store, .. } = cutting;
    let all: Vec<&Shard> = inputs.data.shards.iter().collect();
    let mut parts = (*common).clone();
    let schema = seen(job, inputs);
    shard_parts(&mut parts, &schema.paths(), &all)?;
    parts.add("schema", digest(format!("{:?}", schema.arrow())));
    for (name, value) in whole.outside(*store)? {
        parts.add(name, value);
    }
    let draft = Draft { label: job.name.to_owned(), shards: (0..all.len()).collect(), parts };
    Ok(Cut { drafts: vec![draft], ..Cut::default() })
}

/// The columns of the data that the stage sees: those that it reads, unless rows go on as they are.
fn seen(job: &Job<'_>, inputs: &Inputs) -> TrajectorySchema {
    let hands_rows_on = match &job.contract.effect {
        Effect::Whole(outputs) => outputs.iter().any(|(_, artifact)| artifact.kind() == ArtifactKind::Dataset),
        _ => true,
    };
    match hands_rows_on {
        true => inputs.data.schema.clone(),
        false => inputs.data.schema.project(&job.contract.reads),
    }
}

/// Such a stage with its inputs.
pub(crate) struct WholeRun<'a> {
    scope: &'a RunScope<'a>,
    job: &'a Job<'a>,
    work: &'a StageWork,
    whole: &'a dyn Whole,
}

impl<'a> WholeRun<'a> {
    pub(crate) fn new(scope: &'a RunScope<'a>, job: &'a Job<'a>, work: &'a StageWork, whole: &'a dyn Whole) -> Self {
        Self { scope, job, work, whole }
    }

    fn run(&self, part: &Part, watch: &Watch<'_>) -> Result<(), StageError> {
        let (store, all) = (self.scope.store, &self.work.inputs);
        let schema = seen(self.job, all);
        let inputs =
            &Inputs { data: Arc::new(Dataset { schema, ..Dataset::clone(&all.data) }), beside: all.beside.clone() };
        let read = FilesRead::begin(shards_of(inputs))?;
        let _taken = self.scope.budget.take(self.whole.held_bytes(inputs));
        watch.begin();
        let attempt = store.attempt(&part.key)?;
        let mut context = Context::default();
        let host = TaskHost::new(self.scope, watch, Some(&part.key));
        let mut filling = Filling::new(self.job, &attempt);
        self.whole.run(&TaskContext::new(inputs, &host), &mut filling, &mut context)?;
        let outputs = filling.finish()?;
        self.job.stage.unchanged()?;
        read.unchanged()?;
        unchanged_policies(inputs)?;
        let outcome = Outcome::Artifacts(outputs);
        store.commit(Some(attempt), Commit::new(part.parts.clone(), outcome, context))?;
        store.forget_checkpoints(&part.key)?;
        Ok(())
    }
}

impl ShapeRun for WholeRun<'_> {
    fn compute(&self, task: &Task, watch: &Watch<'_>, done: &mut Done<'_>) -> Result<(), StageError> {
        let (Step::Map, Some(part)) = (task.step, self.work.parts.get(task.part)) else { return Err(task.unknown()) };
        if part.commit.is_none() {
            self.run(part, watch)?;
        }
        done(task.part)
    }
}

/// The shards of all datasets that come in.
fn shards_of(inputs: &Inputs) -> impl Iterator<Item = &Shard> {
    let beside = inputs.beside.iter().filter_map(|(_, artifact)| match artifact {
        Artifact::Dataset(dataset) => Some(&dataset.shards),
        _ => None,
    });
    [&inputs.data.shards].into_iter().chain(beside).flatten()
}

/// Whether policies that lie outside of the store are what they were when their keys were made.
pub(super) fn unchanged_policies(inputs: &Inputs) -> Result<(), StageError> {
    inputs.beside.iter().try_for_each(|(_, artifact)| match artifact {
        Artifact::Policy(policy) => policy.unchanged(),
        _ => Ok(()),
    })
}

/// What the outputs were filled with.
pub(crate) fn compose(composing: &Composing<'_>) -> Result<Composed, StageError> {
    let Composing { job, work, commits, store, options, .. } = composing;
    let [commit] = commits else { return Err(unfitting()) };
    let Outcome::Artifacts(filled) = &commit.outcome else { return Err(unfitting()) };
    let mut outputs = Vec::with_capacity(filled.len());
    for (name, stored) in filled {
        let artifact = match stored {
            StoredArtifact::Policy(policy) => Artifact::Policy(Arc::new(policy.clone().in_store(store.root()))),
            StoredArtifact::Table(table) => Artifact::Table(Arc::new(table.clone().in_store(store.root()))),
            StoredArtifact::Dataset(shards) => {
                let schema = job.dataset_type(name).ok_or_else(unfitting)?;
                let mut dataset = dataset_of_shards(job, work, (schema.clone(), shards.clone()));
                dataset.facts = grouping(&dataset, store, options.memory)?.facts;
                Artifact::Dataset(Arc::new(dataset))
            }
        };
        outputs.push((name.clone(), artifact));
    }
    Ok(Composed { outputs, ..Composed::default() })
}
