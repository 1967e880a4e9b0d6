//! Makes ordinary Parquet files of column files. Row groups kept whole are spliced: their compressed chunks are
//! copied, not decoded. What is partly selected, or encoded otherwise than the rest, is read and encoded again.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::io::BufWriter;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, ListArray, RecordBatch, StructArray};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use parquet::arrow::parquet_to_arrow_schema;
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::writer::SerializedRowGroupWriter;
use parquet::schema::types::{ColumnDescPtr, ColumnDescriptor};

use super::batch_limit::BatchLimit;
use super::chunks::Whole;
use super::guard::guarded;
use super::leaves::leaves_of;
use super::open_file::OpenFile;
use super::reader::BatchReader;
use super::shard::{Dataset, Shard};
use super::writer::RowWriter;
use crate::column::{ColumnPath, TURNS};
use crate::error::StageError;
use crate::trajectory::{TrajectorySchema, has_judged_values, is_required};

/// Row groups of an ordinary Parquet file, by how they came to be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WholeFile {
    /// Row groups whose chunks were copied as they are.
    pub spliced: u64,
    /// Rows that were decoded and encoded again.
    pub encoded_rows: u64,
}

/// What becomes of a run of a shard's row groups.
enum Run {
    Splice(usize),
    /// May hold row groups without any selected row.
    Encode(Range<usize>),
}

impl Dataset {
    /// Writes the selected rows of some shards, with all columns of the dataset, into one ordinary Parquet file.
    /// The same shards give the same bytes.
    ///
    /// # Errors
    /// If a file of the dataset is missing or not as it was written, or `path` is there already or cannot be
    /// written.
    pub fn write_parquet(&self, shards: &[Shard], path: &Path) -> Result<WholeFile, StageError> {
        let schema = self.common_schema(shards)?;
        let mut writer = RowWriter::create(path, &TrajectorySchema::new(Arc::clone(&schema)))?;
        let mut whole = WholeFile::default();
        for shard in shards {
            let files = ColumnFiles::open(self, shard)?;
            let leaves = files.matching(&schema, writer.leaves().columns())?;
            let mut reading = Reading { dataset: self, shard, whole: None, proofs: BTreeMap::new() };
            for run in runs(shard, leaves.is_some()) {
                match (run, &leaves) {
                    (Run::Splice(group), Some(leaves)) => {
                        reading.prove(&files, group)?;
                        files.splice(group, shard.row_groups[group], leaves, &mut writer)?;
                        whole.spliced += 1;
                    }
                    (Run::Splice(group), None) => {
                        whole.encoded_rows += reading.encode(group..group + 1, &schema, &mut writer)?
                    }
                    (Run::Encode(groups), _) => whole.encoded_rows += reading.encode(groups, &schema, &mut writer)?,
                }
            }
        }
        writer.close()?;
        Ok(whole)
    }

    /// The dataset's schema, nullable where any of the shards' files is.
    fn common_schema(&self, shards: &[Shard]) -> Result<SchemaRef, StageError> {
        let mut nullable: BTreeMap<ColumnPath, bool> = BTreeMap::new();
        let (mut list_nullable, mut turn_nullable) = (false, false);
        for shard in shards {
            for (column, file, _) in ColumnFiles::open(self, shard)?.columns() {
                let schema = TrajectorySchema::new(Arc::clone(file.metadata.schema()));
                let field = schema.field(column);
                *nullable.entry(column.clone()).or_default() |= field.is_none_or(|field| field.is_nullable());
                if column.turn_name().is_some()
                    && let Some(turns) = schema.field(&ColumnPath::from(TURNS))
                {
                    list_nullable |= turns.is_nullable();
                    turn_nullable |= matches!(turns.data_type(), DataType::List(turn) if turn.is_nullable());
                }
            }
        }
        let common = |path: ColumnPath, field: &Field| {
            let known = nullable.get(&path).copied();
            field.clone().with_nullable(known.unwrap_or_else(|| field.is_nullable()))
        };
        let fields = self.schema.arrow().fields().iter().map(|field| {
            if field.name() != TURNS {
                return common(ColumnPath::new(field.name()), field);
            }
            let turn: Fields = self
                .schema
                .turn_fields()
                .iter()
                .map(|field| common(ColumnPath::of_turn(field.name()), field))
                .collect();
            let element = Field::new("element", DataType::Struct(turn), turn_nullable);
            Field::new(TURNS, DataType::List(Arc::new(element)), list_nullable)
        });
        Ok(Arc::new(Schema::new(fields.collect::<Vec<_>>())))
    }
}

