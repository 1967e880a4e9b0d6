//! The new columns of one shard, written beside its other columns.

use arrow::array::{Array as _, ArrayRef, BooleanArray};

use crate::contract::AddedColumn;
use crate::dataset::{BaseBatch, ColumnWriter, DataFile, Selection, Shard};
use crate::stage::StageError;
use crate::store::Attempt;

/// A column file that is being written; it is created with the first batch, which knows whether turns may be null.
pub(crate) struct ShardColumns<'a> {
    adds: &'a [AddedColumn],
    shard: &'a Shard,
    attempt: &'a Attempt,
    writer: Option<ColumnWriter>,
}

const FILE_NAME: &str = "columns.parquet";

impl<'a> ShardColumns<'a> {
    pub(crate) fn new(adds: &'a [AddedColumn], shard: &'a Shard, attempt: &'a Attempt) -> Self {
        Self { adds, shard, attempt, writer: None }
    }

    fn writer(&mut self, nullable: Option<(bool, bool)>) -> Result<&mut ColumnWriter, StageError> {
        match self.writer {
            Some(ref mut writer) => Ok(writer),
            None => {
                let path = self.attempt.path(FILE_NAME);
                Ok(self.writer.insert(ColumnWriter::create(&path, self.adds, &self.shard.row_groups, nullable)?))
            }
        }
    }

    /// Adds the values of the next base rows: one for each selected row or turn.
    pub(crate) fn push(&mut self, base: &BaseBatch, arrays: &[ArrayRef]) -> Result<(), StageError> {
        if self.adds.is_empty() {
            return Ok(());
        }
        let nullable = base.shape.as_ref().map(|shape| (shape.list_nullable, shape.turn_nullable));
        self.writer(nullable)?.push(base, arrays)
    }

    /// The file; none if the stage only drops columns.
    pub(crate) fn finish(mut self) -> Result<Option<DataFile>, StageError> {
        if self.adds.is_empty() {
            return Ok(None);
        }
        self.writer(None)?;
        let path = self.attempt.path(FILE_NAME);
        let writer = self.writer.ok_or_else(|| StageError::new("no column file was begun"))?;
        let written = writer.finish(&path)?;
        Ok(Some(written.into_file(self.attempt.relative(FILE_NAME))))
    }
}

/// Numbers, in the shard, of the selected rows of a batch.
pub(crate) fn selected_rows(base: &BaseBatch) -> impl Iterator<Item = u64> + '_ {
    let is_selected = |row: &usize| base.selected.as_ref().is_none_or(|mask| mask.value(*row));
    (0..base.rows.num_rows()).filter(is_selected).map(|row| base.first_row + row as u64)
}

/// Adds those of some rows, given by their numbers in ascending order, that the mask keeps.
pub(crate) fn keep(rows: impl Iterator<Item = u64>, mask: &BooleanArray, kept: &mut Selection) {
    for (index, row) in rows.enumerate() {
        if mask.is_valid(index) && mask.value(index) {
            kept.push(row);
        }
    }
}
