//! Conditions: whatever the text, it is refused with a place in it, or answers for every row, alone as among others.

#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_yaml::Value;
use sternlight_engine::contract::InputTypes;
use sternlight_engine::stage::{Context, Output, StageError, Work};
use sternlight_engine::trajectory::{
    Status, TrajectoryBatch, TrajectoryBuilder, TrajectoryRow, TrajectorySchema, TurnRow,
};
use sternlight_fuzz::build;

static ROWS: LazyLock<TrajectoryBatch> = LazyLock::new(|| {
    let turn = |action: &str, reward: Option<f32>| TurnRow {
        observation: format!("after\n{action}"),
        action: action.to_owned(),
        tool_name: reward.map(|_| "refund".to_owned()),
        tool_error: reward.map(|reward| reward < 0.0),
        reward,
        ..TurnRow::default()
    };
    let mut builder = TrajectoryBuilder::new();
    builder.push(&TrajectoryRow {
        trajectory_id: "a".to_owned(),
        group_id: "g".to_owned(),
        env: Some("Größe 🧭".to_owned()),
        seed: Some(u64::MAX),
        turns: vec![turn("look", Some(0.1)), turn("pay", Some(-1.0)), turn("", None)],
        reward: Some(0.1),
        success: Some(true),
        ..TrajectoryRow::default()
    });
    builder.push(&TrajectoryRow { trajectory_id: "b".to_owned(), status: Status::Failed, ..TrajectoryRow::default() });
    builder.push(&TrajectoryRow {
        turns: vec![turn("a%_\\b", Some(f32::MAX))],
        seed: Some(0),
        reward: Some(-0.0),
        ..TrajectoryRow::default()
    });
    // Rows of fixed values: no input reaches them.
    builder.finish().expect("rows")
});

fuzz_target!(|text: &str| {
    let mut with = serde_yaml::Mapping::new();
    with.insert("where".into(), text.into());
    let built = match build("filter", Value::Mapping(with), Path::new(".")) {
        Ok(built) => built,
        Err(problems) => return problems.iter().for_each(|problem| judge(text, problem)),
    };
    let rows = &*ROWS;
    let schema = TrajectorySchema::new(rows.record_batch().schema());
    let contract = match built.stage.contract(&InputTypes::from(&schema)) {
        Ok(contract) => contract,
        Err(problems) => return problems.iter().for_each(|problem| judge(text, problem)),
    };
    if contract.reads.iter().any(|column| !schema.has(column.as_str())) {
        return;
    }
    let Work::Transform(filter) = built.stage.work() else { panic!("filter is a transform") };
    let answer = |rows: &TrajectoryBatch| -> Result<Vec<bool>, StageError> {
        match filter.apply_once(rows, &mut Context::default())? {
            Output::Keep(mask) => Ok(mask.iter().map(|keep| keep == Some(true)).collect()),
            _ => panic!("a filter chooses rows"),
        }
    };
    let together = answer(rows).map_err(|error| error.to_string());
    let apart: Result<Vec<bool>, String> = (0..rows.rows())
        .map(|row| {
            // A slice of a batch that was one already.
            let row = TrajectoryBatch::new(rows.record_batch().slice(row, 1)).expect("a row");
            answer(&row).map(|answers| answers[0]).map_err(|error| error.to_string())
        })
        .collect();
    assert_eq!(together.is_ok(), apart.is_ok());
    if let (Ok(together), Ok(apart)) = (together, apart) {
        assert_eq!(together, apart);
    }
});

fn judge(text: &str, problem: &sternlight_engine::problem::Problem) {
    if let Some(within) = &problem.within {
        assert!(text.get(within.clone()).is_some(), "{within:?} is not in the text: {}", problem.message);
    }
}
