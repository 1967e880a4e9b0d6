//! REINFORCE++ and its baseline form: returns of all turns of a dataset, brought to mean 0 and variance 1.

use arrow::array::ArrayRef;
use serde::Serialize;
use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::Scope;
use sternlight_engine::metrics::Metrics;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{Context, StageError};
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectorySchema};

use super::groups::groups;
use super::invariants;
use super::options::{Discount, Outcome, Weight};
use super::returns::{BY_TURN_REWARDS, Episodes, mixed_rows, reward_columns};
use super::rewards::outcomes;
use super::statistics::{centred, has_signal};
use super::sum::sum;
use super::tokens::{ACTION_TOKENS, token_counts};

const BASELINE_UNUSED: &str = "the group baseline has no effect on rows with turn rewards, whose outcome is not \
                               used: set `outcome` to `add`";

/// Added to the variance, as in verl's `masked_whiten`.
const VARIANCE_EPSILON: f64 = 1e-8;

/// A = (G − mean) / sqrt(var + 1e-8) over all action tokens of the dataset (2501.03262).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Whitening {
    pub(super) gamma: f64,
    pub(super) discount: Discount,
    /// `None`: tokens if they are known for every scored row, else turns.
    pub(super) weight: Option<Weight>,
    pub(super) outcome: Outcome,
    /// Whether outcomes are first taken against the mean of their group.
    pub(super) group_baseline: bool,
}

/// A turn that takes part in the statistics.
struct Member {
    /// Flat turn.
    turn: usize,
    /// How much it counts; not null, though it may be 0.
    weight: f64,
}

impl Whitening {
    pub(super) const SCOPE: Scope = Scope::Dataset;

    pub(super) fn reads(self, input: &TrajectorySchema) -> Result<Vec<ColumnPath>, Problem> {
        let mut columns = ["trajectory_id", "turns"].map(ColumnPath::from).to_vec();
        let outcome = if self.group_baseline { Outcome::Add } else { self.outcome };
        columns.extend(reward_columns(outcome, input));
        if self.group_baseline {
            columns.push(ColumnPath::from("group_id"));
        }
        let asks = [
            ("discount", "token", self.discount == Discount::Token),
            ("weight", "tokens", self.weight == Some(Weight::Tokens)),
        ];
        if input.has(ACTION_TOKENS) {
            if self.weight.is_none() || asks.iter().any(|(.., asked)| *asked) {
                columns.push(ColumnPath::from(ACTION_TOKENS));
            }
        } else if let Some((key, value, _)) = asks.iter().find(|(.., asked)| *asked) {
            return Err(Problem::at(
                [*key],
                format!("`{key}: {value}` needs `{ACTION_TOKENS}`, which the input does not have"),
            )
            .help(format!("remove `{key}`, or bring in trajectories with recorded tokens")));
        }
        Ok(columns)
    }

    /// What looks wrong, by what was counted.
    pub(super) fn warnings(self, metrics: &Metrics) -> Vec<String> {
        let unused = self.group_baseline && self.outcome == Outcome::Auto && metrics.counted(BY_TURN_REWARDS) > 0;
        let mixed = mixed_rows(self.outcome, metrics);
        mixed.into_iter().chain(unused.then(|| BASELINE_UNUSED.to_owned())).collect()
    }

