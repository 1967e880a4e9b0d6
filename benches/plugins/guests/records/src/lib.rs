//! The crossing by lists of records, as Python and JavaScript get trajectories, with next to no work behind it.

wit_bindgen::generate!({ path: "../../../../plugins/wit", world: "reward" });

use exports::sternlight::plugin::plugin::{Column, Contract, Description, Guest as Plugin, Rows, Scope, State};
use exports::sternlight::plugin::reward_stage::{Guest as RewardStage, Outcome};
use sternlight::plugin::trajectories::Trajectory;

struct Records;

export!(Records);

impl Plugin for Records {
    fn describe() -> Description {
        Description {
            name: "records".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: env!("CARGO_PKG_DESCRIPTION").to_owned(),
            config_schema: r#"{"type": "object", "additionalProperties": false}"#.to_owned(),
        }
    }

    fn configure(_: String) -> Result<Contract, String> {
        let column = |path: &str, data_type: &str| Column { path: path.to_owned(), data_type: data_type.to_owned() };
        Ok(Contract {
            scope: Scope::Trajectory,
            rows: Rows::Same,
            state: State::Fresh,
            reads: vec![column("turns.action", "utf8"), column("turns.observation", "utf8")],
            adds: vec![column("reward", "float32")],
            drops: Vec::new(),
        })
    }
}

impl RewardStage for Records {
    fn score(batch: Vec<Trajectory>) -> Vec<Result<Outcome, String>> {
        let score = |trajectory: &Trajectory| {
            let length: usize = trajectory.turns.iter().map(|turn| turn.action.len() + turn.observation.len()).sum();
            Ok(Outcome { reward: Some(length as f32), turn_rewards: None })
        };
        batch.iter().map(score).collect()
    }
}
