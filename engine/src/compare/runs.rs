//! Two runs, stage by stage.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::keys::{KeyChange, key_changes};
use super::rows::{Matched, RowChanges};
use super::values::{ValueChanges, value_changes};
use crate::artifact::Artifact;
use crate::column::ColumnPath;
use crate::dataset::Dataset;
use crate::event::{Event, StageResult};
use crate::stage::StageError;
use crate::store::{KeyRecord, RunSummary, Store};

/// Two runs compared.
#[derive(Clone, Debug, Serialize)]
pub struct RunComparison {
    /// The first.
    pub first: RunSummary,
    /// The second.
    pub second: RunSummary,
    /// The stages of the second in their order, and behind them those that only the first has.
    pub stages: Vec<StageComparison>,
}

/// In which run a stage has a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// In both.
    Both,
    /// In the first alone.
    OnlyFirst,
    /// In the second alone.
    OnlySecond,
}

/// A stage of two runs. What it passes on from a stage before it is compared there, and not again.
#[derive(Clone, Debug, Serialize)]
pub struct StageComparison {
    /// Its name.
    pub stage: String,
    /// Where it is.
    pub presence: Presence,
    /// Parts of its work in the second run; in the first, if only that has it.
    pub parts: usize,
    /// How the keys of the second differ from those of the first.
    pub keys: Vec<KeyChange>,
    /// Columns that only the first has.
    pub columns_gone: Vec<ColumnPath>,
    /// Columns that only the second has.
    pub columns_new: Vec<ColumnPath>,
    /// Columns of both whose stored contents differ.
    pub columns_changed: Vec<ColumnPath>,
    /// Policies, tables and further datasets that differ, or that only one has, by the names of the outputs.
    pub outputs_changed: Vec<String>,
    /// Trajectories that only one has; `None` if they are the same.
    pub rows: Option<RowChanges>,
    /// What became of the numbers in `columns_changed`.
    pub values: BTreeMap<ColumnPath, ValueChanges>,
}

/// What a run wrote down.
struct Told {
    results: Vec<StageResult>,
    keys: Vec<KeyRecord>,
}

impl Told {
    fn of(store: &Store, run: &RunSummary) -> Result<Self, StageError> {
        let results = store.events(run)?.into_iter().filter_map(|record| match record.event {
            Event::StageFinished(result) => Some(result),
            _ => None,
        });
        Ok(Self { results: results.collect(), keys: store.keys(run)? })
    }

    fn result(&self, stage: &str) -> Option<&StageResult> {
        self.results.iter().find(|result| result.stage == stage)
    }

    fn keys(&self, stage: &str) -> Vec<KeyRecord> {
        self.keys.iter().filter(|record| record.stage == stage).cloned().collect()
    }
}

/// Compares what two runs of a store came to.
///
/// # Errors
/// If something of either is gone, or is not as it was written.
pub fn compare_runs(store: &Store, first: &RunSummary, second: &RunSummary) -> Result<RunComparison, StageError> {
    let (before, after) = (Told::of(store, first)?, Told::of(store, second)?);
    let mut seen = Seen::default();
    let mut stages = Vec::new();
    for result in &after.results {
        stages.push(match before.result(&result.stage) {
            Some(old) => in_both(store, (old, &before), (result, &after), &mut seen)?,
            None => in_one(&result.stage, Presence::OnlySecond, &after),
        });
    }
    let gone = before.results.iter().filter(|result| after.result(&result.stage).is_none());
    stages.extend(gone.map(|result| in_one(&result.stage, Presence::OnlyFirst, &before)));
    Ok(RunComparison { first: first.clone(), second: second.clone(), stages })
}

/// What was compared at a stage before: digests of both sides.
#[derive(Default)]
struct Seen {
    columns: BTreeSet<(ColumnPath, Option<String>, Option<String>)>,
    rows: BTreeSet<(String, String)>,
}

fn in_one(stage: &str, presence: Presence, told: &Told) -> StageComparison {
    StageComparison {
        stage: stage.to_owned(),
        presence,
        parts: told.keys(stage).len(),
        keys: Vec::new(),
        columns_gone: Vec::new(),
        columns_new: Vec::new(),
        columns_changed: Vec::new(),
        outputs_changed: Vec::new(),
        rows: None,
        values: BTreeMap::new(),
    }
}

