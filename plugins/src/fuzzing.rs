//! A door for `fuzz/`: what guests return, as bytes, through the host's own decoding and checks. Not for anybody else.

use arrow::array::{Array as _, ArrayRef};
use sternlight_engine::contract::AddedColumn;
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectoryBuilder, TrajectoryRow, TurnRow, relabelling_fault};

use crate::bindings::exports::sternlight::plugin::reflect_stage::Reflection;
use crate::bindings::exports::sternlight::plugin::reward_stage::Outcome;
use crate::bindings::exports::sternlight::plugin::{plugin, relabel_stage};
use crate::copies::{Copies, copies};
use crate::description::{self, PluginContract};
use crate::fault::Fault;
use crate::guest::Rows;
use crate::outcomes::{Columns, advantages, not_finite, reflections, rewards};
use crate::world::World;
use crate::{data_type, ipc, options, text};

/// Trajectories of two, no and one turn.
fn batch() -> TrajectoryBatch {
    let mut builder = TrajectoryBuilder::new();
    for turns in [2, 0, 1] {
        let trajectory_id = format!("t{turns}");
        builder.push(&TrajectoryRow {
            trajectory_id,
            turns: vec![TurnRow::default(); turns],
            ..TrajectoryRow::default()
        });
    }
    #[expect(clippy::expect_used, reason = "three rows of our own")]
    builder.finish().expect("a batch")
}

/// The columns that a plugin under fuzzing adds: of every shape that the contract can spell.
pub const COLUMNS: [(&str, &str); 6] = [
    ("note", "utf8"),
    ("flag", "bool"),
    ("scores", "list<float32>"),
    ("reward", "float32"),
    ("turns.reward", "float32"),
    ("turns.words", "list<utf8>"),
];

fn adds(names: &[(&str, &str)]) -> Vec<AddedColumn> {
    let column = |(path, name): &(&str, &str)| Some(AddedColumn::new(*path, data_type::parse(name)?));
    names.iter().filter_map(column).collect()
}

/// What a plugin of the world `batch` returned. `chosen` says which columns it adds, a bit each.
pub fn ipc_bytes(bytes: Vec<u8>, chosen: u8) {
    let chosen: Vec<_> =
        COLUMNS.iter().enumerate().filter(|(index, _)| chosen & (1 << index) != 0).map(|(_, column)| *column).collect();
    let (batch, adds) = (batch(), adds(&chosen));
    if let Ok(arrays) = ipc::decoded(bytes, &batch, &adds) {
        believed(Ok(Columns { arrays, errors: Vec::new() }), &batch, &adds);
    }
}

/// Every result of every typed world that some bytes stand for.
pub fn typed_results(bytes: &[u8]) {
    let batch = batch();
    let mut draw = Draw(bytes);
    let contract = |names: &[(&str, &str)]| PluginContract { adds: adds(names), ..PluginContract::default() };
    let kind = draw.byte();
    match kind % 4 {
        0 => {
            let both = [("turns.reward", "float32"), ("reward", "float32")];
            let contract = contract(&both[usize::from(kind / 4 % 2)..]);
            let rows = draw.rows(|draw| Outcome {
                reward: draw.number(),
                turn_rewards: draw.some(|draw| draw.list(Draw::number)),
            });
            believed(rewards(rows, &batch, &contract), &batch, &contract.adds);
        }
        1 => {
            let contract =
                contract(&[("turns.verdict", "utf8"), ("turns.diagnosis", "utf8")][..1 + usize::from(kind / 4 % 2)]);
            let reflection =
                |draw: &mut Draw<'_>| Reflection { verdict: draw.some(Draw::text), diagnosis: draw.some(Draw::text) };
            let rows = draw.rows(|draw| draw.list(reflection));
            believed(reflections(rows, &batch, &contract), &batch, &contract.adds);
        }
        2 => {
            let rows = draw.rows(|draw| draw.list(copy));
            if let Ok(Copies { copies, errors, refused }) = copies(rows, &batch) {
                for row in 0..batch.rows() {
                    let of_row: Vec<_> = copies.iter().filter(|copy| copy.row == row).cloned().collect();
                    assert!(relabelling_fault(&of_row, batch.turns_of(row).len()).is_none());
                }
                assert!(errors.iter().chain(&refused).all(|(row, _)| *row < batch.rows()));
            }
        }
        _ => {
            let contract = contract(&[("turns.advantage", "float32")]);
            let rows = draw.rows(|draw| draw.list(Draw::number));
            believed(advantages(rows, &batch, &contract), &batch, &contract.adds);
        }
    }
}

