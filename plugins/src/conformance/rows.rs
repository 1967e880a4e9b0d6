//! Trajectories for a plugin, made of the columns that it reads: which rows there are, and what is special about each.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, RecordBatch, RecordBatchOptions, StringArray, StructArray, UInt64Array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Field, Schema};
use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::Scope;
use sternlight_engine::stage::StageError;
use sternlight_engine::trajectory::{TrajectoryBatch, canonical_type, is_required, turns_field};

use super::random::Random;
use super::values::{Text, values};
use crate::description::PluginContract;
use crate::groups::Grouped;
use crate::stage::CALL;

/// Rows of a group.
const GROUP_ROWS: usize = 4;

/// What a row is like.
#[derive(Clone, Debug)]
pub(crate) struct RowPlan {
    /// Its id, which says what is special about it.
    pub(crate) id: String,
    pub(crate) turns: usize,
    pub(crate) text: Text,
    pub(crate) nulls: Nulls,
}

/// Which of the values that may be null are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Nulls {
    Some,
    None,
    All,
    /// Those of this column, and no others.
    Column(ColumnPath),
}

/// Rows, and what of them may be called for alone.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    pub(crate) batch: TrajectoryBatch,
    /// A row each, or a group each.
    pub(crate) units: Vec<Range<usize>>,
}

impl Rows {
    /// Some of the units, as rows of their own.
    ///
    /// # Errors
    /// If Arrow cannot make them.
    pub(crate) fn part(&self, units: Range<usize>) -> Result<Self, StageError> {
        let units = self.units.get(units).unwrap_or_default();
        let (start, end) = (units.first().map_or(0, |unit| unit.start), units.last().map_or(0, |unit| unit.end));
        let batch = TrajectoryBatch::new(self.batch.record_batch().slice(start, end - start))?;
        Ok(Self { batch, units: units.iter().map(|unit| unit.start - start..unit.end - start).collect() })
    }

    /// The same rows with their units in another order, and where each row came from.
    ///
    /// # Errors
    /// If Arrow cannot make them.
    pub(crate) fn reordered(&self, order: &[usize]) -> Result<(Self, Vec<usize>), StageError> {
        let units: Vec<Range<usize>> = order.iter().filter_map(|unit| self.units.get(*unit).cloned()).collect();
        let rows: Vec<usize> = units.iter().cloned().flatten().collect();
        let indices: UInt64Array = rows.iter().map(|row| Some(*row as u64)).collect();
        let batch = TrajectoryBatch::new(take_record_batch(self.batch.record_batch(), &indices)?)?;
        let units = units.iter().scan(0, |start, unit| {
            let moved = *start..*start + unit.len();
            *start = moved.end;
            Some(moved)
        });
        Ok((Self { batch, units: units.collect() }, rows))
    }
}

/// Trajectories of batches as a run would call for them: some hundred at once, or whole groups, for which all are read.
///
/// # Errors
/// If they cannot be read, or groups not be made of them.
pub(crate) fn rows_of_calls<'a>(
    contract: &PluginContract,
    batches: &'a mut dyn Iterator<Item = Result<TrajectoryBatch, StageError>>,
) -> Result<Box<dyn Iterator<Item = Result<Rows, StageError>> + 'a>, StageError> {
    if contract.scope != Scope::Group {
        let cut = |batch: TrajectoryBatch| {
            let count = batch.rows();
            let rows = Rows { batch, units: (0..count).map(|row| row..row + 1).collect() };
            (0..count).step_by(CALL.rows).map(move |start| rows.part(start..count.min(start + CALL.rows)))
        };
        return Ok(Box::new(batches.flat_map(move |batch| match batch {
            Ok(batch) => cut(batch).collect(),
            Err(error) => vec![Err(error)],
        })));
    }
    let all = batches.map(|batch| Ok(batch?.record_batch().clone())).collect::<Result<Vec<_>, StageError>>()?;
    let Some(first) = all.first() else { return Ok(Box::new(std::iter::empty())) };
    let whole = TrajectoryBatch::new(concat_batches(first.schema_ref(), &all)?)?;
    let grouped = Grouped::of(&whole)?;
    let groups = grouped.calls().into_iter().scan(0, |start, call| {
        let groups = *start..*start + call.len();
        *start = groups.end;
        Some(groups)
    });
    let groups: Vec<Range<usize>> = groups.collect();
    let rows = Rows { batch: grouped.batch, units: grouped.groups };
    Ok(Box::new(groups.into_iter().map(move |groups| rows.part(groups))))
}

