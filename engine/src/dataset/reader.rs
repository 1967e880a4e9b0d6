//! Reads columns of a shard from its several files, in batches bounded by rows and bytes.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, BooleanArray, ListArray, RecordBatch, RecordBatchOptions, StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{CastOptions, cast_with_options, filter_record_batch};
use arrow::datatypes::{DataType, Field, Fields, Schema};
use arrow::error::ArrowError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::RowGroupMetaData;

use super::chunks::{Chunks, digest, footer_digest, read_chunk};
use super::guard::guarded;
use super::leaves::leaves_of;
use super::row_bytes::row_bytes;
use super::shard::{DataFile, FilePath, Shard, path_of};
use crate::column::{ColumnPath, TURNS};
use crate::failure::system_error;
use crate::stage::StageError;
use crate::trajectory::{TrajectoryBatch, TrajectorySchema, validate};

/// What to do about a file of the store that is not as it was written.
const REPAIR: &str = "the file was changed or the disk is failing; delete the file's directory and run again";

/// How large a batch may get. A single larger row is a batch alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimit {
    /// Rows.
    pub rows: usize,
    /// Bytes of decoded columns.
    pub bytes: usize,
}

impl Default for BatchLimit {
    fn default() -> Self {
        // What is decoded stays in the processor's cache, and below what the allocator fetches from the system anew.
        Self { rows: 1024, bytes: 1 << 20 }
    }
}

/// How the turns of some base rows lie: what a new column of the turns must copy.
#[derive(Clone, Debug)]
pub(crate) struct TurnShape {
    pub(crate) offsets: OffsetBuffer<i32>,
    pub(crate) list_nulls: Option<NullBuffer>,
    pub(crate) turn_nulls: Option<NullBuffer>,
    pub(crate) list_nullable: bool,
    pub(crate) turn_nullable: bool,
}

/// Some neighbouring base rows of a shard, selected or not.
#[derive(Clone, Debug)]
pub(crate) struct BaseBatch {
    /// The first row's number in the shard.
    pub(crate) first_row: u64,
    /// All rows, with the columns asked for.
    pub(crate) rows: RecordBatch,
    /// Which rows belong to the dataset; `None`: all.
    pub(crate) selected: Option<BooleanArray>,
    /// There if any column of the turns, or their counts, was asked for.
    pub(crate) shape: Option<TurnShape>,
}

impl BaseBatch {
    /// The selected rows.
    pub(crate) fn trajectories(&self) -> Result<TrajectoryBatch, StageError> {
        match &self.selected {
            None => TrajectoryBatch::new(self.rows.clone()),
            Some(mask) => TrajectoryBatch::new(filter_record_batch(&self.rows, mask)?),
        }
    }

    /// The same rows, known by their number and the shape of their turns alone.
    pub(crate) fn without_columns(&self) -> Result<Self, StageError> {
        Ok(Self { rows: rows_without_columns(self.rows.num_rows())?, ..self.clone() })
    }

    /// Turns of the selected rows; 0 if turns were not asked for.
    pub(crate) fn selected_turns(&self) -> usize {
        let Some(shape) = &self.shape else { return 0 };
        match &self.selected {
            None => shape.turn_count(),
            Some(mask) => {
                mask.values().set_indices().map(|row| (shape.offsets[row + 1] - shape.offsets[row]) as usize).sum()
            }
        }
    }
}

fn rows_without_columns(rows: usize) -> Result<RecordBatch, StageError> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)?)
}

/// A Parquet file of a shard, open, with the columns that are wanted of it.
pub(super) struct OpenFile {
    path: PathBuf,
    file: File,
    pub(super) metadata: ArrowReaderMetadata,
    mask: ProjectionMask,
    /// With their leaves.
    pub(super) wanted: Vec<(ColumnPath, Range<usize>)>,
    description: DataFile,
}

/// Batches of a shard's selected rows, in order. Batches without a selected row are passed over.
pub struct BatchReader(BaseReader);

