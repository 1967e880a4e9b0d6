//! Transforms: batches are mapped to columns, to a choice of rows, or to copies of rows. Shard by shard where each has all
//! that the stage must see at once; else rows of all shards are brought together first.

mod apply;
mod columns;
mod gather;
mod relabel;
mod shard;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use self::gather::GatherWork;
use self::shard::TransformWork;
use super::compose::{dataset_of, take_out, unfitting};
use super::grouping::grouping;
use super::job::Job;
use super::keys::{digest, shard_parts};
use super::options::RunOptions;
use super::part::{Draft, StageWork};
use super::scope::RunScope;
use super::shape::{Composed, Composing, Cut, Cutting, Done, Execute, ShapeRun};
use super::task::{Step, Task};
use super::watch::Watch;
use crate::column::ColumnPath;
use crate::contract::{Effect, Keep, Scope};
use crate::dataset::{ColumnFiles, DataFile, Dataset, Shard, decoded_bytes};
use crate::stage::{StageError, Transform};
use crate::store::Outcome;

/// One part for each shard of the input.
pub(crate) fn cut(cutting: &Cutting<'_>) -> Result<Cut, StageError> {
    let Cutting { job, inputs, options, common, .. } = cutting;
    let input = &inputs.data;
    let reads = job.needs(&input.schema);
    let all: Vec<&Shard> = input.shards.iter().collect();
    let is_gathered = !is_by_shard(job, input, &reads, options)?;
    let mut begun = (*common).clone();
    if matches!(job.contract.effect, Effect::Relabelled { .. }) {
        begun.add("schema", digest(format!("{:?}", input.schema.arrow())));
    }
    if is_gathered {
        // Each part depends on all shards: what is to be known of them is digested once, whatever their number.
        shard_parts(&mut begun, &reads, &all)?;
    }
    let mut drafts = Vec::with_capacity(all.len());
    for (index, shard) in all.iter().enumerate() {
        let mut parts = begun.clone();
        if is_gathered {
            parts.add("shard", index.to_string());
        } else {
            shard_parts(&mut parts, &reads, &[shard])?;
        }
        drafts.push(Draft { label: shard.label.clone(), shards: vec![index], parts });
    }
    Ok(Cut { drafts, is_gathered, ..Cut::default() })
}

/// Whether each shard has all that the stage must see at once, and that is not too much.
fn is_by_shard(job: &Job<'_>, input: &Dataset, reads: &[ColumnPath], options: &RunOptions) -> Result<bool, StageError> {
    let is_complete = match job.contract.scope {
        Scope::Trajectory => return Ok(true),
        Scope::Group => input.facts.within_shards,
        Scope::Dataset => input.shards.len() < 2,
    };
    if !is_complete {
        return Ok(false);
    }
    for shard in &input.shards {
        if decoded_bytes(&input.root, &input.schema, shard, reads)? > options.results.partition_bytes {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A transform on its input.
pub(crate) struct TransformRun<'a> {
    scope: &'a RunScope<'a>,
    job: &'a Job<'a>,
    work: &'a StageWork,
    transform: &'a dyn Transform,
    gathering: OnceLock<GatherWork<'a>>,
}

impl<'a> TransformRun<'a> {
    pub(crate) fn new(
        scope: &'a RunScope<'a>,
        job: &'a Job<'a>,
        work: &'a StageWork,
        transform: &'a dyn Transform,
    ) -> Self {
        Self { scope, job, work, transform, gathering: OnceLock::new() }
    }

    fn on_shards(&self) -> TransformWork<'a> {
        TransformWork { job: self.job, transform: self.transform, inputs: &self.work.inputs, scope: self.scope }
    }

    fn gathering(&self) -> Result<&GatherWork<'a>, StageError> {
        if let Some(known) = self.gathering.get() {
            return Ok(known);
        }
        let gathering = GatherWork::new(self.on_shards(), &self.work.common, self.scope.exchange()?)?;
        Ok(self.gathering.get_or_init(|| gathering))
    }
}

