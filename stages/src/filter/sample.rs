//! What the tests of conditions share: a small batch, running a condition on it, and a drawing of a problem's place.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, BooleanArray, Float64Array, ListArray, RecordBatch, StructArray,
};
use arrow::datatypes::{DataType, Field, Schema};
use sternlight_engine::contract::InputTypes;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{BuildContext, BuiltIn as _, Context, Output, Stage as _, Transform as _};
use sternlight_engine::trajectory::{
    Status, TrajectoryBatch, TrajectoryBuilder, TrajectoryRow, TrajectorySchema, TurnRow,
};

use super::{Filter, FilterOptions};

pub(super) fn turn(action: &str, tool: Option<&str>, error: Option<bool>, reward: Option<f32>) -> TurnRow {
    TurnRow {
        observation: format!("after\n{action}"),
        action: action.to_owned(),
        tool_name: tool.map(str::to_owned),
        tool_arguments: None,
        tool_error: error,
        reward,
        ..TurnRow::default()
    }
}

/// Four trajectories: a good one, a bad one, one without turns, and one of which little is known.
pub(super) fn batch() -> TrajectoryBatch {
    let mut builder = TrajectoryBuilder::new();
    for row in [
        TrajectoryRow {
            trajectory_id: "good".into(),
            group_id: "g1".into(),
            env: Some("shop".into()),
            seed: Some(u64::MAX),
            turns: vec![
                turn("look up", Some("search"), Some(false), Some(0.5)),
                turn("pay back", Some("refund"), Some(false), Some(0.1)),
            ],
            reward: Some(0.1),
            success: Some(true),
            ..TrajectoryRow::default()
        },
        TrajectoryRow {
            trajectory_id: "bad".into(),
            group_id: "g1".into(),
            env: Some("Größe".into()),
            seed: Some(7),
            turns: vec![turn("look up", Some("search"), Some(true), None), turn("talk", None, None, Some(-1.0))],
            reward: Some(-2.0),
            success: Some(false),
            status: Status::Truncated,
            ..TrajectoryRow::default()
        },
        TrajectoryRow {
            trajectory_id: "empty".into(),
            group_id: "g2".into(),
            reward: Some(0.0),
            ..TrajectoryRow::default()
        },
        TrajectoryRow {
            trajectory_id: "unknown".into(),
            group_id: "g2".into(),
            turns: vec![turn("talk", None, None, None)],
            ..TrajectoryRow::default()
        },
    ] {
        builder.push(&row);
    }
    builder.finish().unwrap()
}

pub(super) fn filter(condition: &str) -> Result<Filter, Vec<Problem>> {
    let here = Path::new(".");
    Filter::build(FilterOptions { condition: condition.to_owned() }, &BuildContext::new(here, here))
}

/// What the condition says of each row, of a batch with only the columns that it reads.
pub(super) fn answers(condition: &str, batch: &TrajectoryBatch) -> BooleanArray {
    let filter = filter(condition).unwrap_or_else(|problems| panic!("{}", drawn_all(condition, &problems)));
    let schema = TrajectorySchema::new(batch.record_batch().schema());
    let reads = filter
        .contract(&InputTypes::from(&schema))
        .unwrap_or_else(|problems| panic!("{}", drawn_all(condition, &problems)))
        .reads;
    match filter.apply_once(&projected(batch, &schema.project(&reads)), &mut Context::default()).unwrap() {
        Output::Keep(keep) => keep,
        other => panic!("{other:?}"),
    }
}

fn projected(batch: &TrajectoryBatch, schema: &TrajectorySchema) -> TrajectoryBatch {
    let whole = batch.record_batch();
    let columns = schema.arrow().fields().iter().map(|field| -> ArrayRef {
        let column = whole.column_by_name(field.name()).unwrap();
        let DataType::List(element) = field.data_type() else { return Arc::clone(column) };
        let (list, turns) = (column.as_list::<i32>(), schema.turn_fields());
        let structs = list.values().as_struct();
        let arrays = turns.iter().map(|turn| Arc::clone(structs.column_by_name(turn.name()).unwrap())).collect();
        let structs = StructArray::try_new_with_length(turns, arrays, None, structs.len()).unwrap();
        Arc::new(ListArray::new(Arc::clone(element), list.offsets().clone(), Arc::new(structs), None))
    });
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(whole.num_rows()));
    let columns = columns.collect();
    let batch = RecordBatch::try_new_with_options(Arc::clone(schema.arrow()), columns, &options).unwrap();
    TrajectoryBatch::new(batch).unwrap()
}

/// One letter a row of [`batch`]: yes, no, or `?` for null.
pub(super) fn letters(condition: &str) -> String {
    let letter = |answer: Option<bool>| answer.map_or('?', |answer| if answer { 'y' } else { 'n' });
    answers(condition, &batch()).iter().map(letter).collect()
}

/// The problems with a condition over [`batch`], drawn.
pub(super) fn refusal(condition: &str) -> String {
    let schema = TrajectorySchema::new(batch().record_batch().schema());
    match filter(condition).and_then(|filter| filter.contract(&InputTypes::from(&schema))) {
        Err(problems) => drawn_all(condition, &problems),
        Ok(contract) => format!("accepted: {contract:?}"),
    }
}

fn drawn_all(condition: &str, problems: &[Problem]) -> String {
    problems.iter().map(|problem| drawn(condition, problem)).collect::<Vec<_>>().join("\n\n")
}

fn drawn(condition: &str, problem: &Problem) -> String {
    let mut drawing = String::new();
    if let Some(range) = &problem.within {
        let line_start = condition[..range.start].rfind('\n').map_or(0, |at| at + 1);
        let line = condition[line_start..].lines().next().unwrap_or_default();
        let before = condition[line_start..range.start].chars().count();
        let marked = condition[range.clone()].lines().next().unwrap_or_default().chars().count().max(1);
        let label = problem.label.as_ref().map_or_else(String::new, |label| format!(" {label}"));
        drawing = format!("{line}\n{}{}{label}\n", " ".repeat(before), "^".repeat(marked));
    }
    drawing.push_str(&problem.message);
    if let Some(help) = &problem.help {
        drawing.push_str(&format!("\nhelp: {help}"));
    }
    drawing
}

/// A batch of one column of 64-bit floats, `x`.
pub(super) fn floats(values: Vec<Option<f64>>) -> TrajectoryBatch {
    let schema = Arc::new(Schema::new(vec![Field::new("x", DataType::Float64, true)]));
    let batch = RecordBatch::try_new(schema, vec![Arc::new(Float64Array::from(values))]).unwrap();
    TrajectoryBatch::new(batch).unwrap()
}
