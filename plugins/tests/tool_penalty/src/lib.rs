//! A reward plugin in plain Rust, without an SDK: what the host's tests run end to end. Each tool call costs a little, and
//! trajectories that say so panic, loop, or have no value.

wit_bindgen::generate!({ path: "../../wit", world: "reward" });

use std::cell::RefCell;

use exports::sternlight::plugin::plugin::{Column, Contract, Description, Guest as Plugin, Rows, Scope, State};
use exports::sternlight::plugin::reward_stage::{Guest as RewardStage, Outcome};
use sternlight::plugin::host::{Level, log, metric};
use sternlight::plugin::trajectories::Trajectory;

#[derive(Clone, Copy, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    #[serde(default = "one_tenth")]
    penalty: f32,
}

fn one_tenth() -> f32 {
    0.1
}

thread_local! {
    static OPTIONS: RefCell<Options> = const { RefCell::new(Options { penalty: 0.1 }) };
}

struct ToolPenalty;

export!(ToolPenalty);

impl Plugin for ToolPenalty {
    fn describe() -> Description {
        Description {
            name: "tool-penalty".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "Takes a little off for each tool call".to_owned(),
            config_schema: r#"{
                "type": "object",
                "properties": { "penalty": { "type": "number", "minimum": 0 } },
                "additionalProperties": false
            }"#
            .to_owned(),
        }
    }

    fn configure(config: String) -> Result<Contract, String> {
        std::panic::set_hook(Box::new(|panic| log(Level::Error, &panic.to_string())));
        let options: Options = serde_json::from_str(&config).map_err(|error| error.to_string())?;
        if options.penalty > 1.0 {
            return Err(format!("a penalty of {} leaves nothing", options.penalty));
        }
        OPTIONS.set(options);
        let column = |path: &str, data_type: &str| Column { path: path.to_owned(), data_type: data_type.to_owned() };
        Ok(Contract {
            scope: Scope::Trajectory,
            rows: Rows::Same,
            state: State::Fresh,
            reads: ["task_id", "success", "turns.action", "turns.tool_name"].map(|path| column(path, "")).into(),
            adds: ["reward", "turns.reward"].map(|path| column(path, "float32")).into(),
            drops: Vec::new(),
        })
    }
}

impl RewardStage for ToolPenalty {
    fn score(batch: Vec<Trajectory>) -> Vec<Result<Outcome, String>> {
        batch.iter().map(score).collect()
    }
}

fn score(trajectory: &Trajectory) -> Result<Outcome, String> {
    let options = OPTIONS.with_borrow(|options| *options);
    for turn in &trajectory.turns {
        match turn.action.as_str() {
            "LOOP" => wait_forever(),
            "PANIC" => panic!("cannot score {:?}", trajectory.task),
            "ERROR" => return Err("the action is not for scoring".to_owned()),
            _ => {}
        }
    }
    let calls = trajectory.turns.iter().filter(|turn| turn.tool_name.is_some()).count();
    metric("tool calls", calls as f64);
    let turn_rewards = trajectory.turns.iter().map(|turn| turn.tool_name.as_ref().map(|_| -options.penalty)).collect();
    let reward = trajectory.success.map(|success| f32::from(u8::from(success)) - options.penalty * calls as f32);
    Ok(Outcome { reward, turn_rewards: Some(turn_rewards) })
}

#[inline(never)]
fn wait_forever() {
    let mut waited = 0_u64;
    while std::hint::black_box(waited) < u64::MAX {
        waited = std::hint::black_box(waited + 1) % 1024;
    }
}
