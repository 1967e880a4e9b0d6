//! A relabeller with hindsight: a failed episode as a success at the last thing that it did achieve.
//!
//! What was achieved is the last tool call whose result is no error. The copy ends with that call, is told to make it, and
//! has reward 1. Episodes that did not fail, and those in which nothing worked, have no copy.

use schemars::JsonSchema;
use serde::Deserialize;
use sternlight_plugin::{Relabelled, Result, Trajectory, relabel};

/// What the pipeline gives in `with`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What the result of a call that failed begins with.
    pub error: String,
}

impl Default for Config {
    fn default() -> Self {
        Self { error: "Error".to_owned() }
    }
}

/// The copies of one episode: one, or none.
pub fn hindsight(trajectory: &Trajectory, config: &Config) -> Result<Vec<Relabelled>> {
    if trajectory.success() != Some(false) {
        return Ok(Vec::new());
    }
    // What came of a turn is what is observed next.
    let results = trajectory.turns().skip(1).map(|turn| turn.observation());
    let results = results.chain([trajectory.final_observation().unwrap_or("")]);
    let worked = trajectory.turns().zip(results).enumerate().filter_map(|(index, (turn, result))| {
        let tool = turn.tool_name().filter(|_| !result.starts_with(&config.error))?;
        Some((index, tool, turn.tool_arguments().unwrap_or("{}")))
    });
    let copy = worked.last().map(|(index, tool, arguments)| Relabelled {
        prompt: Some(format!("Call `{tool}` with the arguments {arguments}.")),
        reward: Some(1.0),
        success: Some(true),
        keep_turns: Some(index as u32 + 1),
        ..Relabelled::default()
    });
    Ok(copy.into_iter().collect())
}

relabel!(hindsight, reads: [
    "success": "bool",
    "turns.observation": "utf8",
    "turns.tool_name": "utf8",
    "turns.tool_arguments": "utf8",
    "final_observation": "utf8",
]);

#[cfg(test)]
mod tests {
    use sternlight_plugin::testing::{Sample, SampleTurn};

    use super::*;

    fn call(tool: &str, observation: &str) -> SampleTurn {
        SampleTurn::new().with("tool_name", tool).with("tool_arguments", "{}").with("observation", observation)
    }

    fn copies(success: bool, last: &str) -> Vec<Relabelled> {
        let episode = Sample::new().with("success", success).with("final_observation", last);
        let episode = episode.turn(call("find", "")).turn(call("book", "found")).turn(call("pay", "booked"));
        hindsight(&episode.trajectory(), &Config::default()).unwrap()
    }

    #[test]
    fn a_failure_becomes_a_success_at_the_last_call_that_worked() {
        let copy = |last| copies(false, last).into_iter().next().unwrap();
        assert_eq!(copy("paid").keep_turns, Some(3));
        let copy = copy("Error: no money");
        assert_eq!(copy.prompt.as_deref(), Some("Call `book` with the arguments {}."));
        assert_eq!((copy.keep_turns, copy.reward, copy.success), (Some(2), Some(1.0), Some(true)));
    }

    #[test]
    fn a_success_stays_as_it_is() {
        assert!(copies(true, "paid").is_empty());
    }
}
