//! From the results of a stage's parts to its dataset: composing needs no data, only references.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::in_place::with_state;
use super::job::Job;
use super::parts::{Part, StageWork};
use super::quarantine::take_out;
use crate::contract::{Effect, Keep};
use crate::dataset::{ColumnFiles, DataFile, Dataset, Facts, Lineage, Selection, Shard};
use crate::stage::{Context, ShardContent, StageError};
use crate::store::{Commit, Outcome};
use crate::trajectory::TrajectorySchema;

/// A dataset without shards: what a source reads.
pub(crate) fn nothing(root: &std::path::Path) -> Dataset {
    Dataset {
        root: root.to_owned(),
        schema: TrajectorySchema::empty(),
        shards: Vec::new(),
        facts: Facts { adjacent: true, within_shards: true },
        lineage: Vec::new(),
    }
}

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

/// The stage's dataset, from the results of its parts in their order.
pub(crate) fn compose(job: &Job<'_>, work: &StageWork, commits: &[Arc<Commit>]) -> Result<Dataset, StageError> {
    let mut shards: Vec<Shard> = work.input.shards.clone();
    // Behind the shard of this index.
    let mut copies: BTreeMap<usize, Shard> = BTreeMap::new();
    let mut extended: Option<(ColumnFiles, ColumnFiles)> = None;
    let mut adds = |shard: &mut Shard, file: &DataFile| {
        shard.files.push(file.clone());
        let last = shard.files.len() - 1;
        let before = shard.columns.clone();
        match &extended {
            // Most often the same columns lie in the same files of every shard.
            Some((same, after)) if *same == before => shard.columns = after.clone(),
            _ => {
                shard.columns.extend(job.adds().iter().map(|column| (column.path.clone(), last)));
                extended = Some((before, shard.columns.clone()));
            }
        }
    };
    for (part, commit) in work.parts.iter().zip(commits) {
        match &commit.outcome {
            Outcome::Shard(shard) => shards.push(as_surveyed(shard, work, part)),
            Outcome::Columns(files) => {
                for (index, file) in part.shards.iter().zip(files) {
                    adds(shards.get_mut(*index).ok_or_else(unfitting)?, file);
                }
            }
            Outcome::Relabelled { beside, copies: of_shard } => {
                let index = *part.shards.first().ok_or_else(unfitting)?;
                if let Some(file) = beside {
                    adds(shards.get_mut(index).ok_or_else(unfitting)?, file);
                }
                copies.extend(of_shard.iter().map(|shard| (index, shard.clone())));
            }
            Outcome::Kept(selections) => {
                for (index, selection) in part.shards.iter().zip(selections) {
                    shards.get_mut(*index).ok_or_else(unfitting)?.selection = Some(selection.clone());
                }
            }
            Outcome::Exported(_) | Outcome::Exchanged(_) => {}
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
    let mut columns: Option<ColumnFiles> = None;
    for shard in &mut shards {
        normalise(shard);
        columns.iter().for_each(|before| shard.columns.share_with(before));
        columns = Some(shard.columns.clone());
    }
    let (root, facts) = (work.input.root.clone(), work.input.facts);
    Ok(Dataset { root, schema: job.output.clone(), shards, facts, lineage: lineage(job, work) })
}

/// A source's shard; of one that lies elsewhere, with the state in which this run found the file.
fn as_surveyed(shard: &Shard, work: &StageWork, part: &Part) -> Shard {
    let shard = shard.clone();
    let surveyed = part.shards.first().and_then(|index| work.survey.as_ref()?.shards.get(*index));
    match surveyed.map(|surveyed| &surveyed.content) {
        Some(ShardContent::InPlace { stamp, content, .. }) => {
            Shard { files: with_state(shard.files, (stamp, content.as_ref()), work.memory), ..shard }
        }
        _ => shard,
    }
}

/// The way of what a stage hands on.
pub(crate) fn lineage(job: &Job<'_>, work: &StageWork) -> Vec<Arc<Lineage>> {
    let mut lineage = work.input.lineage.clone();
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
