//! From shards to a stage's dataset: composing needs no data, only references.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::job::Job;
use super::part::StageWork;
use crate::artifact::Artifact;
use crate::dataset::{ColumnFiles, Dataset, Facts, Lineage, Selection, Shard};
use crate::stage::{Context, StageError};
use crate::store::{Aside, AsideRows, Commit};
use crate::trajectory::TrajectorySchema;

/// The datasets one after the other. They must have the same columns, which `check` saw to. How groups lie in the
/// whole is not known.
pub(crate) fn concatenated(datasets: &[Arc<Dataset>]) -> Option<Dataset> {
    let (first, others) = datasets.split_first()?;
    let mut all = first.as_ref().clone();
    for other in others {
        all.shards.extend(other.shards.iter().cloned());
        all.facts = Facts::default();
        for step in &other.lineage {
            if !all.lineage.contains(step) {
                all.lineage.push(step.clone());
            }
        }
    }
    Some(all)
}

/// Metrics, highlights and warnings of all parts, in their order.
pub(crate) fn context_of(commits: &[Arc<Commit>]) -> Context {
    Context::of_all(commits.iter().map(|commit| &commit.context))
}

/// The stage's dataset `out`.
pub(crate) fn dataset_of(job: &Job<'_>, work: &StageWork, shards: Vec<Shard>) -> Dataset {
    dataset_of_shards(job, work, (job.output.clone(), shards))
}

/// A dataset of the stage, with this schema.
pub(crate) fn dataset_of_shards(
    job: &Job<'_>,
    work: &StageWork,
    (schema, mut shards): (TrajectorySchema, Vec<Shard>),
) -> Dataset {
    let mut columns: Option<ColumnFiles> = None;
    for shard in &mut shards {
        normalise(shard);
        // Most often the same columns lie in the same files of every shard.
        columns.iter().for_each(|before| shard.columns.share_with(before));
        columns = Some(shard.columns.clone());
    }
    let (root, facts) = (work.inputs.data.root.clone(), work.inputs.data.facts);
    Dataset { root, schema, shards, facts, lineage: lineage(job, work) }
}

/// Takes the rows that a part put aside out of its shards.
pub(crate) fn take_out(shards: &mut [Shard], part_shards: &[usize], aside: &[Aside]) -> Result<(), StageError> {
    for aside in aside {
        if let AsideRows::Existing { shard, selection, .. } = &aside.rows {
            let shard = part_shards.get(*shard).and_then(|index| shards.get_mut(*index));
            let shard = shard.ok_or_else(unfitting)?;
            let present = shard.selection.take().unwrap_or_else(|| Selection::first(shard.base_rows()));
            shard.selection = Some(present.without(selection));
        }
    }
    Ok(())
}

/// The way of what a stage hands on.
pub(crate) fn lineage(job: &Job<'_>, work: &StageWork) -> Vec<Arc<Lineage>> {
    let mut lineage = work.inputs.data.lineage.clone();
    for (_, artifact) in &work.inputs.beside {
        if let Artifact::Dataset(dataset) = artifact {
            let new: Vec<_> = dataset.lineage.iter().filter(|step| !lineage.contains(step)).cloned().collect();
            lineage.extend(new);
        }
    }
    let (stage, uses, options) = (job.name.to_owned(), job.uses.to_owned(), job.options.to_owned());
    lineage.push(Arc::new(Lineage { stage, uses, options }));
    lineage
}

/// Forgets files that no column lies in any more, and a selection of every row.
fn normalise(shard: &mut Shard) {
    let used: BTreeSet<usize> = shard.columns.values().copied().collect();
    if used.len() < shard.files.len() {
        let moved: BTreeMap<usize, usize> = used.iter().enumerate().map(|(now, before)| (*before, now)).collect();
        shard.columns.values_mut().for_each(|index| *index = moved.get(index).copied().unwrap_or(*index));
        let files = std::mem::take(&mut shard.files).into_iter().enumerate();
        shard.files = files.filter(|(index, _)| used.contains(index)).map(|(_, file)| file).collect();
    }
    if shard.selection.as_ref().is_some_and(|selection| selection.rows() == shard.base_rows()) {
        shard.selection = None;
    }
}

/// Narrows the shards to these rows and leaves out shards without any.
pub(crate) fn narrowed(mut dataset: Dataset, selections: Vec<Selection>) -> Dataset {
    for (shard, selection) in dataset.shards.iter_mut().zip(selections) {
        shard.selection = Some(selection);
        normalise(shard);
    }
    dataset.shards.retain(|shard| shard.rows() > 0);
    dataset
}

pub(crate) fn unfitting() -> StageError {
    StageError::new("a stored result does not fit the shards of its input")
}