/// What of a shard is read on the way, opened once whatever the number of its row groups.
struct Reading<'a> {
    dataset: &'a Dataset,
    shard: &'a Shard,
    /// All columns.
    whole: Option<BatchReader>,
    /// By the columns that are to be proven.
    proofs: BTreeMap<Vec<ColumnPath>, BatchReader>,
}

impl Reading<'_> {
    /// Reads what nothing else tells to be right before it is copied.
    fn prove(&mut self, files: &ColumnFiles, group: usize) -> Result<(), StageError> {
        let mut unproven = files.unproven(group, self.shard.row_groups[group])?;
        if unproven.is_empty() {
            return Ok(());
        }
        // For the name of the trajectory that is wrong.
        unproven.push(ColumnPath::new("trajectory_id"));
        let batches = match self.proofs.entry(unproven) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(new) => {
                let batches = self.dataset.read(self.shard, new.key(), BatchLimit::default())?;
                new.insert(batches)
            }
        };
        batches.turn_to(group..group + 1);
        batches.try_for_each(|batch| batch.map(drop))
    }

    /// Reads the selected rows of some row groups and encodes them again.
    fn encode(&mut self, groups: Range<usize>, schema: &SchemaRef, writer: &mut RowWriter) -> Result<u64, StageError> {
        let batches = match self.whole {
            Some(ref mut open) => open,
            None => {
                let columns = self.dataset.schema.paths();
                self.whole.insert(self.dataset.read(self.shard, &columns, BatchLimit::default())?)
            }
        };
        batches.turn_to(groups);
        let mut rows = 0;
        for batch in batches {
            let batch = batch?;
            rows += batch.rows() as u64;
            writer.push(&conformed(batch.record_batch(), schema)?)?;
        }
        Ok(rows)
    }
}

/// How to write the row groups of a shard. Those without a selected row are left out.
fn runs(shard: &Shard, matches: bool) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut start = 0;
    for (group, rows) in shard.row_groups.iter().enumerate() {
        let range = start..start + rows;
        start = range.end;
        let selected = shard.selection.as_ref().map_or(*rows, |selection| selection.slice(&range).rows());
        if selected == 0 {
            continue;
        }
        match runs.last_mut() {
            _ if matches && selected == *rows => runs.push(Run::Splice(group)),
            Some(Run::Encode(groups)) => groups.end = group + 1,
            _ => runs.push(Run::Encode(group..group + 1)),
        }
    }
    runs
}

/// The files of a shard, open.
struct ColumnFiles(Vec<OpenFile>);

/// Where a leaf to write is found, encoded as it must be.
struct EncodedLeaf {
    /// Index among the column files.
    file: usize,
    leaf: usize,
    target: ColumnDescPtr,
}

impl ColumnFiles {
    fn open(dataset: &Dataset, shard: &Shard) -> Result<Self, StageError> {
        let mut wanted: BTreeMap<usize, Vec<ColumnPath>> = BTreeMap::new();
        for column in dataset.schema.paths() {
            wanted.entry(shard.index_of(&column)?).or_default().push(column);
        }
        let open = |(index, columns): (usize, Vec<ColumnPath>)| match shard.files.get(index) {
            Some(file) => OpenFile::open(&dataset.root, file, columns),
            None => Err(shard.missing(&columns[0])),
        };
        wanted.into_iter().map(open).collect::<Result<_, _>>().map(Self)
    }

    /// Every column with its file and leaves.
    fn columns(&self) -> impl Iterator<Item = (&ColumnPath, &OpenFile, Range<usize>)> {
        self.0.iter().flat_map(|file| file.wanted.iter().map(move |(column, leaves)| (column, file, leaves.clone())))
    }

    /// For each leaf to write its file and leaf there; `None` if any of them is encoded otherwise.
    fn matching(&self, schema: &Schema, leaves: &[ColumnDescPtr]) -> Result<Option<Vec<EncodedLeaf>>, StageError> {
        let target = TrajectorySchema::new(Arc::new(parquet_schema(schema)?));
        let mut sources: BTreeMap<usize, EncodedLeaf> = BTreeMap::new();
        for (index, file) in self.0.iter().enumerate() {
            let physical = TrajectorySchema::new(Arc::clone(file.metadata.schema()));
            for (column, from) in &file.wanted {
                let Some(to) = leaves_of(target.arrow(), column) else { return Ok(None) };
                if to.len() != from.len() || !is_same_column(&physical, &target, column) {
                    return Ok(None);
                }
                for (from, to) in from.clone().zip(to) {
                    let descriptor = file.metadata.parquet_schema().column(from);
                    match leaves.get(to) {
                        Some(leaf) if is_same_leaf(leaf, &descriptor) => {
                            sources.insert(to, EncodedLeaf { file: index, leaf: from, target: Arc::clone(leaf) });
                        }
                        _ => return Ok(None),
                    }
                }
            }
        }
        let complete = sources.len() == leaves.len();
        Ok(complete.then(|| sources.into_values().collect()))
    }

