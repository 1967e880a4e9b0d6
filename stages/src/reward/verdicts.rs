//! Rewards of turns by the verdicts on them. Whose verdicts those are does not matter: rules, a model or a plugin.

use arrow::array::{Array as _, Float32Array, StringArray};
use sternlight_engine::metrics::Metrics;
use sternlight_engine::problem::{Problem, nearest};
use sternlight_engine::stage::{Context, StageError};
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectorySchema};

use super::options::VerdictValues;

/// Where verdicts stand.
pub(super) const VERDICT: &str = "turns.verdict";
/// Where the rewards go.
pub(super) const TURN_REWARD: &str = "turns.reward";

/// The words of `turns.verdict`.
const WORDS: [&str; 4] = ["progress", "redundant", "failed", "invalid"];
/// Metric: turn rewards that were there and are not any more.
const REPLACED: &str = "turn_rewards_replaced";

/// What a turn of each verdict is worth, in the order of [`WORDS`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Verdicts([f32; WORDS.len()]);

impl Verdicts {
    /// The values as written; 0 for those left out.
    ///
    /// # Errors
    /// If none is written, or one is no finite float32.
    pub(super) fn new(values: Option<VerdictValues>) -> Result<Self, Vec<Problem>> {
        let values = values.unwrap_or_default();
        let values = [values.progress, values.redundant, values.failed, values.invalid];
        if values.iter().all(Option::is_none) {
            let message = "`by: verdicts` needs `values`, what a turn of each verdict is worth, but there is none";
            let problem = Problem::at(["values"], message).help("add for example `values: {failed: -0.2}`");
            return Err(vec![problem]);
        }
        let too_large = |(word, value): (&str, f64)| {
            let message = format!("the value of `{word}` is {value:?}, expected a finite number");
            (!(value as f32).is_finite()).then(|| Problem::at(["values", word], message))
        };
        let given = WORDS.into_iter().zip(values).filter_map(|(word, value)| Some((word, value?)));
        let problems: Vec<Problem> = given.filter_map(too_large).collect();
        if problems.is_empty() { Ok(Self(values.map(|value| value.unwrap_or(0.0) as f32))) } else { Err(problems) }
    }

    /// The rewards of all turns: null where there is no verdict, and in runs that broke for reasons outside the
    /// policy.
    ///
    /// # Errors
    /// If a verdict is none of the known words, naming the trajectory and turn.
    pub(super) fn rewards(
        &self,
        batch: &TrajectoryBatch,
        broke: impl Fn(usize) -> bool,
        context: &mut Context,
    ) -> Result<Float32Array, StageError> {
        let verdicts: &StringArray = batch.text(VERDICT)?;
        let mut rewards = Vec::with_capacity(batch.turn_count());
        for row in 0..batch.rows() {
            let turns = batch.turns_of(row);
            let first = turns.start;
            for turn in turns {
                let verdict = verdicts.is_valid(turn).then(|| verdicts.value(turn));
                let reward = verdict.map(|word| self.value(word)).transpose().map_err(|error| {
                    StageError::new(format!("turn {}: {error}", turn - first)).trajectory(batch.name_of(row))
                })?;
                rewards.push(reward.filter(|_| !broke(row)));
            }
        }
        // Every import has the column; what is lost is what stands in it.
        let replaced = batch.column(TURN_REWARD).map_or(0, |column| column.len() - column.null_count());
        if replaced > 0 {
            context.metrics.count(REPLACED, replaced as u64);
        }
        Ok(rewards.into())
    }

    fn value(&self, word: &str) -> Result<f32, String> {
        let known = WORDS.iter().zip(self.0).find(|(known, _)| **known == word);
        known.map(|(_, value)| value).ok_or_else(|| {
            let meant = nearest(word, WORDS).map(|known| format!(", perhaps `{known}`")).unwrap_or_default();
            format!("the verdict is `{word}`, expected `progress`, `redundant`, `failed`, `invalid` or null{meant}")
        })
    }
}

/// A problem if an input of this schema has no verdicts.
pub(super) fn missing(input: &TrajectorySchema) -> Option<Problem> {
    (!input.has(VERDICT)).then(|| {
        Problem::at(["by"], format!("`by: verdicts` reads `{VERDICT}`, and the input has none"))
            .help("put `reflect` in front of this stage")
    })
}

/// What looks wrong, by what was counted.
pub(super) fn warnings(metrics: &Metrics) -> Vec<String> {
    let replaced = metrics.counted(REPLACED);
    let warning =
        || format!("replaces `{TURN_REWARD}` of {replaced} turns, which the record or an earlier stage had given");
    (replaced > 0).then(warning).into_iter().collect()
}