fn in_both(
    store: &Store,
    (old, before): (&StageResult, &Told),
    (new, after): (&StageResult, &Told),
    seen: &mut Seen,
) -> Result<StageComparison, StageError> {
    let mut stage = in_one(&new.stage, Presence::Both, after);
    stage.keys = key_changes(&before.keys(&new.stage), &after.keys(&new.stage));
    stage.outputs_changed = changed_outputs(store, old, new)?;
    let (Some(old), Some(new)) = (&old.dataset, &new.dataset) else { return Ok(stage) };
    if old == new {
        return Ok(stage);
    }
    let (first, second) = (store.dataset(old)?, store.dataset(new)?);
    let columns: BTreeSet<ColumnPath> = first.schema.paths().into_iter().chain(second.schema.paths()).collect();
    for column in columns {
        let (from, to) = (content_of(&first, &column), content_of(&second, &column));
        if from == to || !seen.columns.insert((column.clone(), from.clone(), to.clone())) {
            continue;
        }
        match (from, to) {
            (Some(_), None) => stage.columns_gone.push(column),
            (None, Some(_)) => stage.columns_new.push(column),
            _ => stage.columns_changed.push(column),
        }
    }
    let numbers: Vec<&ColumnPath> = stage
        .columns_changed
        .iter()
        .filter(|column| [&first, &second].iter().all(|dataset| is_number(dataset, column)))
        .collect();
    let rows = (rows_of(&first), rows_of(&second));
    let are_rows_new = rows.0 != rows.1 && seen.rows.insert(rows);
    if numbers.is_empty() && !are_rows_new {
        return Ok(stage);
    }
    let matched = Matched::new(&first, &second)?;
    let values =
        numbers.into_iter().map(|column| Ok((column.clone(), value_changes(&first, &second, &matched, column)?)));
    stage.values = values.collect::<Result<_, StageError>>()?;
    let changes = matched.changes;
    stage.rows = (are_rows_new && changes.only_first + changes.only_second > 0).then_some(changes);
    Ok(stage)
}

/// Names of the outputs beside the dataset `out` that are not the same in both.
fn changed_outputs(store: &Store, old: &StageResult, new: &StageResult) -> Result<Vec<String>, StageError> {
    let mut changed: Vec<String> = Vec::new();
    for output in &new.outputs {
        let before = old.outputs.iter().find(|before| before.name == output.name);
        let is_same = match before {
            None => false,
            Some(before) if before.manifest == output.manifest => true,
            // Where it lies is part of a manifest, and tells nothing.
            Some(before) => match (store.artifact(&before.manifest)?, store.artifact(&output.manifest)?) {
                (Artifact::Policy(before), Artifact::Policy(now)) => before.digest() == now.digest(),
                (Artifact::Table(before), Artifact::Table(now)) => before.digest == now.digest,
                _ => false,
            },
        };
        if !is_same {
            changed.push(output.name.clone());
        }
    }
    let gone = old.outputs.iter().filter(|before| new.outputs.iter().all(|output| output.name != before.name));
    changed.extend(gone.map(|output| output.name.clone()));
    Ok(changed)
}

fn is_number(dataset: &Dataset, column: &ColumnPath) -> bool {
    dataset.schema.field(column).is_some_and(|field| field.data_type().is_floating())
}

/// Tells one content of a column from another; `None` if there is no such column.
fn content_of(dataset: &Dataset, column: &ColumnPath) -> Option<String> {
    dataset.schema.field(column)?;
    let digests: Option<Vec<String>> = dataset.shards.iter().map(|shard| shard.digest_of(column)).collect();
    digests.map(|digests| digests.concat())
}

/// Tells one set of trajectories from another.
fn rows_of(dataset: &Dataset) -> String {
    let ids = content_of(dataset, &ColumnPath::from("trajectory_id"));
    let layout: Vec<_> = dataset.shards.iter().map(|shard| (&shard.row_groups, &shard.selection)).collect();
    blake3::hash(format!("{ids:?} {layout:?}").as_bytes()).to_hex().to_string()
}
