//! Trajectories as plain values, to and from batches, and how to draw random ones.

use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, Float32Array, Int32Builder, ListArray, ListBuilder, RecordBatch, StringArray,
    StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Schema};
use proptest::prelude::*;
use sternlight_engine::trajectory::{TrajectoryBatch, turns_field};

/// A trajectory, as far as credit is concerned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) group: String,
    pub(crate) reward: Option<f32>,
    pub(crate) turns: Vec<Turn>,
}

/// A turn, as far as credit is concerned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Turn {
    pub(crate) reward: Option<f32>,
    pub(crate) observation: String,
    pub(crate) tokens: Option<usize>,
}

impl Turn {
    /// Without a reward, three tokens long.
    pub(crate) fn at(observation: &str) -> Self {
        Self { reward: None, observation: observation.to_owned(), tokens: Some(3) }
    }
}

/// A row of one group whose turns have no rewards.
pub(crate) fn row(id: &str, reward: Option<f32>, turns: &[&str]) -> Row {
    Row {
        id: id.to_owned(),
        group: "g".to_owned(),
        reward,
        turns: turns.iter().map(|observation| Turn::at(observation)).collect(),
    }
}

/// One-turn rows of one group with these outcomes.
pub(crate) fn outcomes(rewards: &[Option<f32>]) -> Vec<Row> {
    rewards.iter().enumerate().map(|(index, reward)| row(&format!("t{index:02}"), *reward, &["s"])).collect()
}

/// A batch with every column that the stage may read.
pub(crate) fn batch_of(rows: &[Row]) -> TrajectoryBatch {
    let turns = || rows.iter().flat_map(|row| &row.turns);
    let mut tokens = ListBuilder::new(Int32Builder::new()).with_field(Field::new("element", DataType::Int32, true));
    for turn in turns() {
        tokens.values().append_slice(&vec![7; turn.tokens.unwrap_or_default()]);
        tokens.append(turn.tokens.is_some());
    }
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("observation", Arc::new(StringArray::from_iter_values(turns().map(|turn| &turn.observation)))),
        ("reward", Arc::new(turns().map(|turn| turn.reward).collect::<Float32Array>())),
        ("action_tokens", Arc::new(tokens.finish())),
    ];
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns
        .into_iter()
        .map(|(name, array)| (Field::new(name, array.data_type().clone(), name != "observation"), array))
        .unzip();
    let fields = Fields::from(fields);
    let list = ListArray::new(
        Arc::new(Field::new("element", DataType::Struct(fields.clone()), false)),
        OffsetBuffer::from_lengths(rows.iter().map(|row| row.turns.len())),
        Arc::new(StructArray::new(fields.clone(), arrays, None)),
        None,
    );
    let schema = Schema::new(vec![
        Field::new("trajectory_id", DataType::Utf8, false),
        Field::new("group_id", DataType::Utf8, false),
        turns_field(fields),
        Field::new("reward", DataType::Float32, true),
    ]);
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.id))),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.group))),
        Arc::new(list),
        Arc::new(rows.iter().map(|row| row.reward).collect::<Float32Array>()),
    ];
    TrajectoryBatch::new(RecordBatch::try_new(Arc::new(schema), arrays).unwrap()).unwrap()
}

/// The rows of a batch; columns that it lacks count as null.
pub(crate) fn rows_of(batch: &TrajectoryBatch) -> Vec<Row> {
    let optional = |path: &str, index: usize| {
        let column = batch.column(path)?.as_primitive::<arrow::datatypes::Float32Type>();
        column.is_valid(index).then(|| column.value(index))
    };
    (0..batch.rows())
        .map(|index| Row {
            id: batch.text("trajectory_id").unwrap().value(index).to_owned(),
            group: batch.text("group_id").unwrap().value(index).to_owned(),
            reward: optional("reward", index),
            turns: batch
                .turns_of(index)
                .map(|turn| Turn {
                    reward: optional("turns.reward", turn),
                    observation: batch.text("turns.observation").map_or("", |text| text.value(turn)).to_owned(),
                    tokens: batch.column("turns.action_tokens").and_then(|column| {
                        let lists = column.as_list::<i32>();
                        lists.is_valid(turn).then(|| lists.value(turn).len())
                    }),
                })
                .collect(),
        })
        .collect()
}

/// Rewards that often coincide, are often missing, and leave room to be shifted and scaled without rounding.
fn reward() -> impl Strategy<Value = Option<f32>> {
    prop_oneof![
        1 => Just(None),
        3 => prop::sample::select(vec![0.0_f32, 1.0]).prop_map(Some),
        3 => (-64_i16..64).prop_map(|eighths| Some(f32::from(eighths) / 8.0)),
    ]
}

fn turn(with_reward: bool) -> impl Strategy<Value = Turn> {
    let reward = if with_reward { reward().boxed() } else { Just(None).boxed() };
    (reward, prop::sample::select(vec!["s", "u", "v", "w"]), 1_usize..5).prop_map(|(reward, observation, tokens)| {
        Turn { reward, observation: observation.to_owned(), tokens: Some(tokens) }
    })
}

/// Rows of up to four groups, scattered; some without turns; some with turn rewards if `turn_rewards`.
pub(crate) fn any_rows(turn_rewards: bool) -> impl Strategy<Value = Vec<Row>> {
    let one = any::<bool>().prop_flat_map(move |with_reward| {
        (
            prop::sample::select(vec!["a", "b", "c", "d"]),
            reward(),
            prop::collection::vec(turn(with_reward && turn_rewards), 0..5),
        )
    });
    prop::collection::vec(one, 0..14).prop_map(named).prop_shuffle()
}

/// One-turn rows with equal observations and no turn rewards.
pub(crate) fn one_turn_rows() -> impl Strategy<Value = Vec<Row>> {
    let one = (prop::sample::select(vec!["a", "b"]), reward());
    prop::collection::vec(one, 0..12)
        .prop_map(|rows| named(rows.into_iter().map(|(group, reward)| (group, reward, vec![Turn::at("s")])).collect()))
}

fn named(rows: Vec<(&str, Option<f32>, Vec<Turn>)>) -> Vec<Row> {
    rows.into_iter()
        .enumerate()
        .map(|(index, (group, reward, turns))| Row {
            id: format!("t{index:02}"),
            group: group.to_owned(),
            reward,
            turns,
        })
        .collect()
}
