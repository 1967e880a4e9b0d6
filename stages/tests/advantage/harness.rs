//! Runs the stage as the engine would: built from YAML, given only the columns that its contract reads.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, ListArray, RecordBatch, StructArray};
use arrow::datatypes::{DataType, Float32Type};
use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::{Contract, Effect, InputTypes};
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{BuildContext, Built, Context, Output, StageError, Work};
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectorySchema};
use sternlight_stages::registry;

use super::rows::{Row, batch_of};

/// What the stage wrote for one trajectory: one value a turn.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Credit {
    /// `turns.return`; empty for estimators that do not write it.
    pub(crate) returns: Vec<Option<f32>>,
    /// `turns.advantage`.
    pub(crate) advantages: Vec<Option<f32>>,
}

pub(crate) fn build(with: &str) -> Result<Built, Vec<Problem>> {
    let context = BuildContext::new(Path::new("."), Path::new("."));
    registry().get("advantage").unwrap().build(serde_yaml::from_str(with).unwrap(), &context)
}

pub(crate) fn contract(with: &str, batch: &TrajectoryBatch) -> Result<Contract, Vec<Problem>> {
    build(with).unwrap().stage.contract(&InputTypes::from(&TrajectorySchema::new(batch.record_batch().schema())))
}

/// The stage's result for each row of the batch, and what it counted.
pub(crate) fn apply(with: &str, batch: &TrajectoryBatch) -> Result<(Vec<Credit>, Context), StageError> {
    let mut context = Context::default();
    let credit = apply_in(with, batch, &mut context)?;
    Ok((credit, context))
}

pub(crate) fn apply_in(with: &str, batch: &TrajectoryBatch, context: &mut Context) -> Result<Vec<Credit>, StageError> {
    let built = build(with).unwrap();
    let contract =
        built.stage.contract(&InputTypes::from(&TrajectorySchema::new(batch.record_batch().schema()))).unwrap();
    let read = project(batch, &contract.reads);
    let Work::Transform(transform) = built.stage.work() else { panic!("advantage is a transform") };
    let Output::Columns(columns) = transform.apply_once(&read, context)? else { panic!("advantage adds columns") };
    context.warnings = built.stage.warnings(&context.metrics);
    let Effect::Columns { adds, .. } = contract.effect else { panic!("advantage adds columns") };
    assert_eq!(adds.len(), columns.len());
    let mut credit = vec![Credit::default(); batch.rows()];
    for (added, column) in adds.iter().zip(&columns) {
        assert_eq!(added.data_type, *column.data_type());
        assert_eq!(column.len(), batch.turn_count());
        let values: Vec<Option<f32>> = column.as_primitive::<Float32Type>().iter().collect();
        for (row, credit) in credit.iter_mut().enumerate() {
            let values = values[batch.turns_of(row)].to_vec();
            match added.path.as_str() {
                "turns.return" => credit.returns = values,
                "turns.advantage" => credit.advantages = values,
                other => panic!("unexpected column `{other}`"),
            }
        }
    }
    Ok(credit)
}

/// The stage's result by trajectory id.
pub(crate) fn credit(with: &str, rows: &[Row]) -> BTreeMap<String, Credit> {
    let (credit, _) = apply(with, &batch_of(rows)).unwrap();
    rows.iter().map(|row| row.id.clone()).zip(credit).collect()
}

/// The first turn's advantage of each row, for estimators that give all turns of a row the same.
pub(crate) fn advantage_of_rows(with: &str, rows: &[Row]) -> BTreeMap<String, Option<f32>> {
    credit(with, rows).into_iter().filter_map(|(id, credit)| Some((id, credit.advantages.first().copied()?))).collect()
}

/// The batch with these columns only.
fn project(batch: &TrajectoryBatch, paths: &[ColumnPath]) -> TrajectoryBatch {
    let schema = TrajectorySchema::new(batch.record_batch().schema()).project(paths);
    let arrays: Vec<ArrayRef> = schema
        .arrow()
        .fields()
        .iter()
        .map(|field| {
            let DataType::List(element) = field.data_type() else {
                return Arc::clone(batch.column(field.name()).unwrap());
            };
            let list = batch.turns_list().unwrap();
            let turns = schema.turn_fields();
            let arrays =
                turns.iter().map(|turn| Arc::clone(list.values().as_struct().column_by_name(turn.name()).unwrap()));
            let turns = StructArray::try_new_with_length(turns.clone(), arrays.collect(), None, batch.turn_count());
            let offsets = list.offsets().clone();
            Arc::new(ListArray::new(Arc::clone(element), offsets, Arc::new(turns.unwrap()), None))
        })
        .collect();
    TrajectoryBatch::new(RecordBatch::try_new(Arc::clone(schema.arrow()), arrays).unwrap()).unwrap()
}
