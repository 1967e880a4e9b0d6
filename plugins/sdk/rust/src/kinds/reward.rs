//! Rewards: a number for a trajectory and, if the plugin likes, for each of its turns.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::definition::{Columns, Definition, define};
use crate::error::{Error, Result};
use crate::output::Output;
use crate::trajectory::{Rows, Trajectory};

/// A reward of the trajectory and rewards of its turns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// `None`: not scored, which is not 0.
    pub reward: Option<f32>,
    /// One a turn.
    pub turn_rewards: Vec<Option<f32>>,
}

/// What a reward function may give: a number, or one that may be missing.
pub trait Scored {
    /// The reward; `None`: not scored.
    fn reward(self) -> Option<f32>;
}

impl Scored for f32 {
    fn reward(self) -> Option<f32> {
        Some(self)
    }
}

impl Scored for Option<f32> {
    fn reward(self) -> Option<f32> {
        self
    }
}

/// A reward of trajectories. Called by [`reward!`](crate::reward!).
pub fn reward<C, S>(function: fn(&Trajectory<'_>, &C) -> Result<S>, reads: Columns) -> Definition
where
    C: DeserializeOwned + JsonSchema + 'static,
    S: Scored + 'static,
{
    define(reads, &[("reward", "float32")], move |batch, config: &C| {
        let mut output = Output::new();
        let mut rewards = Vec::with_capacity(batch.rows());
        for (row, trajectory) in Rows::new(batch)?.trajectories().enumerate() {
            let scored =
                function(&trajectory, config).map(Scored::reward).and_then(|reward| finite(reward, "a reward"));
            rewards.push(scored.unwrap_or_else(|error| {
                output.fail(row, error);
                None
            }));
        }
        Ok(output.with("reward", rewards))
    })
}

/// A reward of trajectories and turns. Called by [`reward_with_turns!`](crate::reward_with_turns!).
pub fn reward_with_turns<C>(function: fn(&Trajectory<'_>, &C) -> Result<Outcome>, reads: Columns) -> Definition
where
    C: DeserializeOwned + JsonSchema + 'static,
{
    define(reads, &[("reward", "float32"), ("turns.reward", "float32")], move |batch, config: &C| {
        let mut output = Output::new();
        let (mut rewards, mut of_turns) = (Vec::with_capacity(batch.rows()), Vec::new());
        for (row, trajectory) in Rows::new(batch)?.trajectories().enumerate() {
            let turns = trajectory.turns().len();
            let scored = function(&trajectory, config).and_then(|outcome| {
                finite(outcome.reward, "a reward")?;
                one_a_turn(outcome.turn_rewards.len(), turns, "reward")?;
                outcome.turn_rewards.iter().try_for_each(|reward| finite(*reward, "a reward").map(drop))?;
                Ok(outcome)
            });
            let outcome = scored.unwrap_or_else(|error| {
                output.fail(row, error);
                Outcome { reward: None, turn_rewards: vec![None; turns] }
            });
            rewards.push(outcome.reward);
            of_turns.extend(outcome.turn_rewards);
        }
        Ok(output.with("reward", rewards).with("turns.reward", of_turns))
    })
}

pub(super) fn finite(value: Option<f32>, what: &str) -> Result<Option<f32>> {
    match value {
        Some(value) if !value.is_finite() => Err(Error::new(format!("{what} is a finite number, found {value}"))),
        value => Ok(value),
    }
}

pub(super) fn one_a_turn(found: usize, turns: usize, what: &str) -> Result<()> {
    if found != turns {
        return Err(Error::new(format!("expected one {what} a turn: {turns}, found {found}")));
    }
    Ok(())
}
