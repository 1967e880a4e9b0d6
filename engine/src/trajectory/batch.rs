//! A typed view of a batch of trajectories: row columns and, flat with offsets, the columns of their turns.
//! Not concerned with where the batch came from.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray as _, BooleanArray, Float32Array, ListArray, RecordBatch, RecordBatchOptions, StringArray,
    StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Schema};

use super::schema::TrajectorySchema;
use crate::column::{ColumnPath, TURNS};
use crate::error::StageError;

/// Whole trajectories, one row each, with the columns that the reader asked for.
#[derive(Clone, Debug)]
pub struct TrajectoryBatch {
    batch: RecordBatch,
    /// Flat columns of all turns, rebased so that `offsets` begins at 0; `None` if turns were not asked for.
    turns: Option<ListArray>,
}

impl TrajectoryBatch {
    /// Wraps a batch whose `turns`, if there, is a `list<struct>`.
    ///
    /// # Errors
    /// If `turns` has another type.
    pub fn new(batch: RecordBatch) -> Result<Self, StageError> {
        let turns = match batch.column_by_name(TURNS) {
            None => None,
            Some(array) => Some(rebased(
                array.as_list_opt::<i32>().filter(|list| list.values().as_struct_opt().is_some()).ok_or_else(|| {
                    StageError::new(format!(
                        "column `turns` has type {}, expected a list of structs",
                        array.data_type()
                    ))
                })?,
            )),
        };
        Ok(Self { batch, turns })
    }

    /// The same trajectories with only these columns. `turns` asks for the list without any of its columns; a path that is
    /// not there is passed over.
    ///
    /// # Errors
    /// If Arrow cannot put the columns together.
    pub fn project(&self, paths: &[ColumnPath]) -> Result<Self, StageError> {
        let projected = TrajectorySchema::new(self.batch.schema()).project(paths);
        let mut fields = Vec::new();
        let mut columns: Vec<ArrayRef> = Vec::new();
        for field in projected.arrow().fields() {
            match &self.turns {
                Some(list) if field.name() == TURNS => {
                    let all = list.values().as_struct();
                    let (turn_fields, arrays): (Vec<_>, Vec<_>) = all
                        .fields()
                        .iter()
                        .zip(all.columns())
                        .filter(|(turn, _)| paths.contains(&ColumnPath::of_turn(turn.name())))
                        .map(|(turn, array)| (Arc::clone(turn), Arc::clone(array)))
                        .unzip();
                    let structs = match arrays.is_empty() {
                        true => StructArray::new_empty_fields(all.len(), all.nulls().cloned()),
                        false => StructArray::try_new(turn_fields.into(), arrays, all.nulls().cloned())?,
                    };
                    let element = Arc::new(Field::new("element", structs.data_type().clone(), true));
                    let offsets = list.offsets().clone();
                    let list = ListArray::try_new(element, offsets, Arc::new(structs), list.nulls().cloned())?;
                    fields.push(Field::new(TURNS, list.data_type().clone(), true));
                    columns.push(Arc::new(list));
                }
                _ => {
                    columns.extend(self.batch.column_by_name(field.name()).cloned());
                    fields.push(field.as_ref().clone());
                }
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows()));
        Self::new(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?)
    }

    /// Number of trajectories.
    pub fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    /// The batch as Arrow has it.
    pub fn record_batch(&self) -> &RecordBatch {
        &self.batch
    }

    /// Length `rows + 1`: trajectory `i` has the turns `offsets[i]..offsets[i + 1]` of every flat turn column.
    /// All zero when the batch was read without turns.
    pub fn turn_offsets(&self) -> Vec<usize> {
        match &self.turns {
            Some(list) => list.value_offsets().iter().map(|offset| *offset as usize).collect(),
            None => vec![0; self.rows() + 1],
        }
    }

    /// Number of turns of all trajectories together: the length of every flat turn column.
    pub fn turn_count(&self) -> usize {
        self.turns.as_ref().map_or(0, |list| list.values().len())
    }

    /// The turns of one trajectory, as a range of the flat turn columns.
    pub fn turns_of(&self, row: usize) -> Range<usize> {
        match &self.turns {
            Some(list) => list.value_offsets()[row] as usize..list.value_offsets()[row + 1] as usize,
            None => 0..0,
        }
    }

    /// The `turns` list itself, its offsets beginning at 0.
    pub fn turns_list(&self) -> Option<&ListArray> {
        self.turns.as_ref()
    }

    /// A column by path: one value a row, or for `turns.x` one value a turn. `None` if the batch has it not.
    pub fn column(&self, path: &str) -> Option<&ArrayRef> {
        let path = ColumnPath::from(path);
        match path.turn_name() {
            Some(name) => self.turns.as_ref()?.values().as_struct().column_by_name(name),
            None => self.batch.column_by_name(path.as_str()),
        }
    }

    fn typed<'a, A: 'static>(&'a self, path: &str, expected: &DataType) -> Result<&'a A, StageError> {
        let array = self.column(path).ok_or_else(|| {
            StageError::new(format!("column `{path}` was not read; a stage's contract must list what it reads"))
        })?;
        array.as_any().downcast_ref::<A>().ok_or_else(|| {
            StageError::new(format!("column `{path}` has type {}, expected {expected}", array.data_type()))
        })
    }

    /// A text column.
    ///
    /// # Errors
    /// If the batch has no such column, or of another type.
    pub fn text(&self, path: &str) -> Result<&StringArray, StageError> {
        self.typed(path, &DataType::Utf8)
    }

    /// A float32 column; errors as [`Self::text`].
    ///
    /// # Errors
    /// If the batch has no such column, or of another type.
    pub fn float(&self, path: &str) -> Result<&Float32Array, StageError> {
        self.typed(path, &DataType::Float32)
    }

    /// A boolean column; errors as [`Self::text`].
    ///
    /// # Errors
    /// If the batch has no such column, or of another type.
    pub fn boolean(&self, path: &str) -> Result<&BooleanArray, StageError> {
        self.typed(path, &DataType::Boolean)
    }

    /// Name of a trajectory for messages: its id if that was read, else its row number.
    pub fn name_of(&self, row: usize) -> String {
        match self.text("trajectory_id") {
            Ok(ids) => ids.value(row).to_owned(),
            Err(_) => format!("row {row}"),
        }
    }
}

/// The same list with offsets that begin at 0 and a child array that holds nothing else.
fn rebased(list: &ListArray) -> ListArray {
    let offsets = list.value_offsets();
    let (first, last) = (offsets[0], offsets[offsets.len() - 1]);
    let values = list.values().slice(first as usize, (last - first) as usize);
    let DataType::List(field) = list.data_type() else { return list.clone() };
    let moved: Vec<i32> = offsets.iter().map(|offset| offset - first).collect();
    ListArray::new(Arc::clone(field), OffsetBuffer::new(moved.into()), values, list.nulls().cloned())
}