impl ShapeRun for TransformRun<'_> {
    fn carry_out(&self, missing: Vec<usize>, execute: &Execute<'_>) -> Result<(), StageError> {
        if !self.work.is_gathered {
            return execute(Step::Map, missing);
        }
        execute(Step::Scatter, (0..self.work.inputs.data.shards.len()).collect())?;
        execute(Step::Group, (0..self.gathering()?.partitions()).collect())?;
        execute(Step::Gather, missing)
    }

    fn compute(&self, task: &Task, watch: &Watch<'_>, done: &mut Done<'_>) -> Result<(), StageError> {
        let part = || self.work.parts.get(task.part).ok_or_else(|| task.unknown());
        match (task.step, self.work.is_gathered) {
            (Step::Map, false) => {
                let part = part()?;
                if part.commit.is_none() {
                    self.on_shards().map(part, watch)?;
                }
            }
            (Step::Scatter, true) if task.part < self.work.inputs.data.shards.len() => {
                self.gathering()?.scatter(task.part, watch)?;
            }
            (Step::Group, true) if task.part < self.gathering()?.partitions() => {
                self.gathering()?.group(task.part, watch)?;
            }
            (Step::Gather, true) => {
                let part = part()?;
                if part.commit.is_none() {
                    self.gathering()?.gather(part, task.part == 0, watch)?;
                }
            }
            _ => return Err(task.unknown()),
        }
        done(task.part)
    }

    fn end(&self) {
        self.transform.end();
    }
}

/// The input's shards with what came out for each.
pub(crate) fn compose(composing: &Composing<'_>) -> Result<Composed, StageError> {
    let Composing { job, work, commits, .. } = composing;
    let mut shards: Vec<Shard> = work.inputs.data.shards.clone();
    // Behind the shard of this index.
    let mut copies: BTreeMap<usize, Shard> = BTreeMap::new();
    let mut beside = Beside { job, extended: None };
    for (part, commit) in work.parts.iter().zip(*commits) {
        match &commit.outcome {
            Outcome::Columns(files) => {
                for (index, file) in part.shards.iter().zip(files) {
                    beside.put(shards.get_mut(*index).ok_or_else(unfitting)?, file);
                }
            }
            Outcome::Relabelled { beside: file, copies: of_shard } => {
                let index = *part.shards.first().ok_or_else(unfitting)?;
                if let Some(file) = file {
                    beside.put(shards.get_mut(index).ok_or_else(unfitting)?, file);
                }
                copies.extend(of_shard.iter().map(|shard| (index, shard.clone())));
            }
            Outcome::Kept(selections) => {
                for (index, selection) in part.shards.iter().zip(selections) {
                    shards.get_mut(*index).ok_or_else(unfitting)?.selection = Some(selection.clone());
                }
            }
            Outcome::Shard(_) | Outcome::Exported(_) | Outcome::Exchanged(_) | Outcome::Artifacts(_) => {
                return Err(unfitting());
            }
        }
        take_out(&mut shards, &part.shards, &commit.aside)?;
    }
    if let Effect::Columns { drops, .. } = &job.contract.effect {
        for shard in &mut shards {
            drops.iter().for_each(|column| {
                shard.columns.remove(column);
            });
        }
    }
    if let Effect::Relabelled { keep, .. } = &job.contract.effect {
        let behind = |(index, original): (usize, Shard)| {
            [(*keep == Keep::Both).then_some(original), copies.remove(&index)].into_iter().flatten()
        };
        shards = shards.into_iter().enumerate().flat_map(behind).collect();
    }
    let mut dataset = dataset_of(job, work, shards);
    if matches!(job.contract.effect, Effect::Relabelled { .. }) {
        let found =
            grouping(&dataset, composing.store, composing.options.memory).map_err(|error| match error.trajectory {
                Some(_) => error.help("ids of copies begin with those of their originals: call the stage otherwise"),
                None => error,
            });
        dataset.facts = found?.facts;
    }
    Ok(Composed::of(dataset))
}

/// Puts files with the columns that a stage adds beside those of shards.
struct Beside<'a> {
    job: &'a Job<'a>,
    /// Where the columns of the last shard lay before and after: most often it is the same in every shard.
    extended: Option<(ColumnFiles, ColumnFiles)>,
}

impl Beside<'_> {
    fn put(&mut self, shard: &mut Shard, file: &DataFile) {
        shard.files.push(file.clone());
        let last = shard.files.len() - 1;
        let before = shard.columns.clone();
        match &self.extended {
            Some((same, after)) if *same == before => shard.columns = after.clone(),
            _ => {
                shard.columns.extend(self.job.adds().iter().map(|column| (column.path.clone(), last)));
                self.extended = Some((before, shard.columns.clone()));
            }
        }
    }
}
