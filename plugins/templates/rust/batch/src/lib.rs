//! Columns about the length of actions, over whole batches: what the other kinds of plugins have no place for.
//!
//! `turns.action_length` is the length of each action, `action_length` that of all actions of the episode together.

use schemars::JsonSchema;
use serde::Deserialize;
use sternlight_plugin::{Batch, Output, Result, batch};

/// What the pipeline gives in `with`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What is counted.
    pub unit: Unit,
}

/// What lengths are measured in.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// What stands between spaces.
    #[default]
    Words,
    /// Unicode's characters.
    Characters,
}

/// The columns of one batch.
pub fn measure(batch: &Batch, config: &Config) -> Result<Output> {
    let actions = batch.column("turns.action");
    let length = |turn| {
        let action = actions.and_then(|actions| actions.text(turn)).unwrap_or("");
        match config.unit {
            Unit::Words => action.split_whitespace().count() as i32,
            Unit::Characters => action.chars().count() as i32,
        }
    };
    let turns = (0..batch.rows()).map(|row| batch.turns_of(row).map(length).collect());
    let turns: Vec<Vec<i32>> = turns.collect();
    let episodes: Vec<i32> = turns.iter().map(|lengths| lengths.iter().sum()).collect();
    Ok(Output::new().with("turns.action_length", turns.concat()).with("action_length", episodes))
}

batch!(
    measure,
    reads: ["turns.action": "utf8"],
    adds: ["turns.action_length": "int32", "action_length": "int32"]
);

#[cfg(test)]
mod tests {
    use sternlight_plugin::testing::{Sample, SampleTurn, run};

    use super::*;

    fn lengths(config: &str) -> (Vec<Option<f64>>, Vec<Option<f64>>) {
        let turn = |action| SampleTurn::new().with("action", action);
        let episodes = [Sample::new().turn(turn("go north")).turn(turn("größer")), Sample::new()];
        let outcomes = run(&plugin(), &episodes, config).unwrap();
        (outcomes.numbers("turns.action_length"), outcomes.numbers("action_length"))
    }

    #[test]
    fn words_are_counted_of_turns_and_episodes() {
        assert_eq!(lengths("{}"), (vec![Some(2.0), Some(1.0)], vec![Some(3.0), Some(0.0)]));
    }

    #[test]
    fn characters_are_not_bytes() {
        assert_eq!(lengths(r#"{"unit": "characters"}"#).0, [Some(8.0), Some(6.0)]);
    }
}
