//! What a dataset holds, in numbers, and its most blamed and most praised turns. Reads the small columns only.

use std::cmp::Ordering;
use std::collections::HashMap;

use arrow::array::{Array as _, BooleanArray, Float32Array, StringArray};
use sternlight_engine::column::{ColumnPath, TURNS};
use sternlight_engine::dataset::{BatchLimit, Dataset};
use sternlight_engine::metrics::Metrics;
use sternlight_engine::stage::StageError;
use sternlight_engine::trajectory::TrajectoryBatch;

/// The verdict on a turn that brought its task forward: nobody blames it.
pub(super) const PROGRESS: &str = "progress";

/// A turn that stands out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Turn {
    pub(super) advantage: f32,
    pub(super) trajectory_id: String,
    /// From 0.
    pub(super) turn: usize,
    pub(super) shard: usize,
    /// Among the shard's selected rows, from 0.
    pub(super) row: u64,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) metrics: Metrics,
    /// The lowest advantage below 0 of a turn whose verdict is not [`PROGRESS`].
    pub(super) blamed: Option<Turn>,
    /// The highest advantage above 0.
    pub(super) praised: Option<Turn>,
}

/// What is known of a group's rewards: all that its signal depends on.
#[derive(Debug, Default)]
struct Rewards {
    first: Option<f32>,
    differ: bool,
}

impl Findings {
    /// Looks through a dataset.
    pub(super) fn of(dataset: &Dataset) -> Result<Self, StageError> {
        let mut columns = vec![ColumnPath::from("trajectory_id"), ColumnPath::from("group_id"), TURNS.into()];
        let optional = ["reward", "success", "turns.verdict", "turns.advantage"];
        columns.extend(optional.into_iter().filter(|path| dataset.schema.has(path)).map(ColumnPath::from));
        let mut findings = Self::default();
        let mut groups: HashMap<String, Rewards> = HashMap::new();
        for (index, shard) in dataset.shards.iter().enumerate() {
            let mut row = 0;
            for batch in dataset.read(shard, &columns, BatchLimit::default())? {
                let batch = batch?;
                let columns = Columns::of(&batch)?;
                findings.count(&columns, &mut groups);
                findings.compare(&columns, index, row);
                row += batch.rows() as u64;
            }
        }
        let metrics = &mut findings.metrics;
        metrics.count("groups", groups.len() as u64);
        if dataset.schema.has("reward") {
            let without = groups.values().filter(|rewards| !rewards.differ).count();
            metrics.count("groups_without_signal", without as u64);
        }
        Ok(findings)
    }

    fn count(&mut self, columns: &Columns<'_>, groups: &mut HashMap<String, Rewards>) {
        let metrics = &mut self.metrics;
        metrics.count("trajectories", columns.groups.len() as u64);
        metrics.count("turns", columns.batch.turn_count() as u64);
        if let Some(success) = columns.success {
            metrics.count("successes", success.true_count() as u64);
            metrics.count("judged", (success.len() - success.null_count()) as u64);
        }
        for row in 0..columns.groups.len() {
            let group = columns.groups.value(row);
            if !groups.contains_key(group) {
                groups.insert(group.to_owned(), Rewards::default());
            }
            let reward = columns.reward.and_then(|rewards| rewards.is_valid(row).then(|| rewards.value(row)));
            if let (Some(reward), Some(known)) = (reward, groups.get_mut(group)) {
                known.differ |= known.first.is_some_and(|first| first != reward);
                known.first.get_or_insert(reward);
            }
        }
        if let Some(rewards) = columns.reward {
            metrics.count("scored", (rewards.len() - rewards.null_count()) as u64);
            metrics.observe_all("reward", rewards.iter().flatten().map(f64::from));
        }
        if let Some(verdicts) = columns.verdict {
            verdicts.iter().flatten().for_each(|verdict| metrics.count(format!("verdict.{verdict}"), 1));
        }
        if let Some(advantages) = columns.advantage {
            metrics.observe_all("advantage", advantages.iter().flatten().map(f64::from));
        }
    }

    /// `first_row`: where the batch begins among the shard's selected rows.
    fn compare(&mut self, columns: &Columns<'_>, shard: usize, first_row: u64) {
        let Some(advantages) = columns.advantage else { return };
        for row in 0..columns.batch.rows() {
            for (turn, index) in columns.batch.turns_of(row).enumerate() {
                if advantages.is_null(index) {
                    continue;
                }
                let advantage = advantages.value(index);
                let is_progress = columns
                    .verdict
                    .is_some_and(|verdicts| verdicts.is_valid(index) && verdicts.value(index) == PROGRESS);
                let (slot, wanted) = match advantage {
                    _ if advantage < 0.0 && !is_progress => (&mut self.blamed, Ordering::Less),
                    _ if advantage > 0.0 => (&mut self.praised, Ordering::Greater),
                    _ => continue,
                };
                let id = columns.ids.value(row);
                let is_better = slot.as_ref().is_none_or(|best| match advantage.total_cmp(&best.advantage) {
                    Ordering::Equal => (id, turn) < (best.trajectory_id.as_str(), best.turn),
                    other => other == wanted,
                });
                if is_better {
                    *slot = Some(Turn {
                        advantage,
                        trajectory_id: id.to_owned(),
                        turn,
                        shard,
                        row: first_row + row as u64,
                    });
                }
            }
        }
    }
}

/// The columns of a batch; those that the dataset may lack are optional.
struct Columns<'a> {
    batch: &'a TrajectoryBatch,
    ids: &'a StringArray,
    groups: &'a StringArray,
    reward: Option<&'a Float32Array>,
    success: Option<&'a BooleanArray>,
    verdict: Option<&'a StringArray>,
    advantage: Option<&'a Float32Array>,
}

impl<'a> Columns<'a> {
    fn of(batch: &'a TrajectoryBatch) -> Result<Self, StageError> {
        let has = |path: &str| batch.column(path).is_some();
        Ok(Self {
            batch,
            ids: batch.text("trajectory_id")?,
            groups: batch.text("group_id")?,
            reward: has("reward").then(|| batch.float("reward")).transpose()?,
            success: has("success").then(|| batch.boolean("success")).transpose()?,
            verdict: has("turns.verdict").then(|| batch.text("turns.verdict")).transpose()?,
            advantage: has("turns.advantage").then(|| batch.float("turns.advantage")).transpose()?,
        })
    }
}
