//! A component of world `relabel`, whose rows come and go as records.

use super::{NOT_CONFIGURED, plugin_interface};
use crate::bindings::relabel::exports::sternlight::plugin::relabel_stage::{Guest, Relabelled, TurnEdit};
use crate::bindings::relabel::sternlight::plugin::trajectories;
use crate::kinds::{self, Relabeller};
use crate::sample::{Sample, SampleTurn, Value};

plugin_interface!(relabel, dyn Relabeller, CONFIGURED, New);

impl<P: super::Defined<Stage = dyn Relabeller>> Guest for Exported<P> {
    fn relabel(batch: Vec<trajectories::Trajectory>) -> Vec<Result<Vec<Relabelled>, String>> {
        CONFIGURED.with_borrow(|configured| {
            let Some((_, stage)) = configured.as_ref() else {
                return batch.iter().map(|_| Err(NOT_CONFIGURED.to_owned())).collect();
            };
            let samples: Vec<Sample> = batch.into_iter().map(sample).collect();
            let results = stage.relabel(&samples).into_iter();
            let copies = |copies: Vec<kinds::Relabelled>| copies.into_iter().map(relabelled).collect();
            results.map(|result| result.map(copies).map_err(|error| error.to_string())).collect()
        })
    }
}

fn sample(row: trajectories::Trajectory) -> Sample {
    let mut sample = Sample::default().with("trajectory_id", row.id).with("group_id", row.group);
    let texts = [
        ("task_id", row.task),
        ("prompt", row.prompt),
        ("final_observation", row.final_observation),
        ("status", row.status),
    ];
    for (column, text) in texts {
        sample = optional(sample, column, text, Sample::with);
    }
    sample = optional(sample, "reward", row.reward, Sample::with);
    sample = optional(sample, "success", row.success, Sample::with);
    sample = optional(sample, "seed", row.seed.and_then(|seed| seed.parse::<u64>().ok()), Sample::with);
    sample = further(sample, row.extra, Sample::with);
    row.turns.into_iter().map(turn).fold(sample, Sample::turn)
}

fn turn(row: trajectories::Turn) -> SampleTurn {
    let mut turn = SampleTurn::default().with("observation", row.observation).with("action", row.action);
    let texts = [
        ("tool_name", row.tool_name),
        ("tool_arguments", row.tool_arguments),
        ("verdict", row.verdict),
        ("diagnosis", row.diagnosis),
    ];
    for (column, text) in texts {
        turn = optional(turn, column, text, SampleTurn::with);
    }
    turn = optional(turn, "reward", row.reward, SampleTurn::with);
    turn = optional(turn, "action_tokens", row.action_tokens, SampleTurn::with);
    turn = optional(turn, "action_logprobs", row.action_logprobs, SampleTurn::with);
    further(turn, row.extra, SampleTurn::with)
}

fn optional<T, V>(row: T, column: &str, value: Option<V>, with: impl Fn(T, &str, V) -> T) -> T {
    match value {
        Some(value) => with(row, column, value),
        None => row,
    }
}

/// The further columns, which travel as JSON.
fn further<T>(mut row: T, extra: Option<String>, with: impl Fn(T, &str, Value) -> T) -> T {
    let extra = extra.and_then(|extra| serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&extra).ok());
    for (column, value) in extra.into_iter().flatten() {
        let value = match value {
            serde_json::Value::Bool(value) => Value::from(value),
            serde_json::Value::Number(value) => Value::from(value.as_f64().unwrap_or_default()),
            serde_json::Value::String(value) => Value::from(value),
            // Lists and the like have no accessor; null has no value.
            _ => continue,
        };
        row = with(row, &column, value);
    }
    row
}

fn relabelled(copy: kinds::Relabelled) -> Relabelled {
    let edit = |edit: kinds::TurnEdit| TurnEdit { turn: edit.turn, reward: edit.reward, weight: edit.weight };
    Relabelled {
        task: copy.task,
        prompt: copy.prompt,
        reward: copy.reward,
        success: copy.success,
        keep_turns: copy.keep_turns,
        confidence: copy.confidence,
        turns: copy.turns.into_iter().map(edit).collect(),
    }
}
