//! Somebody else's Parquet file, read through the gate: whatever its footer and its pages say, no more of it is decoded at
//! once than memory allows, and what would take more is told with its row. Not concerned with what values mean.

use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, RowSelection, RowSelector,
};
use parquet::arrow::{FieldLevels, ProjectionMask, parquet_to_arrow_field_levels};
use parquet::errors::ParquetError;

use super::chunks::Chunks;
use super::gate::{Closed, Gate, GatedRowGroup, Pace, ROW_COPIES, row_limit};
use super::guard::guarded;
use super::leaves::leaves_of;
use crate::column::{ColumnPath, TURNS};
use crate::error::StageError;
use crate::quantities::readable;
use crate::regular_file;

/// Somebody's Parquet file, open, for a source that looks at it.
pub struct ForeignFile {
    file: File,
    metadata: ArrowReaderMetadata,
    place: String,
    memory: u64,
}

impl ForeignFile {
    /// Opens a file that messages name `place`. Reading it takes no more than so many bytes of memory.
    ///
    /// # Errors
    /// If it cannot be read as Parquet.
    pub fn open(path: &Path, place: String, memory: u64) -> Result<Self, StageError> {
        let file = regular_file::open(path).map_err(|error| StageError::file("open", path, &error))?;
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let metadata =
            guarded(|| ArrowReaderMetadata::load(&file, options)).map_err(|error| unreadable(&place, &error))?;
        Ok(Self { file, metadata, place, memory })
    }

    /// What its footer says.
    pub fn metadata(&self) -> &ArrowReaderMetadata {
        &self.metadata
    }

    /// Hands out the rows of some row groups, with some of their leaves: at most so many at once, and fewer where they take
    /// much memory.
    ///
    /// # Errors
    /// If they cannot be decoded, one takes too much memory, and what `take` returns.
    pub fn each(
        &self,
        leaves: impl IntoIterator<Item = usize>,
        row_groups: Range<usize>,
        rows: usize,
        take: &mut dyn FnMut(&RecordBatch) -> Result<(), StageError>,
    ) -> Result<(), StageError> {
        let gated = self.gated();
        let mask = ProjectionMask::leaves(self.metadata.parquet_schema(), leaves);
        let levels = levels_of(&self.metadata, &mask)?;
        for index in row_groups {
            let (mut pace, mut taken) = (Pace { rows, by_row: false }, 0);
            while let Some(slower) = self.each_of(&gated, (&levels, index), pace, &mut taken, take)? {
                pace = slower;
            }
        }
        Ok(())
    }

    /// Hands out the rows of a row group behind those that were taken. At what pace to go on, if this one is too quick.
    fn each_of(
        &self,
        gated: &Gated<'_>,
        (levels, index): (&FieldLevels, usize),
        pace: Pace,
        taken: &mut usize,
        take: &mut dyn FnMut(&RecordBatch) -> Result<(), StageError>,
    ) -> Result<Option<Pace>, StageError> {
        let group = self.metadata.metadata().row_groups().get(index);
        let rows = group.map_or(0, |group| usize::try_from(group.num_rows()).unwrap_or(0));
        let file = self.file.try_clone().map_err(|error| unreadable(&self.place, &error))?;
        let skipped = (*taken > 0).then(|| rows_behind(*taken, rows));
        let mut reader = gated
            .read(levels, (Arc::new(Chunks::File(file)), index), pace, skipped)
            .map_err(|error| unreadable(&self.place, &error))?;
        loop {
            match guarded(|| reader.batches.next().transpose()) {
                Ok(Some(batch)) => {
                    take(&batch)?;
                    *taken += batch.num_rows();
                }
                Ok(None) => return Ok(None),
                Err(error) => {
                    let closed = reader.closed();
                    return match closed {
                        Some(Closed::Slower(pace)) => Ok(Some(pace)),
                        _ => Err(gated.refused(index, closed).unwrap_or_else(|| unreadable(&self.place, &error))),
                    };
                }
            }
        }
    }