    /// The columns `turns.return` and `turns.advantage`.
    pub(super) fn apply(self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Vec<ArrayRef>, StageError> {
        let mut outcomes = outcomes(batch)?;
        if self.group_baseline {
            subtract_group_means(batch, &mut outcomes, context)?;
        }
        let episodes = Episodes::of(batch, &outcomes, self.outcome, context)?;

        let tokens = token_counts(batch)?;
        let tokens = tokens.as_deref();
        if self.discount == Discount::Token || self.weight == Some(Weight::Tokens) {
            require_tokens(batch, &episodes, tokens)?;
        }
        let returns = episodes.returns(batch, |turn| match self.discount {
            Discount::Turn => self.gamma,
            Discount::Token => self.gamma.powi(known(tokens, turn).unwrap_or_default() as i32),
        });
        let (members, count) = self.members(batch, &episodes, tokens);
        let mut advantages = vec![0.0; batch.turn_count()];
        for (member, advantage) in members.iter().zip(whitened(&returns, &members, count)) {
            advantages[member.turn] = advantage;
            context.metrics.observe("advantage", advantage);
        }
        invariants::check_balance(
            "the dataset",
            members.iter().map(|member| (advantages[member.turn], member.weight)),
        )?;
        let scored = |row| episodes.is_scored(row);
        Ok(vec![
            invariants::column(batch, "return", &returns, scored)?,
            invariants::column(batch, "advantage", &advantages, scored)?,
        ])
    }

    /// The turns of scored rows with their weights, and the sum of those.
    fn members(
        self,
        batch: &TrajectoryBatch,
        episodes: &Episodes,
        tokens: Option<&[Option<usize>]>,
    ) -> (Vec<Member>, u64) {
        let turns = || (0..batch.rows()).filter(|row| episodes.is_scored(*row)).map(|row| batch.turns_of(row));
        let weight = self.weight.unwrap_or_else(|| {
            let all_known = turns().flatten().all(|turn| known(tokens, turn).is_some());
            if all_known { Weight::Tokens } else { Weight::Turns }
        });
        let mut members = Vec::with_capacity(batch.turn_count());
        let mut count = 0;
        for turns in turns() {
            let length = turns.len() as u64;
            if weight == Weight::Trajectories {
                count += u64::from(length > 0);
            }
            for turn in turns {
                let weight = match weight {
                    Weight::Tokens => {
                        let tokens = known(tokens, turn).unwrap_or_default() as u64;
                        count += tokens;
                        tokens as f64
                    }
                    Weight::Turns => {
                        count += 1;
                        1.0
                    }
                    Weight::Trajectories => 1.0 / length as f64,
                };
                members.push(Member { turn, weight });
            }
        }
        (members, count)
    }
}

/// R ← R − mean of its group's outcomes; exactly 0 in a group without signal.
fn subtract_group_means(
    batch: &TrajectoryBatch,
    outcomes: &mut [Option<f64>],
    context: &mut Context,
) -> Result<(), StageError> {
    for group in groups(batch)? {
        let (rows, values): (Vec<usize>, Vec<f64>) =
            group.rows.iter().filter_map(|row| Some((*row, outcomes[*row]?))).unzip();
        for (row, outcome) in rows.into_iter().zip(centred(&values, false)) {
            outcomes[row] = Some(outcome);
        }
        context.metrics.count("groups", 1);
        context.metrics.count("groups_without_signal", u64::from(!has_signal(&values)));
    }
    Ok(())
}

fn known(tokens: Option<&[Option<usize>]>, turn: usize) -> Option<usize> {
    tokens?.get(turn).copied().flatten()
}

fn require_tokens(
    batch: &TrajectoryBatch,
    episodes: &Episodes,
    tokens: Option<&[Option<usize>]>,
) -> Result<(), StageError> {
    for row in (0..batch.rows()).filter(|row| episodes.is_scored(*row)) {
        if let Some(position) = batch.turns_of(row).position(|turn| known(tokens, turn).is_none()) {
            return Err(StageError::new(format!(
                "turn {position} has no `action_tokens`, expected its recorded tokens"
            ))
            .trajectory(batch.name_of(row))
            .help("filter such rows out, or set `weight: turns` and `discount: turn`"));
        }
    }
    Ok(())
}

/// Whitened returns of the members, whose weights sum to `count`. Variance over count − 1. All exactly 0 where the
/// weighted members do not differ, or there is at most one.
fn whitened(returns: &[f64], members: &[Member], count: u64) -> Vec<f64> {
    let weighted: Vec<f64> =
        members.iter().filter(|member| member.weight > 0.0).map(|member| returns[member.turn]).collect();
    if count < 2 || !has_signal(&weighted) {
        return vec![0.0; members.len()];
    }
    let count = count as f64;
    let mean = sum(members.iter().map(|member| member.weight * returns[member.turn])) / count;
    let squares = sum(members.iter().map(|member| member.weight * (returns[member.turn] - mean).powi(2)));
    let deviation = (squares / (count - 1.0) + VARIANCE_EPSILON).sqrt();
    members.iter().map(|member| (returns[member.turn] - mean) / deviation).collect()
}
