//! Writes the Parquet files of a shard. Bytes depend on the rows alone: whatever batches come in are cut again into
//! fixed units, because Parquet's writer looks at its limits once a call.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, ListArray, RecordBatch, StructArray, UInt64Array, new_null_array};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, ParquetMetaData};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::SchemaDescriptor;

use super::chunks::{COPIED_BYTES, digest, footer_digest, read_chunk, rest_digest};
use super::digests::Digests;
use super::leaves::leaves_of;
use super::reader::{BaseBatch, TurnShape};
use super::row_bytes::row_bytes;
use super::shard::{DataFile, Shard};
use crate::added_column::AddedColumn;
use crate::column::{ColumnPath, TURNS};
use crate::error::StageError;
use crate::trajectory::{SCHEMA_VERSION, SCHEMA_VERSION_KEY, TrajectorySchema};

/// Rows handed to Parquet's writer at once.
const UNIT_ROWS: usize = 256;

/// A row group of new rows ends here: large enough to compress, small enough to be held decoded.
const ROW_GROUP_ROWS: usize = 64 * UNIT_ROWS;
const ROW_GROUP_BYTES: u64 = 16 << 20;

/// What was written: row groups, for each column the digest of its chunks in each, and digests of the footer and of all that
/// is neither.
pub(crate) struct Written {
    pub(crate) row_groups: Vec<u64>,
    pub(crate) digests: Digests,
    pub(crate) footer: String,
    pub(crate) rest: String,
}

impl Written {
    /// The file, which lies in the store under this path.
    pub(crate) fn into_file(self, relative: String) -> DataFile {
        DataFile::of_store(relative, self.digests, self.footer, self.rest)
    }

    /// A shard of new rows that are all in this one file, with all columns of the schema.
    pub(crate) fn into_shard(mut self, label: String, relative: String, schema: &TrajectorySchema) -> Shard {
        let row_groups = std::mem::take(&mut self.row_groups);
        let file = self.into_file(relative);
        let columns = schema.paths().into_iter().map(|column| (column, 0)).collect();
        Shard { label, row_groups, selection: None, columns, files: vec![file] }
    }
}

/// Collects rows and writes them in fixed units.
struct UnitWriter {
    /// For messages.
    path: PathBuf,
    writer: SerializedFileWriter<BufWriter<File>>,
    encoders: ArrowRowGroupWriterFactory,
    /// One for each leaf of the row group that is being encoded; none if no row group was begun.
    leaves: Vec<ArrowColumnWriter>,
    schema: SchemaRef,
    pending: Vec<RecordBatch>,
    pending_rows: usize,
}

