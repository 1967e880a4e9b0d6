//! Turn return: the discounted return of each turn to its end, alone or against a baseline of its group.

use arrow::array::ArrayRef;
use serde::Serialize;
use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::Scope;
use sternlight_engine::metrics::Metrics;
use sternlight_engine::stage::{Context, StageError};
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectorySchema};

use super::groups::{Group, groups};
use super::invariants;
use super::options::{Baseline, Outcome};
use super::returns::{Episodes, mixed_rows, reward_columns};
use super::rewards::outcomes;
use super::statistics::{centred, has_signal};

/// A = return − baseline, with return_t = r_t + γ · return_{t+1}.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct TurnReturn {
    pub(super) gamma: f64,
    pub(super) outcome: Outcome,
    pub(super) baseline: Baseline,
    /// Whether to divide by the sample standard deviation of the baseline's set, + 1e-6.
    pub(super) scaled: bool,
}

impl TurnReturn {
    pub(super) fn scope(self) -> Scope {
        match self.baseline {
            Baseline::None => Scope::Trajectory,
            Baseline::Group | Baseline::Position => Scope::Group,
        }
    }

    pub(super) fn reads(self, input: &TrajectorySchema) -> Vec<ColumnPath> {
        let mut columns = vec![ColumnPath::from("trajectory_id"), ColumnPath::from("turns")];
        if self.scope() == Scope::Group {
            columns.push(ColumnPath::from("group_id"));
        }
        columns.extend(reward_columns(self.outcome, input));
        columns
    }

    /// What looks wrong, by what was counted.
    pub(super) fn warnings(self, metrics: &Metrics) -> Vec<String> {
        mixed_rows(self.outcome, metrics).into_iter().collect()
    }

    /// The columns `turns.return` and `turns.advantage`.
    pub(super) fn apply(self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Vec<ArrayRef>, StageError> {
        let episodes = Episodes::of(batch, &outcomes(batch)?, self.outcome, context)?;
        let returns = episodes.returns(batch, |_| self.gamma);
        let mut advantages = returns.clone();
        if self.baseline != Baseline::None {
            for group in groups(batch)? {
                let mut signal = false;
                for set in self.sets(batch, &group, &episodes) {
                    let values: Vec<f64> = set.iter().map(|turn| returns[*turn]).collect();
                    let relative = centred(&values, self.scaled);
                    invariants::check_balance(
                        &format!("group `{}`", group.id),
                        relative.iter().map(|value| (*value, 1.0)),
                    )?;
                    signal |= has_signal(&values);
                    for (turn, advantage) in set.into_iter().zip(relative) {
                        advantages[turn] = advantage;
                    }
                }
                context.metrics.count("groups", 1);
                context.metrics.count("groups_without_signal", u64::from(!signal));
            }
        }
        for row in (0..batch.rows()).filter(|row| episodes.is_scored(*row)) {
            for turn in batch.turns_of(row) {
                context.metrics.observe("advantage", advantages[turn]);
            }
        }
        let scored = |row| episodes.is_scored(row);
        Ok(vec![
            invariants::column(batch, "return", &returns, scored)?,
            invariants::column(batch, "advantage", &advantages, scored)?,
        ])
    }

    /// The sets of flat turns that share a baseline, each in the order of rows and turns.
    fn sets(self, batch: &TrajectoryBatch, group: &Group<'_>, episodes: &Episodes) -> Vec<Vec<usize>> {
        let mut sets: Vec<Vec<usize>> = Vec::new();
        for row in episodes.scored(&group.rows) {
            for (position, turn) in batch.turns_of(row).enumerate() {
                let index = if self.baseline == Baseline::Position { position } else { 0 };
                if index == sets.len() {
                    sets.push(Vec::new());
                }
                sets[index].push(turn);
            }
        }
        sets
    }
}