    fn gated(&self) -> Gated<'_> {
        Gated { file: &self.file, metadata: &self.metadata, place: &self.place, memory: self.memory }
    }
}

fn unreadable(place: &str, error: &dyn std::error::Error) -> StageError {
    StageError::new(format!("cannot read `{place}` as Parquet: {error}"))
        .help("the file is damaged: have it written anew, or leave it out")
}

/// A selection of the rows of a row group behind the first.
pub(super) fn rows_behind(skipped: usize, rows: usize) -> RowSelection {
    RowSelection::from(vec![RowSelector::skip(skipped), RowSelector::select(rows.saturating_sub(skipped))])
}

/// What is read of a file.
pub(super) fn levels_of(metadata: &ArrowReaderMetadata, mask: &ProjectionMask) -> Result<FieldLevels, StageError> {
    Ok(parquet_to_arrow_field_levels(metadata.parquet_schema(), mask.clone(), None)?)
}

/// A row group that is decoded batch by batch.
pub(super) struct RowGroupReader {
    pub(super) batches: ParquetRecordBatchReader,
    /// Of a file that is somebody else's.
    pub(super) gate: Option<Arc<Gate>>,
}

impl RowGroupReader {
    /// Why its gate let no more through, if so.
    pub(super) fn closed(&self) -> Option<Closed> {
        self.gate.as_ref().and_then(|gate| gate.closed())
    }
}

/// An open file that is read through a gate.
#[derive(Clone, Copy)]
pub(super) struct Gated<'a> {
    pub(super) file: &'a File,
    pub(super) metadata: &'a ArrowReaderMetadata,
    /// How messages name it.
    pub(super) place: &'a str,
    /// Bytes that reading it may take.
    pub(super) memory: u64,
}

