//! Columns about repetition, over whole batches: what a typed world has no place for.
//!
//! `turns.repetitions`: how often the same action was taken before in the episode. `distinct_actions`: the share of an
//! episode's actions that are new; none where there are no turns. Actions are compared without the spaces around them and,
//! with `ignore_case`, without regard to case.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Deserialize;
use sternlight_plugin::{Batch, Output, Result, batch};

/// When two actions are the same.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether `LOOK` and `look` are the same action.
    pub ignore_case: bool,
}

/// The columns of one batch.
pub fn repetition(batch: &Batch, config: &Config) -> Result<Output> {
    let mut repetitions: Vec<i32> = Vec::new();
    let mut distinct: Vec<Option<f32>> = Vec::with_capacity(batch.rows());
    let actions = batch.column("turns.action");
    for row in 0..batch.rows() {
        let mut seen: HashMap<String, i32> = HashMap::new();
        let turns = batch.turns_of(row);
        let count = turns.len();
        for turn in turns {
            let action = actions.and_then(|actions| actions.text(turn)).unwrap_or("").trim();
            let action = if config.ignore_case { action.to_lowercase() } else { action.to_owned() };
            let times = seen.entry(action).or_default();
            repetitions.push(*times);
            *times += 1;
        }
        distinct.push((count > 0).then(|| seen.len() as f32 / count as f32));
    }
    Ok(Output::new().with("turns.repetitions", repetitions).with("distinct_actions", distinct))
}

batch!(
    repetition,
    reads: ["turns.action": "utf8"],
    adds: ["turns.repetitions": "int32", "distinct_actions": "float32"]
);

#[cfg(test)]
mod tests {
    use sternlight_plugin::testing::{Sample, SampleTurn, run};

    use super::*;

    fn episode(actions: &[&str]) -> Sample {
        actions.iter().fold(Sample::new(), |sample, action| sample.turn(SampleTurn::new().with("action", *action)))
    }

    #[test]
    fn counts_within_each_episode() {
        let samples = [episode(&["look", "go", " look ", "look"]), episode(&[]), episode(&["Look", "look"])];
        let outcomes = run(&plugin(), &samples, "{}").unwrap();
        let counts = outcomes.numbers("turns.repetitions");
        assert_eq!(counts, [0.0, 0.0, 1.0, 2.0, 0.0, 0.0].map(Some));
        assert_eq!(outcomes.numbers("distinct_actions"), [Some(0.5), None, Some(1.0)]);
    }

    #[test]
    fn case_may_be_ignored() {
        let outcomes = run(&plugin(), &[episode(&["Look", "look"])], r#"{"ignore_case": true}"#).unwrap();
        assert_eq!(outcomes.numbers("turns.repetitions"), [Some(0.0), Some(1.0)]);
    }
}
