//! A reward for agents that reach their goal with few tool calls that work.
//!
//! A success begins at 1 and loses `per_call` for each tool call beyond `free_calls` and `per_error` for each call that
//! failed, down to `floor`; a failure has 0. A trajectory that was never judged is not scored.

use schemars::JsonSchema;
use serde::Deserialize;
use sternlight_plugin::{Result, Trajectory, reward};

/// What calls cost.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Tool calls that cost nothing.
    pub free_calls: u32,
    /// What each further call costs.
    #[schemars(range(min = 0, max = 1))]
    pub per_call: f64,
    /// What each failed call costs, on top.
    #[schemars(range(min = 0, max = 1))]
    pub per_error: f64,
    /// The least that a success is worth.
    #[schemars(range(min = 0, max = 1))]
    pub floor: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { free_calls: 2, per_call: 0.05, per_error: 0.1, floor: 0.1 }
    }
}

/// The reward of one trajectory.
pub fn tool_call_efficiency(trajectory: &Trajectory, config: &Config) -> Result<Option<f32>> {
    Ok(trajectory.success().map(|success| {
        if !success {
            return 0.0;
        }
        let calls = trajectory.turns().filter(|turn| turn.tool_name().is_some()).count() as u32;
        let errors = trajectory.turns().filter(|turn| turn.tool_error() == Some(true)).count();
        let cost =
            config.per_call * f64::from(calls.saturating_sub(config.free_calls)) + config.per_error * errors as f64;
        config.floor.max(1.0 - cost) as f32
    }))
}

reward!(tool_call_efficiency, reads: ["success": "bool", "turns.tool_name": "utf8", "turns.tool_error": "bool"]);

#[cfg(test)]
mod tests {
    use sternlight_plugin::testing::{Sample, SampleTurn, run};

    use super::*;

    fn call(error: bool) -> SampleTurn {
        SampleTurn::new().with("tool_name", "search").with("tool_error", error)
    }

    fn sample(success: bool, calls: &[bool]) -> Sample {
        calls.iter().fold(Sample::new().with("success", success), |sample, error| sample.turn(call(*error)))
    }

    #[test]
    fn a_success_loses_for_calls_beyond_the_free_ones_and_for_errors() {
        let reward = |sample: &Sample, config: Config| tool_call_efficiency(&sample.trajectory(), &config).unwrap();
        let default = Config::default;
        assert_eq!(reward(&sample(true, &[false, false]), default()), Some(1.0));
        let costly = Config { per_call: 0.25, ..default() };
        assert_eq!(reward(&sample(true, &[false; 3]).turn(SampleTurn::new()), costly), Some(0.75));
        assert_eq!(reward(&sample(true, &[true]), Config { per_error: 0.5, ..default() }), Some(0.5));
        assert_eq!(reward(&sample(true, &[true; 100]), default()), Some(0.1));
    }

    #[test]
    fn a_failure_is_worth_nothing_and_what_was_not_judged_is_not_scored() {
        let samples = [sample(false, &[false]), Sample::new().turn(call(false)), sample(true, &[])];
        let outcomes = run(&plugin(), &samples, "{}").unwrap();
        assert_eq!(outcomes.numbers("reward"), [Some(0.0), None, Some(1.0)]);
    }

    #[test]
    fn an_unknown_option_is_an_error() {
        let error = run(&plugin(), &[], r#"{"per_cal": 1}"#).unwrap_err().to_string();
        assert!(error.starts_with("`with.per_cal`: unknown field `per_cal`"), "{error}");
    }
}