impl UnitWriter {
    fn create(path: &Path, schema: SchemaRef) -> Result<Self, StageError> {
        let file = File::create_new(path).map_err(|error| StageError::file("create", path, &error))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(Default::default()))
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_max_row_group_row_count(None)
            .set_key_value_metadata(Some(vec![KeyValue::new(SCHEMA_VERSION_KEY.to_owned(), SCHEMA_VERSION.to_owned())]))
            .build();
        // Chunks are copied in pieces of 8 KiB: without a larger buffer each were a system call.
        let file = BufWriter::with_capacity(COPIED_BYTES, file);
        let writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties));
        let (writer, encoders) =
            writer.and_then(ArrowWriter::into_serialized_writer).map_err(|error| unwritable(path, &error))?;
        let path = path.to_owned();
        Ok(Self { path, writer, encoders, leaves: Vec::new(), schema, pending: Vec::new(), pending_rows: 0 })
    }

    /// Adds rows that stay in the current row group.
    fn push(&mut self, mut batch: RecordBatch) -> Result<(), StageError> {
        while self.pending_rows + batch.num_rows() >= UNIT_ROWS {
            let room = UNIT_ROWS - self.pending_rows;
            self.pending.push(batch.slice(0, room));
            batch = batch.slice(room, batch.num_rows() - room);
            self.write_unit()?;
        }
        self.pending_rows += batch.num_rows();
        if batch.num_rows() > 0 {
            self.pending.push(batch);
        }
        Ok(())
    }

    fn begin_row_group(&mut self) -> Result<(), StageError> {
        if self.leaves.is_empty() {
            self.leaves = self.encoders.create_column_writers(self.writer.flushed_row_groups().len())?;
        }
        Ok(())
    }

    fn write_unit(&mut self) -> Result<(), StageError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        self.begin_row_group()?;
        let unit = concat_batches(&self.schema, &self.pending)?;
        let mut writers = self.leaves.iter_mut();
        for (field, array) in self.schema.fields().iter().zip(unit.columns()) {
            for (leaf, writer) in compute_leaves(field, array)?.iter().zip(&mut writers) {
                writer.write(leaf)?;
            }
        }
        self.pending.clear();
        self.pending_rows = 0;
        Ok(())
    }

    fn end_row_group(&mut self) -> Result<(), StageError> {
        self.write_unit()?;
        if self.leaves.is_empty() {
            return Ok(());
        }
        let leaves = std::mem::take(&mut self.leaves);
        self.push_row_group(|group| leaves.into_iter().try_for_each(|leaf| leaf.close()?.append_to_row_group(group)))
    }

    /// Adds a row group; `fill` appends a chunk for each leaf.
    fn push_row_group(
        &mut self,
        fill: impl FnOnce(&mut SerializedRowGroupWriter<'_, BufWriter<File>>) -> Result<(), ParquetError>,
    ) -> Result<(), StageError> {
        let write = || {
            let mut group = self.writer.next_row_group()?;
            fill(&mut group)?;
            group.close().map(drop)
        };
        write().map_err(|error| unwritable(&self.path, &error))
    }

    /// Writes what is left, and the footer.
    fn end(&mut self) -> Result<ParquetMetaData, StageError> {
        self.end_row_group()?;
        self.writer.finish().map_err(|error| unwritable(&self.path, &error))
    }

    /// Ends the file, forces it to disk and digests what lies there.
    fn finish(mut self, path: &Path) -> Result<Written, StageError> {
        let metadata = self.end()?;
        let unreadable = |error| StageError::file("read back", path, &error);
        self.writer.inner().get_ref().sync_all().map_err(|error| StageError::file("write", path, &error))?;
        let file = File::open(path).map_err(unreadable)?;
        let mut digests: BTreeMap<ColumnPath, Vec<blake3::Hash>> = BTreeMap::new();
        for column in TrajectorySchema::new(Arc::clone(&self.schema)).paths() {
            let Some(leaves) = leaves_of(&self.schema, &column) else { continue };
            for group in metadata.row_groups() {
                let chunks = leaves
                    .clone()
                    .map(|leaf| read_chunk(&file, group, leaf))
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(unreadable)?;
                digests.entry(column.clone()).or_default().push(digest(chunks.iter().map(|(_, bytes)| bytes)));
            }
        }
        // Each column got one for every row group.
        let digests = Digests::of_columns(digests).unwrap_or_default();
        let row_groups = metadata.row_groups().iter().map(|group| group.num_rows() as u64).collect();
        let footer = footer_digest(&file).map_err(unreadable)?;
        Ok(Written { row_groups, digests, footer, rest: rest_digest(&file, &metadata).map_err(unreadable)?.0 })
    }
}

/// Writes a shard of new rows; row groups are cut by rows and decoded bytes.
pub(crate) struct RowWriter {
    writer: UnitWriter,
    group_rows: usize,
    group_bytes: u64,
}

impl RowWriter {
    /// Creates the file.
    pub(crate) fn create(path: &Path, schema: &TrajectorySchema) -> Result<Self, StageError> {
        let writer = UnitWriter::create(path, Arc::clone(schema.arrow()))?;
        Ok(Self { writer, group_rows: 0, group_bytes: 0 })
    }