impl BatchReader {
    pub(crate) fn open(
        root: &Path,
        schema: &TrajectorySchema,
        shard: &Shard,
        columns: &[ColumnPath],
        limit: BatchLimit,
    ) -> Result<Self, StageError> {
        let mut reader = BaseReader::open(root, schema, shard, columns, limit)?;
        reader.selected_only = true;
        Ok(Self(reader))
    }
}

impl Iterator for BatchReader {
    type Item = Result<TrajectoryBatch, StageError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.find_map(|batch| match batch.and_then(|batch| batch.trajectories()) {
            Ok(batch) if batch.rows() == 0 => None,
            other => Some(other),
        })
    }
}

/// Batches of all rows of a shard, with the selection beside them.
pub(crate) struct BaseReader {
    files: Vec<OpenFile>,
    /// The columns asked for, as the dataset types them.
    projected: TrajectorySchema,
    wants_turns: bool,
    selection: Option<super::Selection>,
    /// Whether row groups without a selected row are passed over.
    selected_only: bool,
    row_groups: Vec<u64>,
    limit: BatchLimit,
    next_row_group: usize,
    next_row: u64,
    readers: Vec<ParquetRecordBatchReader>,
    ready: VecDeque<BaseBatch>,
}

impl BaseReader {
    pub(crate) fn open(
        root: &Path,
        schema: &TrajectorySchema,
        shard: &Shard,
        columns: &[ColumnPath],
        limit: BatchLimit,
    ) -> Result<Self, StageError> {
        let projected = schema.project(columns);
        let wants_turns = projected.arrow().field_with_name(TURNS).is_ok();
        let mut wanted: BTreeMap<usize, Vec<ColumnPath>> = BTreeMap::new();
        for column in projected.paths() {
            wanted.entry(shard.index_of(&column)?).or_default().push(column);
        }
        let has_turn_column = projected.paths().iter().any(|column| column.turn_name().is_some());
        if wants_turns && !has_turn_column {
            let (index, column) = cheapest(root, shard)?;
            wanted.entry(index).or_default().push(column);
        }
        let files = wanted
            .into_iter()
            .map(|(index, columns)| {
                let file = shard.files.get(index).ok_or_else(|| shard.missing(&columns[0]))?;
                OpenFile::open(root, file, columns)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            files,
            projected,
            wants_turns,
            selection: shard.selection.clone(),
            selected_only: false,
            row_groups: shard.row_groups.clone(),
            limit,
            next_row_group: 0,
            next_row: 0,
            readers: Vec::new(),
            ready: VecDeque::new(),
        })
    }

