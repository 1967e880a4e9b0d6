//! Reads columns of a shard from its several files, in batches bounded by rows and bytes.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, BooleanArray, ListArray, RecordBatch, RecordBatchOptions, StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{CastOptions, cast_with_options, filter_record_batch};
use arrow::datatypes::{DataType, Field, Fields, Schema};
use arrow::error::ArrowError;

use super::batch_limit::BatchLimit;
use super::foreign::RowGroupReader;
use super::gate::{Closed, Pace};
use super::guard::guarded;
use super::leaves::leaves_of;
use super::open_file::OpenFile;
use super::row_bytes::row_bytes;
use super::shard::{Dataset, Shard};
use crate::column::{ColumnPath, TURNS};
use crate::error::StageError;
use crate::trajectory::{TrajectoryBatch, TrajectorySchema, Violation, validate};

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

/// What of somebody's values is held against the schema when it is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Judged {
    /// Everything.
    #[default]
    Everything,
    /// All but numbers that are none: whoever reads them does that.
    AllButNumbers,
    /// Nothing: they are only shown.
    Nothing,
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

    /// The same, with something else held against the schema.
    pub(super) fn judging(self, judged: Judged) -> Self {
        Self(self.0.judging(judged))
    }

    /// Goes on with these row groups of the shard, and ends behind them. Files stay open: many runs of few row groups cost
    /// no more than all row groups at once.
    pub(super) fn turn_to(&mut self, row_groups: Range<usize>) {
        self.0.turn_to(row_groups);
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

impl Dataset {
    /// Reads columns of a shard in bounded batches: its selected rows, in order.
    ///
    /// # Errors
    /// If a file is missing or not as it was written, or a column is not there.
    pub fn read(&self, shard: &Shard, columns: &[ColumnPath], limit: BatchLimit) -> Result<BatchReader, StageError> {
        BatchReader::open(&self.root, &self.schema, shard, columns, limit)
    }

    /// As [`Self::read`], for those who only show what there is: values of somebody's file that break what the schema
    /// promises are no error.
    ///
    /// # Errors
    /// If a file is missing or not as it was written, or a column is not there.
    pub fn read_as_it_is(
        &self,
        shard: &Shard,
        columns: &[ColumnPath],
        limit: BatchLimit,
    ) -> Result<BatchReader, StageError> {
        Ok(self.read(shard, columns, limit)?.judging(Judged::Nothing))
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
    /// Rows of each row group, and the number of its first row.
    row_groups: Vec<(u64, u64)>,
    limit: BatchLimit,
    next_row_group: usize,
    /// Behind the last row group that is to be read.
    end: usize,
    next_row: u64,
    /// The row group at hand, if there are `readers`.
    open: OpenRowGroup,
    readers: Vec<RowGroupReader>,
    ready: VecDeque<BaseBatch>,
    judged: Judged,
}

/// A row group that is being read.
#[derive(Clone, Copy, Debug, Default)]
struct OpenRowGroup {
    index: usize,
    rows: u64,
    first_row: u64,
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
            row_groups: numbered(&shard.row_groups),
            limit,
            next_row_group: 0,
            end: shard.row_groups.len(),
            next_row: 0,
            open: OpenRowGroup::default(),
            readers: Vec::new(),
            ready: VecDeque::new(),
            judged: Judged::default(),
        })
    }

    /// The same, with something else held against the schema.
    pub(crate) fn judging(self, judged: Judged) -> Self {
        Self { judged, ..self }
    }

    fn turn_to(&mut self, row_groups: Range<usize>) {
        self.next_row = self.row_groups.get(row_groups.start).map_or(self.next_row, |(_, first_row)| *first_row);
        self.next_row_group = row_groups.start;
        self.end = row_groups.end;
        self.readers.clear();
        self.ready.clear();
    }

    fn advance(&mut self) -> Result<Option<BaseBatch>, StageError> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Ok(Some(batch));
            }
            if !self.readers.is_empty() {
                self.decode()?;
                continue;
            }
            let next = self.row_groups.get(self.next_row_group).filter(|_| self.next_row_group < self.end);
            let Some((rows, _)) = next.copied() else { return Ok(None) };
            if self.selected_only && !self.has_selected(rows) {
                self.next_row += rows;
            } else if rows > 0 && self.files.is_empty() {
                self.push_without_columns(rows)?;
            } else if rows > 0 {
                self.open = OpenRowGroup { index: self.next_row_group, rows, first_row: self.next_row };
                self.begin(Pace { rows: self.rows_per_read(rows), by_row: false })?;
            }
            self.next_row_group += 1;
        }
    }

    /// Goes on with the row group at hand, at this pace.
    fn begin(&mut self, pace: Pace) -> Result<(), StageError> {
        let OpenRowGroup { index, rows, first_row } = self.open;
        let skipped = self.next_row - first_row;
        let begun = self.files.iter().map(|file| file.read_row_group(index, rows, pace, skipped));
        self.readers = begun.collect::<Result<_, _>>()?;
        Ok(())
    }

    /// The next rows of the row group at hand, of all files.
    fn decode(&mut self) -> Result<(), StageError> {
        let mut parts = Vec::with_capacity(self.readers.len());
        for (reader, file) in self.readers.iter_mut().zip(&self.files) {
            match guarded(|| reader.batches.next().transpose()) {
                Ok(part) => parts.extend(part),
                Err(error) => match reader.closed() {
                    Some(Closed::Slower(pace)) => return self.begin(pace),
                    closed => return Err(file.ended(self.open.index, closed, &error)),
                },
            }
        }
        match parts.len() == self.readers.len() {
            true => self.assemble(&parts),
            false => {
                self.readers.clear();
                Ok(())
            }
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
        self.judge(&rows)?;
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

    /// Holds values of somebody's file against what the schema promises, those of selected rows alone.
    fn judge(&self, rows: &RecordBatch) -> Result<(), StageError> {
        let Some(file) = self.files.iter().find(|file| file.holds_foreign_values()) else { return Ok(()) };
        let violation = |rows: RecordBatch| -> Result<_, StageError> {
            let batch = TrajectoryBatch::new(rows)?;
            let all = validate(&batch);
            let told = |violation: &Violation| match self.judged {
                Judged::Everything => true,
                Judged::AllButNumbers => !violation.is_of_number(),
                Judged::Nothing => false,
            };
            Ok(all.into_iter().find(told).map(|violation| (violation, batch)))
        };
        let Some((mut first, mut batch)) = violation(rows.clone())? else { return Ok(()) };
        let range = self.next_row..self.next_row + rows.num_rows() as u64;
        let mask = self.selection.as_ref().map(|selection| selection.mask(&range));
        if let Some(mask) = &mask {
            match violation(filter_record_batch(rows, mask)?)? {
                Some(selected) => (first, batch) = selected,
                None => return Ok(()),
            }
        }
        // Its number among all rows of the file.
        let number = |row: usize| match &mask {
            None => Some(row),
            Some(mask) => mask.values().set_indices().nth(row),
        };
        let row = first.row.and_then(|row| Some((row, number(row)?)));
        let first_row = file.rows_before().saturating_add(self.next_row);
        let told = row.map_or(String::new(), |(_, row)| format!("row {}, ", first_row.saturating_add(row as u64)));
        let error = file.error(format!("{told}column `{}`: {}", first.column, first.message));
        let error = match first.is_of_number() {
            true => error.help(format!("a `filter` with `{} is not null` leaves such rows out", first.column)),
            false => error,
        };
        Err(match row {
            Some((row, _)) if batch.text("trajectory_id").is_ok_and(|ids| ids.is_valid(row)) => {
                error.trajectory(batch.name_of(row))
            }
            _ => error,
        })
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

/// Row groups with the number of their first row.
fn numbered(row_groups: &[u64]) -> Vec<(u64, u64)> {
    let first_rows = row_groups.iter().scan(0, |next, rows| {
        let first_row = *next;
        *next += rows;
        Some(first_row)
    });
    row_groups.iter().copied().zip(first_rows).collect()
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
    for (column, index) in shard.columns.iter() {
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