    /// Adds rows of the schema.
    pub(crate) fn push(&mut self, batch: &RecordBatch) -> Result<(), StageError> {
        let mut start = 0;
        for (row, size) in row_bytes(batch).into_iter().enumerate() {
            if self.group_rows > 0 && (self.group_rows >= ROW_GROUP_ROWS || self.group_bytes + size > ROW_GROUP_BYTES) {
                self.writer.push(batch.slice(start, row - start))?;
                self.writer.end_row_group()?;
                (start, self.group_rows, self.group_bytes) = (row, 0, 0);
            }
            self.group_rows += 1;
            self.group_bytes += size;
        }
        self.writer.push(batch.slice(start, batch.num_rows() - start))
    }

    /// Adds a row group whose chunks are encoded already; `fill` appends one for each leaf.
    pub(super) fn push_encoded(
        &mut self,
        fill: impl FnOnce(&mut SerializedRowGroupWriter<'_, BufWriter<File>>) -> Result<(), ParquetError>,
    ) -> Result<(), StageError> {
        self.writer.end_row_group()?;
        (self.group_rows, self.group_bytes) = (0, 0);
        self.writer.push_row_group(fill)
    }

    /// The leaves as they are encoded.
    pub(super) fn leaves(&self) -> &SchemaDescriptor {
        self.writer.writer.schema_descr()
    }

    /// Ends the file.
    pub(crate) fn finish(self, path: &Path) -> Result<Written, StageError> {
        self.writer.finish(path)
    }

    /// Ends a file that does not belong to the store: nobody needs the digests of its chunks.
    pub(super) fn close(mut self) -> Result<(), StageError> {
        self.writer.end().map(drop)
    }
}

/// An error of Parquet's writer, which knows no path.
fn unwritable(path: &Path, error: &ParquetError) -> StageError {
    StageError::file("write", path, error)
}

/// Writes new columns of a shard beside its base: same rows, same row groups, null where a row is not selected.
pub(crate) struct ColumnWriter {
    writer: UnitWriter,
    columns: Vec<AddedColumn>,
    /// Rows still to come of each row group.
    left: Vec<u64>,
    group: usize,
}

impl ColumnWriter {
    /// Creates the file. `shape` tells whether lists and turns of the base may be null; there must be one if any
    /// of the columns is a turn's.
    pub(crate) fn create(
        path: &Path,
        columns: &[AddedColumn],
        row_groups: &[u64],
        nullable: Option<(bool, bool)>,
    ) -> Result<Self, StageError> {
        let schema = Arc::new(Schema::new(column_fields(columns, nullable.unwrap_or_default())));
        let writer = UnitWriter::create(path, schema)?;
        Ok(Self { writer, columns: columns.to_vec(), left: row_groups.to_vec(), group: 0 })
    }

    /// Adds the columns of the next base rows. `arrays` hold one value for each *selected* row or turn.
    pub(crate) fn push(&mut self, base: &BaseBatch, arrays: &[ArrayRef]) -> Result<(), StageError> {
        let row_places = base.selected.as_ref().map(|mask| places(mask, |_| 1));
        let mut row_arrays: Vec<ArrayRef> = Vec::new();
        let mut turn_arrays: Vec<ArrayRef> = Vec::new();
        for (column, array) in self.columns.iter().zip(arrays) {
            let (target, places) = match (column.path.turn_name(), &base.shape) {
                (None, _) => (&mut row_arrays, row_places.clone()),
                (Some(_), Some(shape)) => {
                    let count = |row: usize| (shape.offsets[row + 1] - shape.offsets[row]) as usize;
                    (&mut turn_arrays, base.selected.as_ref().map(|mask| places(mask, count)))
                }
                (Some(name), None) => {
                    return Err(StageError::new(format!("turns were not read, so `turns.{name}` has no place")));
                }
            };
            target.push(match places {
                None => Arc::clone(array),
                Some(places) => scatter(array, &places)?,
            });
        }
        let mut fields = Vec::new();
        let mut columns: Vec<ArrayRef> = Vec::new();
        if let (false, Some(shape)) = (turn_arrays.is_empty(), &base.shape) {
            columns.push(Arc::new(list_of_turns(&self.columns, turn_arrays, shape)?));
            fields.push(Field::new(TURNS, columns[0].data_type().clone(), shape.list_nullable));
        }
        let row_columns = self.columns.iter().filter(|column| column.path.turn_name().is_none());
        fields.extend(row_columns.map(AddedColumn::field));
        columns.extend(row_arrays);
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
        self.write(batch)
    }