    fn advance(&mut self) -> Result<Option<BaseBatch>, StageError> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Ok(Some(batch));
            }
            if !self.readers.is_empty() {
                let parts: Vec<Option<RecordBatch>> = self
                    .readers
                    .iter_mut()
                    .zip(&self.files)
                    .map(|(reader, file)| {
                        guarded(|| reader.next().transpose()).map_err(|error| file.unreadable(&error))
                    })
                    .collect::<Result<_, _>>()?;
                match parts.into_iter().collect::<Option<Vec<RecordBatch>>>() {
                    Some(parts) => self.assemble(&parts)?,
                    None => self.readers.clear(),
                }
                continue;
            }
            let Some(rows) = self.row_groups.get(self.next_row_group).copied() else { return Ok(None) };
            if self.selected_only && !self.has_selected(rows) {
                self.next_row += rows;
            } else if rows > 0 && self.files.is_empty() {
                self.push_without_columns(rows)?;
            } else if rows > 0 {
                let size = self.rows_per_read(rows);
                self.readers = self
                    .files
                    .iter()
                    .map(|file| file.read_row_group(self.next_row_group, rows, size))
                    .collect::<Result<_, _>>()?;
            }
            self.next_row_group += 1;
        }
    }

    /// Whether any of the next rows is selected.
    fn has_selected(&self, rows: u64) -> bool {
        let range = self.next_row..self.next_row + rows;
        self.selection.as_ref().is_none_or(|selection| selection.slice(&range).rows() > 0)
    }

    /// Rows of which no column was asked for are known from the manifest.
    fn push_without_columns(&mut self, rows: u64) -> Result<(), StageError> {
        let end = self.next_row + rows;
        while self.next_row < end {
            let range = self.next_row..end.min(self.next_row + self.limit.rows as u64);
            self.ready.push_back(BaseBatch {
                first_row: range.start,
                rows: rows_without_columns((range.end - range.start) as usize)?,
                selected: self.selection.as_ref().map(|selection| selection.mask(&range)),
                shape: None,
            });
            self.next_row = range.end;
        }
        Ok(())
    }

    /// What it holds at most: the compressed chunks of a row group, and a batch decoded, cut and filtered.
    pub(crate) fn peak_bytes(&self) -> u64 {
        let group_bytes = |group: usize| {
            let decoded: u64 = self.files.iter().map(|file| file.decoded_bytes(group)).sum();
            let compressed: u64 = self.files.iter().map(|file| file.compressed_bytes(group)).sum();
            compressed + 2 * decoded.min(self.limit.bytes as u64)
        };
        (0..self.row_groups.len()).map(group_bytes).max().unwrap_or(0)
    }

    /// As many rows as are likely to fit the limit, from what the footers tell about sizes.
    fn rows_per_read(&self, rows: u64) -> usize {
        let sizes = self.files.iter().map(|file| file.decoded_bytes(self.next_row_group));
        let bytes = sizes.fold(0, u64::saturating_add);
        let fitting = (self.limit.bytes as u64).saturating_mul(rows) / bytes.max(1);
        (fitting.max(1) as usize).min(self.limit.rows).max(1)
    }

    /// Puts the columns of several files side by side and cuts what is still too large.
    fn assemble(&mut self, parts: &[RecordBatch]) -> Result<(), StageError> {
        let count = parts[0].num_rows();
        if parts.iter().any(|part| part.num_rows() != count) {
            return Err(self.disagreement());
        }
        let mut found: BTreeMap<ColumnPath, ArrayRef> = BTreeMap::new();
        let mut shape: Option<TurnShape> = None;
        for (part, file) in parts.iter().zip(&self.files) {
            let turns = part.column_by_name(TURNS).map(|array| array.as_list::<i32>());
            if let Some(list) = turns {
                let nullable = part.schema().field_with_name(TURNS).is_ok_and(Field::is_nullable);
                let this = shape_of(list, nullable);
                if shape.as_ref().is_some_and(|first| first.offsets != this.offsets) {
                    return Err(self.disagreement());
                }
                shape.get_or_insert(this);
            }
            for (column, _) in &file.wanted {
                let array = match column.turn_name() {
                    None => part.column_by_name(column.as_str()).cloned(),
                    Some(name) => turns.and_then(|list| flat(list).column_by_name(name).cloned()),
                };
                let array = array.ok_or_else(|| file.error(format!("has no column `{column}`")))?;
                found.insert(column.clone(), self.typed(file, column, array)?);
            }
        }
        let rows = self.batch_of(count, &found, shape.as_ref())?;
        let checked = self.files.iter().find(|file| file.is_outside());
        if let Some(outside) = checked
            && let Some(violation) = validate(&TrajectoryBatch::new(rows.clone())?).first()
        {
            let first_row = outside.rows_before().saturating_add(self.next_row);
            let row =
                violation.row.map_or(String::new(), |row| format!("row {}, ", first_row.saturating_add(row as u64)));
            return Err(outside.error(format!("{row}column `{}`: {}", violation.column, violation.message)));
        }
        let mut from = 0;
        for to in cuts(&rows, self.limit) {
            let first_row = self.next_row + from as u64;
            let range = first_row..first_row + (to - from) as u64;
            self.ready.push_back(BaseBatch {
                first_row,
                rows: rows.slice(from, to - from),
                selected: self.selection.as_ref().map(|selection| selection.mask(&range)),
                shape: shape.as_ref().map(|shape| shape.slice(from, to)),
            });
            from = to;
        }
        self.next_row += count as u64;
        Ok(())
    }

    /// The values of a column of a file, in the type that the dataset has for it.
    fn typed(&self, file: &OpenFile, column: &ColumnPath, array: ArrayRef) -> Result<ArrayRef, StageError> {
        let Some(field) = self.projected.field(column).filter(|field| field.data_type() != array.data_type()) else {
            return Ok(array);
        };
        // A value that does not fit is an error: by default it would become null, which says something else.
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        guarded(|| cast_with_options(&array, field.data_type(), &strict)).map_err(|error| {
            let reason = match error {
                ArrowError::CastError(reason) => reason,
                other => other.to_string(),
            };
            let (found, expected) = (array.data_type(), field.data_type());
            file.error(format!("column `{column}` has type {found}, expected values of type {expected}: {reason}"))
        })
    }

    fn batch_of(
        &self,
        count: usize,
        found: &BTreeMap<ColumnPath, ArrayRef>,
        shape: Option<&TurnShape>,
    ) -> Result<RecordBatch, StageError> {
        let values = |column: &ColumnPath| {
            found.get(column).cloned().ok_or_else(|| StageError::new(format!("column `{column}` was not read")))
        };
        let mut fields: Vec<Field> = Vec::new();
        let mut arrays: Vec<ArrayRef> = Vec::new();
        for field in self.projected.arrow().fields() {
            if field.name() != TURNS {
                arrays.push(values(&ColumnPath::new(field.name()))?);
                fields.push(field.as_ref().clone().with_nullable(true));
                continue;
            }
            let Some(shape) = shape.filter(|_| self.wants_turns) else { continue };
            let turn_fields: Fields =
                self.projected.turn_fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
            let columns = turn_fields
                .iter()
                .map(|field| values(&ColumnPath::of_turn(field.name())))
                .collect::<Result<Vec<_>, _>>()?;
            let turns = shape.turn_count();
            let turn_nulls = shape.turn_nulls.clone();
            let structs = match columns.is_empty() {
                true => StructArray::new_empty_fields(turns, turn_nulls),
                false => StructArray::try_new(turn_fields, columns, turn_nulls)?,
            };
            let element = Arc::new(Field::new("element", structs.data_type().clone(), true));
            let list = ListArray::try_new(element, shape.offsets.clone(), Arc::new(structs), shape.list_nulls.clone())?;
            fields.push(Field::new(TURNS, list.data_type().clone(), true));
            arrays.push(Arc::new(list));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)?)
    }

    fn disagreement(&self) -> StageError {
        let names: Vec<String> = self.files.iter().map(|file| format!("`{}`", file.path.display())).collect();
        StageError::new(format!("the column files {} do not hold the same rows and turns", names.join(", ")))
    }
}