    /// Copies the chunks of a row group.
    fn splice(
        &self,
        group: usize,
        rows: u64,
        leaves: &[EncodedLeaf],
        writer: &mut RowWriter,
    ) -> Result<(), StageError> {
        let chunks = self.0.iter().map(|file| file.chunks(group, rows)).collect::<Result<Vec<_>, _>>()?;
        let groups = self.0.iter().map(|file| file.row_group(group, rows)).collect::<Result<Vec<_>, _>>()?;
        let copy = |out: &mut SerializedRowGroupWriter<'_, BufWriter<File>>| {
            leaves.iter().try_for_each(|EncodedLeaf { file, leaf, target }| {
                let metadata = described_as(groups[*file].column(*leaf), target)?;
                let close = ColumnCloseResult {
                    bytes_written: metadata.compressed_size() as u64,
                    rows_written: rows,
                    metadata,
                    bloom_filter: None,
                    column_index: None,
                    offset_index: None,
                };
                out.append_column(&Whole(&chunks[*file]), close)
            })
        };
        writer.push_encoded(|out| guarded(|| copy(out)))
    }

    /// Columns of somebody's files whose chunks may break a promise of the schema in a row group: those that are nowhere
    /// else told to keep it.
    fn unproven(&self, group: usize, rows: u64) -> Result<Vec<ColumnPath>, StageError> {
        let mut unproven = Vec::new();
        for file in self.0.iter().filter(|file| file.holds_foreign_values()) {
            let metadata = file.row_group(group, rows)?;
            for (column, leaves) in &file.wanted {
                let has_no_null = |leaf: usize| {
                    let column = metadata.column(leaf);
                    column.column_descr().max_def_level() == column.column_descr().max_rep_level()
                        || column.statistics().is_some_and(|known| known.null_count_opt() == Some(0))
                };
                if has_judged_values(column) || (is_required(column) && !leaves.clone().all(has_no_null)) {
                    unproven.push(column.clone());
                }
            }
        }
        Ok(unproven)
    }
}

/// An Arrow schema as it comes back from Parquet alone.
fn parquet_schema(schema: &Schema) -> Result<Schema, ParquetError> {
    let parquet = parquet::arrow::ArrowSchemaConverter::new().convert(schema)?;
    parquet_to_arrow_schema(&parquet, None)
}

/// Whether a column has the same type, and may be null at the same levels, in both.
fn is_same_column(left: &TrajectorySchema, right: &TrajectorySchema, column: &ColumnPath) -> bool {
    let is_same = |path: &ColumnPath, same: fn(&Field, &Field) -> bool| match (left.field(path), right.field(path)) {
        (Some(left), Some(right)) => same(&left, &right),
        _ => false,
    };
    is_same(column, is_same_field)
        && (column.turn_name().is_none()
            || is_same(&ColumnPath::from(TURNS), |left, right| {
                let turn_nullable = |field: &Field| match field.data_type() {
                    DataType::List(turn) => Some(turn.is_nullable()),
                    _ => None,
                };
                left.is_nullable() == right.is_nullable() && turn_nullable(left) == turn_nullable(right)
            }))
}

/// Equality but for what writers call the elements of lists.
fn is_same_field(left: &Field, right: &Field) -> bool {
    left.is_nullable() == right.is_nullable()
        && match (left.data_type(), right.data_type()) {
            (DataType::List(left), DataType::List(right)) => is_same_field(left, right),
            (DataType::Struct(left), DataType::Struct(right)) => {
                left.len() == right.len()
                    && left
                        .iter()
                        .zip(right)
                        .all(|(left, right)| left.name() == right.name() && is_same_field(left, right))
            }
            (left, right) => left == right,
        }
}

/// Whether chunks of the one can stand for chunks of the other.
fn is_same_leaf(left: &ColumnDescriptor, right: &ColumnDescriptor) -> bool {
    left.physical_type() == right.physical_type()
        && left.type_length() == right.type_length()
        && left.max_def_level() == right.max_def_level()
        && left.max_rep_level() == right.max_rep_level()
}