impl RowPlan {
    /// An ordinary row.
    pub(crate) fn plain(id: impl Into<String>, turns: usize) -> Self {
        Self { id: id.into(), turns, text: Text::Plain, nulls: Nulls::None }
    }
}

/// Ordinary rows of all lengths, of which some values are null.
pub(crate) fn ordinary(count: usize) -> Vec<RowPlan> {
    let plan = |row| RowPlan { nulls: Nulls::Some, ..RowPlan::plain(format!("plain-{row}"), 1 + row * 7 % 5) };
    (0..count).map(plan).collect()
}

/// The columns that are sent to a plugin, with types that it takes.
pub(crate) fn columns(contract: &PluginContract) -> Vec<(ColumnPath, DataType)> {
    let typed = |(path, wanted): &(ColumnPath, Option<DataType>)| {
        let data_type = wanted.clone().or_else(|| canonical_type(path)).unwrap_or(DataType::Utf8);
        (path.clone(), data_type)
    };
    contract.reads.iter().filter(|(path, _)| !path.is_turn_counts()).map(typed).collect()
}

/// The columns of which values may be null.
pub(crate) fn nullable(contract: &PluginContract) -> Vec<ColumnPath> {
    columns(contract).into_iter().map(|(path, _)| path).filter(|path| !is_required(path)).collect()
}

/// The rows that are planned: the same for the same seed.
///
/// # Errors
/// If Arrow cannot make them.
pub(crate) fn made(contract: &PluginContract, plans: &[RowPlan], seed: u64) -> Result<Rows, StageError> {
    let mut random = Random::new(seed);
    let groups: Vec<String> = (0..plans.len()).map(|row| format!("group-{}", row / GROUP_ROWS)).collect();
    let ids: ArrayRef = Arc::new(StringArray::from_iter_values(plans.iter().map(|plan| &plan.id)));
    let mut fields =
        vec![Field::new("trajectory_id", DataType::Utf8, false), Field::new("group_id", DataType::Utf8, false)];
    let mut arrays: Vec<ArrayRef> = vec![ids, Arc::new(StringArray::from_iter_values(&groups))];
    let (mut turn_fields, mut turn_arrays) = (Vec::new(), Vec::new());
    for (path, data_type) in columns(contract) {
        let name = path.turn_name().unwrap_or(path.as_str());
        // The ids are there.
        if path.turn_name().is_none() && fields.iter().any(|field| field.name() == name) {
            continue;
        }
        let array = values(&path, &data_type, plans, &mut random)?;
        let field = Field::new(name, array.data_type().clone(), !is_required(&path));
        match path.turn_name() {
            None => (fields.push(field), arrays.push(array)),
            Some(_) => (turn_fields.push(field), turn_arrays.push(array)),
        };
    }
    if contract.sends_turns() {
        let offsets = OffsetBuffer::from_lengths(plans.iter().map(|plan| plan.turns));
        let count = plans.iter().map(|plan| plan.turns).sum();
        let structs = match turn_fields.is_empty() {
            true => StructArray::new_empty_fields(count, None),
            false => StructArray::try_new(turn_fields.clone().into(), turn_arrays, None)?,
        };
        let field = turns_field(turn_fields);
        let DataType::List(element) = field.data_type() else { return Err(StageError::new("`turns` is no list")) };
        arrays.push(Arc::new(ListArray::try_new(Arc::clone(element), offsets, Arc::new(structs), None)?));
        fields.push(field);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(plans.len()));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)?;
    let units = match contract.scope {
        Scope::Group => {
            (0..plans.len()).step_by(GROUP_ROWS).map(|row| row..(row + GROUP_ROWS).min(plans.len())).collect()
        }
        _ => (0..plans.len()).map(|row| row..row + 1).collect(),
    };
    Ok(Rows { batch: TrajectoryBatch::new(batch)?, units })
}
