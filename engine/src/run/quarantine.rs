//! Rows put aside: the columns that say why, and the dataset that they make beside a stage's output. Not concerned with
//! how faulty rows are found.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray};
use arrow::datatypes::{DataType, Schema};

use super::compose::{lineage, unfitting};
use super::job::Job;
use super::part::StageWork;
use crate::contract::AddedColumn;
use crate::dataset::{BaseBatch, ColumnWriter, DataFile, Dataset, Facts, RowWriter, Selection, Shard};
use crate::stage::{FaultyRecord, StageError};
use crate::store::{Aside, AsideRow, AsideRows, Attempt, Commit};
use crate::trajectory::{Status, TrajectoryBuilder, TrajectoryRow, TrajectorySchema, imported_schema};

/// How many rows are told one by one, of a stage and of each of its parts: a stage that is wrong about everything
/// should not be told a million times.
pub(crate) const TOLD_ROWS: usize = 100;

/// Rows of a shard that are written at once.
const ROWS_AT_ONCE: u64 = 1024;

/// Records are written in batches of about so many bytes.
const RECORD_BYTES: usize = 16 << 20;

/// A row that the stage cannot process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowFault {
    /// Its number in the batch.
    pub(crate) row: usize,
    /// Its id.
    pub(crate) trajectory: String,
    pub(crate) reason: String,
    /// Where it came from, as far as anybody knows.
    pub(crate) place: Option<String>,
}

/// What a quarantine dataset has beside the columns of the rows themselves.
fn columns() -> [AddedColumn; 3] {
    ["quarantine_stage", "quarantine_reason", "quarantine_place"].map(|name| AddedColumn::new(name, DataType::Utf8))
}

/// Writes down why rows of a shard were put aside. `faults`: their numbers in the shard, ascending.
pub(crate) fn put_aside(
    stage: &str,
    (position, shard): (usize, &Shard),
    faults: &[(u64, RowFault)],
    (attempt, name): (&Attempt, &str),
) -> Result<Aside, StageError> {
    let selection: Selection = faults.iter().map(|(row, _)| *row).collect();
    let mut writer = ColumnWriter::create(&attempt.path(name), &columns(), &shard.row_groups, None)?;
    let mut left = faults;
    for first_row in (0..shard.base_rows()).step_by(ROWS_AT_ONCE as usize) {
        let range = first_row..(first_row + ROWS_AT_ONCE).min(shard.base_rows());
        let (now, later) = left.split_at(left.partition_point(|(row, _)| *row < range.end));
        left = later;
        let options = RecordBatchOptions::new().with_row_count(Some((range.end - range.start) as usize));
        let base = BaseBatch {
            first_row,
            rows: RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)?,
            selected: Some(selection.mask(&range)),
            shape: None,
        };
        let texts = now.iter().map(|(_, fault)| (fault.reason.as_str(), fault.place.as_deref()));
        writer.push(&base, &arrays(stage, texts))?;
    }
    let file = writer.finish(&attempt.path(name))?.into_file(attempt.relative(name));
    let told = faults.iter().take(TOLD_ROWS).map(|(_, fault)| AsideRow {
        trajectory: fault.trajectory.clone(),
        reason: fault.reason.clone(),
        place: fault.place.clone(),
    });
    Ok(Aside { told: told.collect(), rows: AsideRows::Existing { shard: position, selection, file } })
}

/// As [`put_aside`], for a shard of somebody's file that its source looked at: the rows are a shard of their own.
pub(crate) fn put_aside_of_file(
    stage: &str,
    shard: &Shard,
    faults: &[(u64, RowFault)],
    (attempt, name): (&Attempt, &str),
) -> Result<Aside, StageError> {
    let aside = put_aside(stage, (0, shard), faults, (attempt, name))?;
    let AsideRows::Existing { selection, file, .. } = &aside.rows else { return Ok(aside) };
    Ok(Aside { rows: AsideRows::New(with_file(shard, selection, file)), told: aside.told })
}

/// One array a column, in their order.
fn arrays<'a>(stage: &str, texts: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> [ArrayRef; 3] {
    let (reasons, places): (Vec<&str>, Vec<Option<&str>>) = texts.unzip();
    [
        Arc::new(StringArray::from_iter_values(reasons.iter().map(|_| stage))),
        Arc::new(StringArray::from(reasons)),
        Arc::new(StringArray::from(places)),
    ]
}

/// The columns of records that never became rows.
fn record_schema() -> TrajectorySchema {
    with_columns(&imported_schema())
}

fn with_columns(schema: &TrajectorySchema) -> TrajectorySchema {
    columns().iter().fold(schema.clone(), |schema, column| schema.with(&column.path, column.field()))
}