fn copy(draw: &mut Draw<'_>) -> relabel_stage::Relabelled {
    let edit = |draw: &mut Draw<'_>| relabel_stage::TurnEdit {
        turn: u32::from(draw.byte()),
        reward: draw.number(),
        weight: draw.number(),
    };
    relabel_stage::Relabelled {
        task: draw.some(Draw::text),
        prompt: draw.some(Draw::text),
        reward: draw.number(),
        success: draw.some(|draw| draw.byte().is_multiple_of(2)),
        keep_turns: draw.some(|draw| u32::from(draw.byte())),
        confidence: draw.number(),
        turns: draw.list(edit),
    }
}

/// What a plugin says of itself: a description, a contract, and the schema of its options.
pub fn description(bytes: &[u8]) {
    let mut draw = Draw(bytes);
    let column = |draw: &mut Draw<'_>| plugin::Column { path: draw.text(), data_type: draw.text() };
    let contract = plugin::Contract {
        scope: if draw.byte().is_multiple_of(2) { plugin::Scope::Trajectory } else { plugin::Scope::Group },
        rows: [plugin::Rows::Same, plugin::Rows::Subset, plugin::Rows::New][usize::from(draw.byte() % 3)],
        state: if draw.byte().is_multiple_of(2) { plugin::State::Fresh } else { plugin::State::Reused },
        reads: draw.list(column),
        adds: draw.list(column),
        drops: draw.list(Draw::text),
    };
    for world in World::ALL {
        let _ = description::contract(contract.clone(), world);
    }
    let (name, version, summary) = (draw.text(), draw.text(), draw.text());
    let config_schema = String::from_utf8_lossy(draw.0).into_owned();
    let told = plugin::Description { name, version, summary, config_schema };
    if let Ok(described) = description::description(told) {
        for with in [serde_json::json!({}), serde_json::json!({ "a": [1, { "b": null }], "c": "d" })] {
            let _ = options::problems(&described.schema, &with);
        }
    }
}

/// What was taken for a result is one, of the right lengths and finite.
fn believed(columns: Result<Columns, Fault>, batch: &TrajectoryBatch, adds: &[AddedColumn]) {
    let columns = match columns {
        Ok(columns) => columns,
        Err(fault) => {
            assert!(!fault.to_string().is_empty());
            return;
        }
    };
    let wrong = not_finite(&columns.arrays, adds, batch, &columns.errors);
    for (row, reason) in columns.errors.iter().chain(&wrong) {
        assert!(*row < batch.rows() && !text::reason(reason).is_empty());
    }
    for (array, column) in columns.arrays.iter().zip(adds) {
        let expected = if column.path.turn_name().is_some() { batch.turn_count() } else { batch.rows() };
        assert_eq!((array.len(), array.data_type()), (expected, &column.data_type));
        walk(array);
    }
}

/// Whether each value can be read.
fn walk(array: &ArrayRef) {
    assert!(array.to_data().validate_full().is_ok());
    (0..array.len()).for_each(|index| drop(crate::extra::value(array, index)));
}

/// Values made of bytes, until there are none.
struct Draw<'a>(&'a [u8]);

impl Draw<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn some<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (!self.byte().is_multiple_of(4)).then(|| value(self))
    }

    fn number(&mut self) -> Option<f32> {
        self.some(|draw| f32::from_le_bytes([draw.byte(), draw.byte(), draw.byte(), draw.byte()]))
    }

    fn text(&mut self) -> String {
        let length = usize::from(self.byte() % 32).min(self.0.len());
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        String::from_utf8_lossy(text).into_owned()
    }

    fn list<T>(&mut self, value: impl Fn(&mut Self) -> T) -> Vec<T> {
        (0..self.byte() % 5).map(|_| value(self)).collect()
    }

    fn rows<T>(&mut self, value: impl Fn(&mut Self) -> T) -> Rows<T> {
        // Mostly as many as there are trajectories.
        let count = match self.byte() {
            count @ 0..8 => count,
            _ => 3,
        };
        (0..count).map(|_| if self.byte().is_multiple_of(8) { Err(self.text()) } else { Ok(value(self)) }).collect()
    }
}