impl Gated<'_> {
    /// Decodes a row group, by its number in the file.
    pub(super) fn read(
        &self,
        levels: &FieldLevels,
        (chunks, index): (Arc<Chunks>, usize),
        pace: Pace,
        selection: Option<RowSelection>,
    ) -> Result<RowGroupReader, ParquetError> {
        let gate = Gate::new(self.memory, pace, self.metadata.parquet_schema().num_columns());
        let row_group = GatedRowGroup { chunks, metadata: self.metadata.metadata(), index, gate: Arc::clone(&gate) };
        let read = || ParquetRecordBatchReader::try_new_with_row_groups(levels, &row_group, pace.rows, selection);
        Ok(RowGroupReader { batches: guarded(read)?, gate: Some(gate) })
    }

    /// An error about what does not fit in a row group, by its number in the file; `None` if the gate refused nothing.
    pub(super) fn refused(&self, index: usize, closed: Option<Closed>) -> Option<StageError> {
        match closed? {
            Closed::Row { row, leaf, bytes } => Some(self.too_large((index, row), Some(leaf), bytes)),
            Closed::Page { leaf, bytes } => {
                let (column, memory) = (self.column_of(leaf), readable(self.memory));
                let message = format!(
                    "row group {index}, column `{column}`: a page has {} uncompressed, more than the {memory} of `--memory`",
                    readable(bytes)
                );
                let error = StageError::new(message).place(self.place.to_owned());
                Some(error.help("raise `--memory`, or have the file written with smaller pages"))
            }
            Closed::Slower(_) => None,
        }
    }

    /// An error about a row that takes so many bytes, and more.
    pub(super) fn too_large(&self, (index, row): (usize, u64), leaf: Option<usize>, bytes: u64) -> StageError {
        let groups = self.metadata.metadata().row_groups().iter().take(index);
        let number = groups.fold(row, |rows, group| rows.saturating_add(group.num_rows().max(0) as u64));
        let column = leaf.map(|leaf| format!(", column `{}`", self.column_of(leaf))).unwrap_or_default();
        let memory = self.memory;
        let limit = match row_limit(memory).saturating_mul(ROW_COPIES) < memory.saturating_sub(ROW_COPIES) {
            true => format!("more than the limit of {} for a row", readable(row_limit(memory))),
            false => format!(
                "and working on it takes {ROW_COPIES} times as much, more than the {} of `--memory`",
                readable(memory)
            ),
        };
        let message = format!("row {number}{column}: it has at least {} decoded, {limit}", readable(bytes));
        let error = StageError::new(message)
            .place(self.place.to_owned())
            .help("raise `--memory`, or leave the row out of the file");
        match self.name_of(index, row) {
            Some(id) => error.trajectory(id),
            None => error,
        }
    }

    /// The id of a row's trajectory, if it can be read.
    fn name_of(&self, index: usize, row: u64) -> Option<String> {
        let leaves = leaves_of(self.metadata.schema(), &ColumnPath::from("trajectory_id"))?;
        let mask = ProjectionMask::leaves(self.metadata.parquet_schema(), leaves);
        let levels = levels_of(self.metadata, &mask).ok()?;
        let chunks = Arc::new(Chunks::File(self.file.try_clone().ok()?));
        let selection = RowSelection::from(vec![RowSelector::skip(row as usize), RowSelector::select(1)]);
        let pace = Pace { rows: 1, by_row: true };
        let mut reader = self.read(&levels, (chunks, index), pace, Some(selection)).ok()?;
        let batch = guarded(|| reader.batches.next().transpose()).ok()??;
        let ids = cast(batch.columns().first()?, &DataType::Utf8).ok()?;
        let ids = ids.as_string_opt::<i32>()?;
        (ids.len() == 1 && ids.is_valid(0)).then(|| ids.value(0).to_owned())
    }

    /// The column that a leaf belongs to, as others write it.
    fn column_of(&self, leaf: usize) -> String {
        match self.metadata.parquet_schema().column(leaf).path().parts() {
            [] => String::new(),
            [turns, .., name] if turns == TURNS => ColumnPath::of_turn(name).to_string(),
            [name, ..] => name.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, StringArray};
    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::WriterProperties;

    use super::*;

    const TEXT_BYTES: usize = 10_000;
    const ROWS: usize = 1000;

    /// A file with one column, whose texts a dictionary repeats but for the last, which is so long.
    fn file(place: &Path, last: usize) -> ForeignFile {
        let texts = std::iter::repeat_n("x".repeat(TEXT_BYTES), ROWS - 1).chain(["y".repeat(last)]);
        let texts: ArrayRef = Arc::new(texts.map(Some).collect::<StringArray>());
        let batch = RecordBatch::try_from_iter([("error", texts)]).unwrap();
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(ROWS * 3 / 4)).build();
        let path = place.join("x.parquet");
        let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        ForeignFile::open(&path, "x.parquet".to_owned(), 1 << 20).unwrap()
    }

    #[test]
    fn rows_come_in_order_and_no_more_at_once_than_fit() {
        let place = tempfile::tempdir().unwrap();
        let (mut lengths, mut most) = (Vec::new(), 0);
        file(place.path(), 7)
            .each([0], 0..2, ROWS, &mut |batch| {
                lengths.extend(batch.column(0).as_string::<i32>().iter().map(|text| text.unwrap_or_default().len()));
                most = most.max(batch.num_rows());
                Ok(())
            })
            .unwrap();
        let mut expected = vec![TEXT_BYTES; ROWS];
        expected[ROWS - 1] = 7;
        assert_eq!(lengths, expected);
        assert!(most > 1 && most * TEXT_BYTES < 1 << 20, "{most} rows at once");
    }

    #[test]
    fn a_row_that_does_not_fit_is_told() {
        let place = tempfile::tempdir().unwrap();
        let mut rows = 0;
        let told = file(place.path(), 500_000).each([0], 0..2, ROWS, &mut |batch| {
            rows += batch.num_rows();
            Ok(())
        });
        insta::assert_snapshot!(told.unwrap_err().to_string(), @"x.parquet: row 999, column `error`: it has at least 489 KiB decoded, and working on it takes 3 times as much, more than the 1024 KiB of `--memory`");
        assert!(rows >= ROWS * 3 / 4, "{rows}");
    }
}