/// Writes records that could not be decoded.
pub(crate) struct RecordWriter {
    stage: String,
    name: &'static str,
    writer: RowWriter,
    builder: TrajectoryBuilder,
    /// Reason and place of the rows in the builder.
    pending: Vec<(String, String)>,
    told: Vec<AsideRow>,
}

impl RecordWriter {
    pub(crate) fn create(stage: &str, attempt: &Attempt, name: &'static str) -> Result<Self, StageError> {
        Ok(Self {
            stage: stage.to_owned(),
            name,
            writer: RowWriter::create(&attempt.path(name), &record_schema())?,
            builder: TrajectoryBuilder::new(),
            pending: Vec::new(),
            told: Vec::new(),
        })
    }

    /// Adds a record as a row that is called after its place.
    pub(crate) fn push(&mut self, record: FaultyRecord) -> Result<(), StageError> {
        let FaultyRecord { error, place, raw } = record;
        let reason = error.message;
        if self.told.len() < TOLD_ROWS {
            let (trajectory, place) = (place.clone(), Some(place.clone()));
            self.told.push(AsideRow { trajectory, reason: reason.clone(), place });
        }
        self.builder.push(&TrajectoryRow {
            trajectory_id: place.clone(),
            group_id: place.clone(),
            status: Status::Failed,
            error: Some(reason.clone()),
            source: Some(place.clone()),
            extra: Some(raw),
            ..TrajectoryRow::default()
        });
        self.pending.push((reason, place));
        if self.builder.bytes() >= RECORD_BYTES || self.builder.rows() as u64 >= ROWS_AT_ONCE {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StageError> {
        let rows = self.builder.finish()?;
        let texts = self.pending.iter().map(|(reason, place)| (reason.as_str(), Some(place.as_str())));
        let added = arrays(&self.stage, texts);
        let all = rows.record_batch().columns().iter().cloned().chain(added).collect();
        self.writer.push(&RecordBatch::try_new(Arc::clone(record_schema().arrow()), all)?)?;
        self.pending.clear();
        Ok(())
    }

    /// Ends the file. `label`: what the records are part of.
    pub(crate) fn finish(mut self, label: &str, attempt: &Attempt) -> Result<Aside, StageError> {
        self.flush()?;
        let written = self.writer.finish(&attempt.path(self.name))?;
        let shard = written.into_shard(label.to_owned(), attempt.relative(self.name), &record_schema());
        Ok(Aside { rows: AsideRows::New(shard), told: self.told })
    }
}

/// What a stage put aside.
pub(crate) struct Quarantine {
    pub(crate) dataset: Dataset,
    pub(crate) rows: u64,
    /// The first of them.
    pub(crate) told: Vec<AsideRow>,
}

/// The rows that the parts of a stage put aside, as a dataset: the columns of its input, and why. `None` if there are
/// none.
pub(crate) fn quarantine(
    job: &Job<'_>,
    work: &StageWork,
    commits: &[Arc<Commit>],
) -> Result<Option<Quarantine>, StageError> {
    let (mut shards, mut told, mut rows) = (Vec::new(), Vec::new(), 0);
    let mut schema = with_columns(&work.inputs.data.schema);
    for (part, commit) in work.parts.iter().zip(commits) {
        for aside in &commit.aside {
            rows += aside.count();
            told.extend(aside.told.iter().take(TOLD_ROWS - told.len()).cloned());
            shards.push(match &aside.rows {
                AsideRows::New(shard) => {
                    // Records that never became rows have the columns of records; rows of somebody's file have its own.
                    let is_of_file = shard.columns.len() == with_columns(&job.output).paths().len()
                        && shard.columns.keys().all(|column| with_columns(&job.output).has(column.as_str()));
                    schema = if is_of_file { with_columns(&job.output) } else { record_schema() };
                    shard.clone()
                }
                AsideRows::Existing { shard, selection, file } => {
                    let input = part.shards.get(*shard).and_then(|index| work.inputs.data.shards.get(*index));
                    with_file(input.ok_or_else(unfitting)?, selection, file)
                }
            });
        }
    }
    if shards.is_empty() {
        return Ok(None);
    }
    let dataset = Dataset {
        root: work.inputs.data.root.clone(),
        schema,
        shards,
        facts: Facts::default(),
        lineage: lineage(job, work),
    };
    Ok(Some(Quarantine { dataset, rows, told }))
}

/// Some rows of a shard, with the columns of one more file.
fn with_file(shard: &Shard, selection: &Selection, file: &DataFile) -> Shard {
    let mut shard = Shard { selection: Some(selection.clone()), ..shard.clone() };
    shard.files.push(file.clone());
    let last = shard.files.len() - 1;
    shard.columns.extend(columns().map(|column| (column.path, last)));
    shard
}
