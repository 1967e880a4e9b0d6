//! Returns: each row's rewards laid out over its turns, the outcome among them, and summed from every turn to the
//! end. Statistics over rows are the estimators' concern.

use arrow::array::Array as _;
use sternlight_engine::column::ColumnPath;
use sternlight_engine::metrics::Metrics;
use sternlight_engine::stage::{Context, StageError};
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectorySchema};

use super::invariants::float;
use super::options::Outcome;
use super::rewards::turn_rewards;
use super::sum::sum;

/// Metric: scored rows whose turns have rewards of their own.
pub(super) const BY_TURN_REWARDS: &str = "rows_by_turn_rewards";

/// Metric: scored rows whose only reward is the outcome.
const BY_OUTCOME: &str = "rows_by_outcome";

const MIXED_ROWS: &str = "some rows have turn rewards and others an outcome only, so that their returns are not \
                          comparable: set `outcome` to `add` or `ignore`, or split the dataset";

/// The rewards of a batch, laid out over its turns.
#[derive(Debug)]
pub(super) struct Episodes {
    /// Reward of each turn, the outcome placed; 0 where the row is not scored.
    rewards: Vec<f64>,
    /// Sum of each row's rewards; `None`: the row is not scored. A row without turns has its outcome here alone.
    totals: Vec<Option<f64>>,
}

/// The columns that [`Episodes::of`] needs: `reward` and `turns.reward`, as far as the input has them. One of them
/// it must have, and `reward` if the outcome is always added.
pub(super) fn reward_columns(outcome: Outcome, input: &TrajectorySchema) -> Vec<ColumnPath> {
    const OUTCOME: &str = "reward";
    const TURN: &str = "turns.reward";
    let columns: &[&str] = match (outcome, input.has(OUTCOME), input.has(TURN)) {
        (Outcome::Ignore, ..) | (Outcome::Auto, false, true) => &[TURN],
        (Outcome::Auto | Outcome::Add, _, true) => &[OUTCOME, TURN],
        (Outcome::Auto | Outcome::Add, _, false) => &[OUTCOME],
    };
    columns.iter().copied().map(ColumnPath::from).collect()
}

/// A warning if some rows have turn rewards and others an outcome only, by what [`Episodes::of`] counted.
pub(super) fn mixed_rows(placing: Outcome, metrics: &Metrics) -> Option<String> {
    let mixed = metrics.counted(BY_TURN_REWARDS) > 0 && metrics.counted(BY_OUTCOME) > 0;
    (placing == Outcome::Auto && mixed).then(|| MIXED_ROWS.to_owned())
}

impl Episodes {
    /// Lays out turn rewards and outcomes. A row with some turn reward counts its null ones as 0; where the outcome
    /// is used it joins the last turn; a row with neither is not scored.
    ///
    /// # Errors
    /// If a reward is not finite, or a row's sum has no finite float32, naming the trajectory.
    pub(super) fn of(
        batch: &TrajectoryBatch,
        outcomes: &[Option<f64>],
        placing: Outcome,
        context: &mut Context,
    ) -> Result<Self, StageError> {
        let recorded = turn_rewards(batch)?;
        let mut rewards = vec![0.0; batch.turn_count()];
        let mut totals = Vec::with_capacity(batch.rows());
        for (row, outcome) in outcomes.iter().enumerate() {
            let turns = batch.turns_of(row);
            let by_turn = recorded.is_some_and(|column| turns.clone().any(|turn| column.is_valid(turn)));
            if let Some(column) = recorded.filter(|_| by_turn) {
                for turn in turns.clone().filter(|turn| column.is_valid(*turn)) {
                    rewards[turn] = f64::from(column.value(turn));
                }
            }
            let placed = outcome.filter(|_| match placing {
                Outcome::Auto => !by_turn,
                Outcome::Add => true,
                Outcome::Ignore => false,
            });
            if let (Some(outcome), Some(last)) = (placed, turns.clone().next_back()) {
                rewards[last] += outcome;
            }
            let total = match turns.is_empty() {
                true => placed,
                false => (by_turn || placed.is_some()).then(|| sum(rewards[turns.clone()].iter().copied())),
            };
            if let Some(total) = total.filter(|total| float(*total).is_none()) {
                return Err(StageError::new(format!("its rewards sum to {total:e}, which float32 cannot hold"))
                    .trajectory(batch.name_of(row))
                    .help("bring the rewards to a smaller scale before this stage"));
            }
            context.metrics.count(if total.is_some() { "rows_scored" } else { "rows_unscored" }, 1);
            if total.is_some() && !turns.is_empty() {
                context.metrics.count(if by_turn { BY_TURN_REWARDS } else { BY_OUTCOME }, 1);
            }
            totals.push(total);
        }
        Ok(Self { rewards, totals })
    }

    /// Whether a row has any reward.
    pub(super) fn is_scored(&self, row: usize) -> bool {
        self.total(row).is_some()
    }

    /// Sum of a row's rewards; `None`: not scored.
    pub(super) fn total(&self, row: usize) -> Option<f64> {
        self.totals.get(row).copied().flatten()
    }

    /// The scored ones of these rows, in their order.
    pub(super) fn scored<'a>(&'a self, rows: &'a [usize]) -> impl Iterator<Item = usize> + 'a {
        rows.iter().copied().filter(|row| self.is_scored(*row))
    }

    /// Return of each turn, flat as the batch's turns: return_t = r_t + discount(t + 1) · return_{t+1}, with
    /// `discount` asked by flat turn.
    pub(super) fn returns(&self, batch: &TrajectoryBatch, discount: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut returns = self.rewards.clone();
        for row in 0..batch.rows() {
            for turn in batch.turns_of(row).rev().skip(1) {
                returns[turn] += discount(turn + 1) * returns[turn + 1];
            }
        }
        returns
    }
}
