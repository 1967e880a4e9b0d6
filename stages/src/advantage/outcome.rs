//! Estimators that compare the outcomes of a group: GRPO, Dr.GRPO and RLOO. One value for all turns of a row.

use arrow::array::ArrayRef;
use serde::Serialize;
use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::Scope;
use sternlight_engine::stage::{Context, StageError};
use sternlight_engine::trajectory::TrajectoryBatch;

use super::groups::groups;
use super::invariants;
use super::options::StandardDeviation;
use super::rewards::outcomes;
use super::statistics::{has_signal, mean, standard_deviation};

/// How an outcome R is held against the outcomes of its group, of mean μ.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) enum GroupRelative {
    /// (R − μ) / (s + ε), s of the group: GRPO (2402.03300).
    Scaled { std: StandardDeviation, eps: f64 },
    /// (R − μ) / (s + ε), s of all scored rows of the dataset.
    ScaledByBatch { std: StandardDeviation, eps: f64 },
    /// R − μ: Dr.GRPO (2503.20783).
    Centred,
    /// R less the mean of the others, which is n / (n − 1) · (R − μ): RLOO (2402.14740).
    LeaveOneOut,
}

impl GroupRelative {
    pub(super) fn scope(self) -> Scope {
        match self {
            Self::ScaledByBatch { .. } => Scope::Dataset,
            Self::Scaled { .. } | Self::Centred | Self::LeaveOneOut => Scope::Group,
        }
    }

    pub(super) fn reads() -> Vec<ColumnPath> {
        ["trajectory_id", "group_id", "reward", "turns"].map(ColumnPath::from).to_vec()
    }

    /// The column `turns.advantage`.
    pub(super) fn apply(self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Vec<ArrayRef>, StageError> {
        let rewards = outcomes(batch)?;
        let batch_deviation = self.batch_deviation(&rewards);
        let mut advantages = vec![None; batch.rows()];
        for group in groups(batch)? {
            let (rows, values): (Vec<usize>, Vec<f64>) =
                group.rows.iter().filter_map(|row| Some((*row, rewards[*row]?))).unzip();
            let relative = self.advantages(&values, batch_deviation);
            invariants::check_balance(&format!("group `{}`", group.id), relative.iter().map(|value| (*value, 1.0)))?;
            context.metrics.count("groups", 1);
            context.metrics.count("groups_without_signal", u64::from(!has_signal(&values)));
            for (row, advantage) in rows.into_iter().zip(relative) {
                advantages[row] = Some(advantage);
            }
        }
        let mut turns = Vec::with_capacity(batch.turn_count());
        for (row, advantage) in advantages.iter().enumerate() {
            let value = advantage.unwrap_or_default();
            turns.resize(turns.len() + batch.turns_of(row).len(), value);
        }
        let scored = advantages.iter().flatten().count();
        for (name, rows) in [("rows_scored", scored), ("rows_unscored", advantages.len() - scored)] {
            if rows > 0 {
                context.metrics.count(name, rows as u64);
            }
        }
        context.metrics.observe_all("advantage", advantages.iter().copied().flatten());
        Ok(vec![invariants::column(batch, "advantage", &turns, |row| advantages[row].is_some())?])
    }

    /// Standard deviation of all scored rewards of the batch, where it is asked for.
    fn batch_deviation(self, rewards: &[Option<f64>]) -> f64 {
        let Self::ScaledByBatch { std, .. } = self else { return 1.0 };
        let scored: Vec<f64> = rewards.iter().copied().flatten().collect();
        standard_deviation(&scored, mean(&scored), std)
    }

    /// Advantages of one group's scored rows, given their rewards by `trajectory_id`; exactly 0 where the group
    /// has no signal.
    fn advantages(self, rewards: &[f64], batch_deviation: f64) -> Vec<f64> {
        if !has_signal(rewards) {
            return vec![0.0; rewards.len()];
        }
        let count = rewards.len() as f64;
        let mean = mean(rewards);
        let factor = match self {
            Self::Scaled { std, eps } => 1.0 / (standard_deviation(rewards, mean, std) + eps),
            Self::ScaledByBatch { eps, .. } => 1.0 / (batch_deviation + eps),
            Self::Centred => 1.0,
            Self::LeaveOneOut => count / (count - 1.0),
        };
        rewards.iter().map(|reward| (reward - mean) * factor).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRPO: GroupRelative = GroupRelative::Scaled { std: StandardDeviation::Sample, eps: 1e-6 };

    #[test]
    fn scale_is_finite_at_the_ends_of_float32() {
        for [high, low] in [[f64::from(f32::MAX), f64::from(f32::MIN)], [f64::from(f32::from_bits(1)), 0.0]] {
            let advantages = GRPO.advantages(&[high, low, low], 1.0);
            assert!(advantages.iter().all(|advantage| advantage.is_finite()), "{advantages:?}");
        }
    }

    #[test]
    fn one_step_of_float32_is_a_signal_and_balances() {
        let high = f64::from(f32::from_bits(1e30_f32.to_bits() + 1));
        let advantages = GRPO.advantages(&[high, 1e30_f32.into(), 1e30_f32.into()], 1.0);
        assert!((advantages[0] - 2.0 / 3.0_f64.sqrt()).abs() < 1e-6, "{advantages:?}");
    }
}