    fn write(&mut self, mut batch: RecordBatch) -> Result<(), StageError> {
        loop {
            self.pass_empty_row_groups()?;
            if batch.num_rows() == 0 {
                return Ok(());
            }
            let left =
                self.left.get_mut(self.group).ok_or_else(|| StageError::new("a column has more rows than its base"))?;
            let rows = batch.num_rows().min(*left as usize);
            *left -= rows as u64;
            let ended = *left == 0;
            self.writer.push(batch.slice(0, rows))?;
            if ended {
                self.writer.end_row_group()?;
                self.group += 1;
            }
            batch = batch.slice(rows, batch.num_rows() - rows);
        }
    }

    /// Other writers leave row groups without rows, and row groups are found by their number.
    fn pass_empty_row_groups(&mut self) -> Result<(), StageError> {
        while self.left.get(self.group) == Some(&0) {
            self.writer.begin_row_group()?;
            self.writer.end_row_group()?;
            self.group += 1;
        }
        Ok(())
    }

    /// Ends the file.
    pub(crate) fn finish(mut self, path: &Path) -> Result<Written, StageError> {
        self.pass_empty_row_groups()?;
        if self.left.iter().any(|left| *left > 0) {
            return Err(StageError::new("a column has fewer rows than its base"));
        }
        self.writer.finish(path)
    }
}

fn column_fields(columns: &[AddedColumn], (list_nullable, turn_nullable): (bool, bool)) -> Vec<Field> {
    let (turns, rows): (Vec<_>, Vec<_>) = columns.iter().partition(|column| column.path.turn_name().is_some());
    let mut fields = Vec::new();
    if !turns.is_empty() {
        let turn: Fields = turns.iter().map(|column| column.field()).collect();
        let element = Field::new("element", DataType::Struct(turn), turn_nullable);
        fields.push(Field::new(TURNS, DataType::List(Arc::new(element)), list_nullable));
    }
    fields.extend(rows.iter().map(|column| column.field()));
    fields
}

fn list_of_turns(columns: &[AddedColumn], arrays: Vec<ArrayRef>, shape: &TurnShape) -> Result<ListArray, StageError> {
    let fields: Fields =
        columns.iter().filter(|column| column.path.turn_name().is_some()).map(AddedColumn::field).collect();
    let turns = StructArray::try_new(fields, arrays, shape.turn_nulls.clone())?;
    let element = Arc::new(Field::new("element", turns.data_type().clone(), shape.turn_nullable));
    Ok(ListArray::try_new(element, shape.offsets.clone(), Arc::new(turns), shape.list_nulls.clone())?)
}

/// For each row (or turn: `count` of them a row), which selected one it is.
pub(crate) fn places(mask: &BooleanArray, count: impl Fn(usize) -> usize) -> UInt64Array {
    let mut next = 0;
    let mut places = Vec::with_capacity(mask.len());
    for row in 0..mask.len() {
        for _ in 0..count(row) {
            places.push(mask.value(row).then_some(next));
            next += u64::from(mask.value(row));
        }
    }
    UInt64Array::from(places)
}

/// Puts values of selected rows in their places, null between them.
pub(crate) fn scatter(array: &ArrayRef, places: &UInt64Array) -> Result<ArrayRef, StageError> {
    if array.is_empty() {
        return Ok(new_null_array(array.data_type(), places.len()));
    }
    Ok(take(array, places, None)?)
}
