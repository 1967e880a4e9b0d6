//! GiGPO: credit for an episode against its group, and for a turn against the turns that met the same state.

use std::collections::BTreeMap;

use arrow::array::{Array as _, ArrayRef, StringArray};
use arrow::datatypes::DataType;
use serde::Serialize;
use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::Scope;
use sternlight_engine::metrics::Metrics;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{Context, StageError};
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectorySchema};

use super::groups::{Group, groups};
use super::invariants;
use super::options::{EpisodeOver, Outcome};
use super::returns::{Episodes, mixed_rows, reward_columns};
use super::rewards::outcomes;
use super::statistics::{centred, has_signal};

const FEW_SHARED_STATES: &str = "fewer than 5 % of the turns meet a state that another turn of their group met, so \
                                 that gigpo is little more than dr-grpo: does the text hold a step counter or the \
                                 history? name a column with the bare state in `anchor`";

/// The share of turns in anchor groups under which the stage warns is one in this many.
const FEW: u64 = 20;

/// A = A^E + ω · A^S: episode advantage and step advantage (2505.10978, equations 3 to 8).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Gigpo {
    pub(super) gamma: f64,
    pub(super) omega: f64,
    pub(super) outcome: Outcome,
    pub(super) anchor: ColumnPath,
    pub(super) episode_over: EpisodeOver,
    /// Whether to divide by the sample standard deviation of the set, + 1e-6.
    pub(super) scaled: bool,
}

/// What one group's turns are worth.
#[derive(Default)]
struct Credit {
    /// Flat turn and advantage.
    turns: Vec<(usize, f64)>,
    /// Turns whose state was met at least twice.
    anchored: usize,
    /// Whether any episode or step differs from those it is compared with.
    signal: bool,
}

impl Gigpo {
    pub(super) const SCOPE: Scope = Scope::Group;

    pub(super) fn reads(&self, input: &TrajectorySchema) -> Result<Vec<ColumnPath>, Problem> {
        if let Some(field) = input.field(&self.anchor).filter(|field| *field.data_type() != DataType::Utf8) {
            return Err(Problem::at(
                ["anchor"],
                format!("`{}` has type {}, expected text", self.anchor, field.data_type()),
            )
            .help("name a text column of the turns that says which state a turn met"));
        }
        let mut columns = ["trajectory_id", "group_id", "turns"].map(ColumnPath::from).to_vec();
        columns.extend(reward_columns(self.outcome, input));
        columns.push(self.anchor.clone());
        Ok(columns)
    }

    /// What looks wrong, by what was counted.
    pub(super) fn warnings(&self, metrics: &Metrics) -> Vec<String> {
        let few = metrics.counted("turns_in_anchor_groups") * FEW < metrics.counted("turns");
        mixed_rows(self.outcome, metrics).into_iter().chain(few.then(|| FEW_SHARED_STATES.to_owned())).collect()
    }

    /// The columns `turns.return` and `turns.advantage`.
    pub(super) fn apply(&self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Vec<ArrayRef>, StageError> {
        let states = batch.text(self.anchor.as_str())?;
        let episodes = Episodes::of(batch, &outcomes(batch)?, self.outcome, context)?;
        let returns = episodes.returns(batch, |_| self.gamma);
        let mut advantages = vec![0.0; batch.turn_count()];
        for group in groups(batch)? {
            let credit = self.credit(batch, &group, states, &episodes, &returns)?;
            context.metrics.count("groups", 1);
            context.metrics.count("groups_without_signal", u64::from(!credit.signal));
            context.metrics.count("turns", credit.turns.len() as u64);
            context.metrics.count("turns_in_anchor_groups", credit.anchored as u64);
            for (turn, advantage) in credit.turns {
                advantages[turn] = advantage;
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

    fn credit(
        &self,
        batch: &TrajectoryBatch,
        group: &Group<'_>,
        states: &StringArray,
        episodes: &Episodes,
        returns: &[f64],
    ) -> Result<Credit, StageError> {
        let name = format!("group `{}`", group.id);
        let rows: Vec<usize> = episodes.scored(&group.rows).collect();
        let mut credit = Credit::default();

        // Equation 3. Every member of the comparison is an episode, or a turn that carries its episode's total.
        let members = |row: usize| match self.episode_over {
            EpisodeOver::Trajectories => 1,
            EpisodeOver::Turns => batch.turns_of(row).len(),
        };
        let totals: Vec<f64> =
            rows.iter().flat_map(|row| std::iter::repeat_n(episodes.total(*row), members(*row))).flatten().collect();
        let of_episodes = centred(&totals, self.scaled);
        invariants::check_balance(&name, of_episodes.iter().map(|value| (*value, 1.0)))?;
        credit.signal |= has_signal(&totals);
        let mut next = 0;
        for row in &rows {
            let of_episode = of_episodes.get(next).copied().unwrap_or_default();
            credit.turns.extend(batch.turns_of(*row).map(|turn| (turn, of_episode)));
            next += members(*row);
        }

        // Equations 6 to 8. Sets hold positions in `credit.turns`; a turn without a state meets no other.
        let mut anchors: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (position, (turn, _)) in credit.turns.iter().enumerate().filter(|(_, (turn, _))| states.is_valid(*turn)) {
            anchors.entry(states.value(*turn)).or_default().push(position);
        }
        for set in anchors.into_values().filter(|set| set.len() > 1) {
            let values: Vec<f64> = set.iter().map(|position| returns[credit.turns[*position].0]).collect();
            let of_steps = centred(&values, self.scaled);
            invariants::check_balance(&name, of_steps.iter().map(|value| (*value, 1.0)))?;
            credit.signal |= has_signal(&values);
            credit.anchored += set.len();
            for (position, of_step) in set.into_iter().zip(of_steps) {
                credit.turns[position].1 += self.omega * of_step;
            }
        }
        Ok(credit)
    }
}