impl Iterator for BaseReader {
    type Item = Result<BaseBatch, StageError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}

impl OpenFile {
    pub(super) fn open(root: &Path, description: &DataFile, columns: Vec<ColumnPath>) -> Result<Self, StageError> {
        let path = path_of(root, description);
        let file = File::open(&path).map_err(|error| StageError::file("open", &path, &error))?;
        if let Some(expected) = &description.footer {
            let found = footer_digest(&file).map_err(|error| StageError::file("read", &path, &error))?;
            if found != *expected {
                return Err(StageError::new(format!("`{}` was changed since it was imported", path.display()))
                    .help("run the pipeline again: it imports the file as it is now"));
            }
        }
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let metadata = guarded(|| ArrowReaderMetadata::load(&file, options))
            .map_err(|error| unreadable(&path, description, &error))?;
        let wanted = columns
            .into_iter()
            .map(|column| match leaves_of(metadata.schema(), &column) {
                Some(leaves) => Ok((column, leaves)),
                None => Err(StageError::new(format!("`{}` has no column `{column}`", path.display()))),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let leaves = wanted.iter().flat_map(|(_, leaves)| leaves.clone());
        let mask = ProjectionMask::leaves(metadata.parquet_schema(), leaves);
        Ok(Self { path, file, mask, metadata, wanted, description: description.clone() })
    }

    /// Whether it is somebody else's.
    pub(super) fn is_outside(&self) -> bool {
        matches!(self.description.path, FilePath::Outside(_))
    }

    fn error(&self, message: String) -> StageError {
        StageError::new(message).place(self.path.display().to_string())
    }

    fn unreadable(&self, error: &(dyn std::error::Error + 'static)) -> StageError {
        unreadable(&self.path, &self.description, error)
    }

    /// Rows of the file that lie before the shard's.
    fn rows_before(&self) -> u64 {
        let groups = self.metadata.metadata().row_groups().iter().take(self.description.first_row_group);
        groups.fold(0, |rows, group| rows.saturating_add(group.num_rows() as u64))
    }

    pub(super) fn decoded_bytes(&self, row_group: usize) -> u64 {
        let Some(group) = self.metadata.metadata().row_groups().get(self.description.first_row_group + row_group)
        else {
            return 0;
        };
        let leaves = self.wanted.iter().flat_map(|(_, leaves)| leaves.clone());
        leaves
            .map(|leaf| {
                let column = group.column(leaf);
                // A dictionary can make a chunk far smaller than its text.
                column.uncompressed_size().max(column.unencoded_byte_array_data_bytes().unwrap_or(0)).max(0) as u64
            })
            // A damaged footer may say anything.
            .fold(0, u64::saturating_add)
    }

    fn compressed_bytes(&self, row_group: usize) -> u64 {
        let Some(group) = self.metadata.metadata().row_groups().get(self.description.first_row_group + row_group)
        else {
            return 0;
        };
        let leaves = self.wanted.iter().flat_map(|(_, leaves)| leaves.clone());
        leaves.map(|leaf| group.column(leaf).compressed_size().max(0) as u64).sum()
    }

    fn read_row_group(
        &self,
        row_group: usize,
        rows: u64,
        batch_size: usize,
    ) -> Result<ParquetRecordBatchReader, StageError> {
        let chunks = self.chunks(row_group, rows)?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(chunks, self.metadata.clone())
            .with_projection(self.mask.clone())
            .with_row_groups(vec![self.description.first_row_group + row_group])
            .with_batch_size(batch_size);
        guarded(|| builder.build()).map_err(|error| self.unreadable(&error))
    }

    /// The chunks of the wanted columns in one of the shard's row groups.
    pub(super) fn chunks(&self, row_group: usize, rows: u64) -> Result<Chunks, StageError> {
        let group = self.row_group(row_group, rows)?;
        if self.description.digests.is_empty() {
            let file = self.file.try_clone().map_err(|error| StageError::file("read", &self.path, &error))?;
            return Ok(Chunks::File(file));
        }
        let mut chunks = Vec::new();
        for (column, leaves) in &self.wanted {
            let first = chunks.len();
            for leaf in leaves.clone() {
                chunks.push(
                    read_chunk(&self.file, group, leaf)
                        .map_err(|error| StageError::file("read", &self.path, &error))?,
                );
            }
            let expected = self.description.digests.get(column).and_then(|digests| digests.get(row_group));
            if expected != Some(&digest(chunks[first..].iter().map(|(_, bytes)| bytes))) {
                let index = self.description.first_row_group + row_group;
                return Err(self
                    .error(format!("column `{column}`, row group {index}: the bytes are not those that were written"))
                    .help(REPAIR));
            }
        }
        let length = self.file.metadata().map_err(|error| StageError::file("read", &self.path, &error))?.len();
        Ok(Chunks::Checked { length, chunks })
    }

    /// What the footer says of one of the shard's row groups, which must have this many rows.
    pub(super) fn row_group(&self, row_group: usize, rows: u64) -> Result<&RowGroupMetaData, StageError> {
        let index = self.description.first_row_group + row_group;
        let groups = self.metadata.metadata().row_groups();
        groups.get(index).filter(|group| group.num_rows() as u64 == rows).ok_or_else(|| {
            self.error(format!("row group {index} does not have the {rows} rows that the manifest says"))
        })
    }
}

fn unreadable(path: &Path, description: &DataFile, error: &(dyn std::error::Error + 'static)) -> StageError {
    let help = match description.path {
        FilePath::Store(_) => REPAIR,
        FilePath::Outside(_) => "the file is damaged: have it written anew, or leave it out",
    };
    StageError::new(format!("cannot read `{}` as Parquet: {error}", path.display()))
        .help(help)
        .caused_by(system_error(error))
}

impl TurnShape {
    pub(crate) fn turn_count(&self) -> usize {
        (self.offsets[self.offsets.len() - 1] - self.offsets[0]) as usize
    }

    /// The shape of the rows `from..to`, its offsets beginning at 0.
    fn slice(&self, from: usize, to: usize) -> Self {
        let (first, last) = (self.offsets[from], self.offsets[to]);
        let offsets: Vec<i32> = self.offsets[from..=to].iter().map(|offset| offset - first).collect();
        let start = (first - self.offsets[0]) as usize;
        Self {
            offsets: OffsetBuffer::new(offsets.into()),
            list_nulls: self.list_nulls.as_ref().map(|nulls| nulls.slice(from, to - from)),
            turn_nulls: self.turn_nulls.as_ref().map(|nulls| nulls.slice(start, (last - first) as usize)),
            list_nullable: self.list_nullable,
            turn_nullable: self.turn_nullable,
        }
    }
}

/// The turns of a list, without those that no row refers to.
fn flat(list: &ListArray) -> StructArray {
    let (first, last) = (list.value_offsets()[0], list.value_offsets()[list.len()]);
    list.values().as_struct().slice(first as usize, (last - first) as usize)
}

fn shape_of(list: &ListArray, list_nullable: bool) -> TurnShape {
    let first = list.value_offsets()[0];
    let offsets: Vec<i32> = list.value_offsets().iter().map(|offset| offset - first).collect();
    let turn_nullable = matches!(list.data_type(), DataType::List(element) if element.is_nullable());
    TurnShape {
        offsets: OffsetBuffer::new(offsets.into()),
        list_nulls: list.nulls().cloned(),
        turn_nulls: flat(list).nulls().cloned(),
        list_nullable,
        turn_nullable,
    }
}

/// Row numbers behind which a batch ends, so that each keeps to the limit.
fn cuts(batch: &RecordBatch, limit: BatchLimit) -> Vec<usize> {
    let sizes = row_bytes(batch);
    let mut cuts = Vec::new();
    let (mut start, mut bytes) = (0, 0u64);
    for (row, size) in sizes.iter().enumerate() {
        if row > start && (bytes + size > limit.bytes as u64 || row - start >= limit.rows) {
            cuts.push(row);
            (start, bytes) = (row, 0);
        }
        bytes += size;
    }
    if batch.num_rows() > start {
        cuts.push(batch.num_rows());
    }
    cuts
}

/// The column that tells turn counts at the least cost.
fn cheapest(root: &Path, shard: &Shard) -> Result<(usize, ColumnPath), StageError> {
    let mut best: Option<(i64, usize, ColumnPath)> = None;
    let mut open: BTreeMap<usize, OpenFile> = BTreeMap::new();
    for (column, index) in &shard.columns {
        if column.turn_name().is_none() {
            continue;
        }
        let Some(file) = shard.files.get(*index) else { continue };
        if !open.contains_key(index) {
            open.insert(*index, OpenFile::open(root, file, Vec::new())?);
        }
        let Some(opened) = open.get(index) else { continue };
        let Some(leaves) = leaves_of(opened.metadata.schema(), column) else { continue };
        // Without a row group there is nothing to read, whichever column is taken.
        let group = opened.metadata.metadata().row_groups().get(file.first_row_group);
        let bytes = group
            .map_or(0, |group| leaves.map(|leaf| group.column(leaf).compressed_size()).fold(0, i64::saturating_add));
        if best.as_ref().is_none_or(|(least, ..)| bytes < *least) {
            best = Some((bytes, *index, column.clone()));
        }
    }
    best.map(|(_, index, column)| (index, column)).ok_or_else(|| shard.missing(&ColumnPath::from(TURNS)))
}
