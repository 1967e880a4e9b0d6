//! Overlong reward shaping: what a trajectory of many tokens is worth less. Not concerned with where its reward comes from.

use arrow::array::{Array as _, Float32Array};
use arrow::datatypes::DataType;
use sternlight_engine::column::ColumnPath;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{Context, StageError};
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectorySchema};

use super::options::{LengthOf, OverlongOptions};
use crate::advantage::tokens::{ACTION_TOKENS, token_counts};

const ACTION: &str = "turns.action";

/// Metric: trajectories whose reward was lowered.
const LOWERED: &str = "overlong";

/// DAPO (2503.14476), "soft overlong punishment": nothing up to `start`, then evenly down to `factor` at `limit`. Beyond it
/// stops there: verl's `reward_manager/dapo` goes on, but no response is longer than its limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Overlong {
    start: f64,
    buffer: f64,
    factor: f64,
    length: LengthOf,
}

impl Overlong {
    /// # Errors
    /// If a number cannot be.
    pub(super) fn new(options: OverlongOptions) -> Result<Self, Vec<Problem>> {
        let OverlongOptions { limit, buffer, factor, length } = options;
        let mut problems = Vec::new();
        if limit == 0 {
            problems.push(Problem::at(["overlong", "limit"], "`limit` is 0, expected at least 1"));
        }
        if buffer == 0 {
            let problem = Problem::at(["overlong", "buffer"], "`buffer` is 0, expected at least 1");
            problems.push(problem.help("1 takes everything off at once, at `limit`"));
        }
        if buffer > limit {
            let message = format!("`buffer` {buffer} is greater than `limit` {limit}");
            problems
                .push(Problem::at(["overlong", "buffer"], message).help("the reward falls from `limit - buffer` on"));
        }
        if !(factor as f32).is_finite() || factor < 0.0 {
            let message = format!("`factor` is {factor:?}, expected a finite number of at least 0");
            problems.push(Problem::at(["overlong", "factor"], message));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let (limit, buffer) = (f64::from(limit), f64::from(buffer));
        Ok(Self { start: limit - buffer, buffer, factor, length })
    }

    /// The column that lengths come from.
    ///
    /// # Errors
    /// If the input has no lengths.
    pub(super) fn reads(&self, input: &TrajectorySchema) -> Result<ColumnPath, Problem> {
        if self.length == LengthOf::Characters {
            return Ok(ACTION.into());
        }
        let help = "`length: characters` measures the texts of actions, with `limit` and `buffer` in characters";
        match input.field(&ACTION_TOKENS.into()).map(|field| field.data_type().clone()) {
            Some(DataType::List(_)) => Ok(ACTION_TOKENS.into()),
            Some(other) => {
                let message = format!("`overlong` counts `{ACTION_TOKENS}`, which has type {other}, expected a list");
                Err(Problem::at(["overlong"], message).help(help))
            }
            None => {
                let message = format!("`overlong` counts `{ACTION_TOKENS}`, and the input has none");
                Err(Problem::at(["overlong"], message).help(help))
            }
        }
    }

    /// What is added to the reward of a trajectory of this length: at most 0.
    fn shaping(&self, length: usize) -> f64 {
        let beyond = (length as f64 - self.start).clamp(0.0, self.buffer);
        // No negative zero.
        0.0 - self.factor * (beyond / self.buffer)
    }

    /// The rewards with what length takes off them; those that are null stay so.
    ///
    /// # Errors
    /// If the length of a trajectory with a reward is not known, naming it.
    pub(super) fn shaped(
        &self,
        rewards: &Float32Array,
        batch: &TrajectoryBatch,
        context: &mut Context,
    ) -> Result<Float32Array, StageError> {
        let lengths: Vec<Option<usize>> = match self.length {
            LengthOf::Characters => {
                let actions = batch.text(ACTION)?;
                let characters = |turn: usize| actions.is_valid(turn).then(|| actions.value(turn).chars().count());
                (0..batch.turn_count()).map(characters).collect()
            }
            LengthOf::Tokens => token_counts(batch)?.unwrap_or_else(|| vec![None; batch.turn_count()]),
        };
        let mut lowered = 0;
        let shaped = (0..batch.rows()).map(|row| {
            let Some(reward) = rewards.is_valid(row).then(|| rewards.value(row)) else { return Ok(None) };
            let turns = batch.turns_of(row);
            let of_row = lengths.get(turns.clone()).unwrap_or_default();
            let known: usize = of_row.iter().flatten().sum();
            if let Some(turn) = of_row.iter().position(Option::is_none) {
                let message = format!("turn {turn} has no `{ACTION_TOKENS}`, which `overlong` counts");
                let help = "`on_error: quarantine` puts such trajectories aside; `length: characters` measures the \
                    texts of actions instead";
                return Err(StageError::new(message).trajectory(batch.name_of(row)).help(help));
            }
            let shaping = self.shaping(known);
            lowered += u64::from(shaping < 0.0);
            Ok(Some((f64::from(reward) + shaping) as f32))
        });
        let shaped = shaped.collect::<Result<Float32Array, StageError>>()?;
        context.metrics.count(LOWERED, lowered);
        Ok(shaped)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn overlong(limit: u32, buffer: u32, factor: f64) -> Overlong {
        Overlong::new(OverlongOptions { limit, buffer, factor, length: LengthOf::Tokens }).unwrap()
    }

    #[test]
    fn golden_values() {
        // By hand: begins at 80, half of it at 90, all of it at 100.
        let shaped = [0, 80, 81, 90, 100, 101, 100_000].map(|length| overlong(100, 20, 0.5).shaping(length));
        assert_eq!(shaped, [0.0, 0.0, -0.025, -0.25, -0.5, -0.5, -0.5]);
        // The paper's: L_max = 20480, a buffer of 4096, f = 1.
        let shaped = [16384, 17408, 18432, 20480, 20481].map(|length| overlong(20480, 4096, 1.0).shaping(length));
        assert_eq!(shaped, [0.0, -0.25, -0.5, -1.0, -1.0]);
        assert!(overlong(100, 20, 0.5).shaping(0).is_sign_positive());
        assert_eq!([99, 100, 101].map(|length| overlong(100, 100, 1.0).shaping(length)), [-0.99, -1.0, -1.0]);
    }

    #[test]
    fn numbers_that_cannot_be_are_told() {
        let fault = |limit, buffer, factor| {
            let options = OverlongOptions { limit, buffer, factor, length: LengthOf::Tokens };
            let problems = Overlong::new(options).unwrap_err();
            problems.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>().join("; ")
        };
        let told = [fault(0, 0, 1.0), fault(10, 11, f64::NAN), fault(10, 1, -1.0)];
        insta::assert_snapshot!(told.join("\n"), @r"
        `limit` is 0, expected at least 1; `buffer` is 0, expected at least 1
        `buffer` 11 is greater than `limit` 10; `factor` is NaN, expected a finite number of at least 0
        `factor` is -1.0, expected a finite number of at least 0
        ");
    }

    proptest! {
        /// Never more than `factor`, and never less for a longer one.
        #[test]
        fn longer_is_never_worth_more(limit in 1_u32..1000, buffer in 1_u32..1000, factor in 0.0..3.0, length in 0_usize..1500) {
            prop_assume!(buffer <= limit);
            let overlong = overlong(limit, buffer, factor);
            let (this, next) = (overlong.shaping(length), overlong.shaping(length + 1));
            prop_assert!(next <= this && this <= 0.0 && this >= -factor);
            prop_assert_eq!(this == 0.0, length as f64 <= overlong.start || factor == 0.0);
        }
    }
}
