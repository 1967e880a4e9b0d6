//! A reward for agents that get there in few turns.
//!
//! A success begins at 1 and loses `per_turn` for every turn beyond `free_turns`, down to 0; a failure has 0. An episode
//! that was never judged is not scored, which is not the same as 0.

use schemars::JsonSchema;
use serde::Deserialize;
use sternlight_plugin::{Result, Trajectory, reward};

/// What the pipeline gives in `with`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Turns that cost nothing.
    pub free_turns: usize,
    /// What each further turn costs.
    #[schemars(range(min = 0, max = 1))]
    pub per_turn: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { free_turns: 3, per_turn: 0.1 }
    }
}

/// The reward of one episode; `None`: not scored.
pub fn score(trajectory: &Trajectory, config: &Config) -> Result<Option<f32>> {
    let beyond = trajectory.turns().len().saturating_sub(config.free_turns);
    let worth = (1.0 - config.per_turn * beyond as f64).max(0.0) as f32;
    Ok(trajectory.success().map(|success| if success { worth } else { 0.0 }))
}

reward!(score, reads: ["success": "bool", "turns": ""]);

#[cfg(test)]
mod tests {
    use sternlight_plugin::testing::{Sample, SampleTurn, run};

    use super::*;

    fn episode(turns: usize) -> Sample {
        (0..turns).fold(Sample::new(), |episode, _| episode.turn(SampleTurn::new()))
    }

    #[test]
    fn turns_beyond_the_free_ones_cost() {
        let config = Config { free_turns: 2, per_turn: 0.25 };
        let worth = |turns| score(&episode(turns).with("success", true).trajectory(), &config).unwrap();
        assert_eq!([2, 3, 9].map(worth), [Some(1.0), Some(0.75), Some(0.0)]);
    }

    #[test]
    fn a_failure_is_worth_nothing_and_what_was_not_judged_is_not_scored() {
        let outcomes = run(&plugin(), &[episode(1).with("success", false), episode(1)], "{}").unwrap();
        assert_eq!(outcomes.numbers("reward"), [Some(0.0), None]);
    }
}