/// The metadata of a chunk for a leaf that is called otherwise, without references to indexes that are not copied.
fn described_as(chunk: &ColumnChunkMetaData, leaf: &ColumnDescPtr) -> Result<ColumnChunkMetaData, ParquetError> {
    let mut builder = ColumnChunkMetaData::builder(Arc::clone(leaf))
        .set_compression_codec(chunk.compression_codec())
        .set_encodings_mask(*chunk.encodings_mask())
        .set_total_compressed_size(chunk.compressed_size())
        .set_total_uncompressed_size(chunk.uncompressed_size())
        .set_num_values(chunk.num_values())
        .set_data_page_offset(chunk.data_page_offset())
        .set_dictionary_page_offset(chunk.dictionary_page_offset())
        .set_unencoded_byte_array_data_bytes(chunk.unencoded_byte_array_data_bytes())
        .set_repetition_level_histogram(chunk.repetition_level_histogram().cloned())
        .set_definition_level_histogram(chunk.definition_level_histogram().cloned());
    if let Some(statistics) = chunk.statistics() {
        builder = builder.set_statistics(statistics.clone());
    }
    if let Some(statistics) = chunk.page_encoding_stats() {
        builder = builder.set_page_encoding_stats(statistics.clone());
    }
    builder.build()
}

/// The batch with exactly the schema's nullability.
fn conformed(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, StageError> {
    let conform = |(field, array): (&Arc<Field>, &ArrayRef)| -> Result<ArrayRef, StageError> {
        let DataType::List(element) = field.data_type() else { return Ok(Arc::clone(array)) };
        let (DataType::Struct(turn), TURNS) = (element.data_type(), field.name().as_str()) else {
            return Ok(Arc::clone(array));
        };
        let list: &ListArray = array.as_list();
        let turns = list.values().as_struct();
        let turns = StructArray::try_new_with_length(
            turn.clone(),
            turns.columns().to_vec(),
            turns.nulls().cloned(),
            turns.len(),
        )?;
        let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
        Ok(Arc::new(ListArray::try_new(Arc::clone(element), offsets, Arc::new(turns), nulls)?))
    };
    let columns = schema.fields().iter().zip(batch.columns()).map(conform).collect::<Result<_, _>>()?;
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

#[cfg(test)]
mod tests {
    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::WriterProperties;

    use super::super::open_file::OPENED;
    use super::super::shard::{DataFile, Facts, FilePath};
    use super::*;
    use crate::trajectory::{TrajectoryBuilder, TrajectoryRow, imported_schema};

    /// How many times files are opened to write a shard of so many row groups, every other one of which is whole.
    fn opened(row_groups: usize) -> usize {
        let directory = tempfile::tempdir().unwrap();
        let mut builder = TrajectoryBuilder::new();
        for number in 0..2 * row_groups {
            builder.push(&TrajectoryRow { trajectory_id: number.to_string(), ..TrajectoryRow::default() });
        }
        let rows = builder.finish().unwrap();
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(2)).build();
        let path = directory.path().join("rows.parquet");
        let file = File::create(&path).unwrap();
        let mut writer = ArrowWriter::try_new(file, rows.record_batch().schema(), Some(properties)).unwrap();
        writer.write(rows.record_batch()).unwrap();
        writer.close().unwrap();
        let schema = imported_schema();
        let file = DataFile::of_store(String::new(), Default::default(), String::new(), String::new());
        let file = DataFile { path: FilePath::Outside(path), footer: None, rest: None, ..file };
        let shard = Shard {
            label: "rows".to_owned(),
            row_groups: vec![2; row_groups],
            selection: Some((0..2 * row_groups as u64).filter(|row| row % 4 != 3).collect()),
            columns: schema.paths().into_iter().map(|column| (column, 0)).collect(),
            files: vec![file],
        };
        let (root, facts, lineage) = (directory.path().to_owned(), Facts::default(), Vec::new());
        let dataset = Dataset { root, schema, shards: vec![shard], facts, lineage };
        OPENED.set(0);
        let written = dataset.write_parquet(&dataset.shards, &directory.path().join("out.parquet")).unwrap();
        assert_eq!((written.spliced, written.encoded_rows), (row_groups as u64 / 2, row_groups as u64 / 2));
        OPENED.get()
    }

    #[test]
    fn files_are_opened_as_often_for_many_row_groups_as_for_few() {
        assert_eq!(opened(6), opened(24));
    }
}
