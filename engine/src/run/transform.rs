//! Runs a transform over its part: shard by shard in batches, or over everything that it must see at once.

use arrow::array::{Array as _, ArrayRef, BooleanArray, RecordBatch, new_empty_array};
use arrow::compute::concat_batches;
use rayon::prelude::*;

use super::engine::RunOptions;
use super::job::Job;
use super::parts::Part;
use crate::column::{ColumnPath, TURNS};
use crate::contract::{AddedColumn, Effect, Scope};
use crate::dataset::{BaseBatch, BaseReader, ColumnWriter, DataFile, Dataset, FilePath, Selection, Shard};
use crate::stage::{Context, Output, StageError, Transform};
use crate::store::{Attempt, Commit, Outcome, Store};
use crate::trajectory::TrajectoryBatch;

/// Computes a part and commits it.
pub(crate) fn run_part(
    job: &Job<'_>,
    transform: &dyn Transform,
    input: &Dataset,
    part: &Part,
    store: &Store,
    options: &RunOptions,
) -> Result<Commit, StageError> {
    let work = TransformWork { job, transform, input, options };
    let mut context = Context::default();
    let attempt = store.attempt(&part.key)?;
    let outcome = match (job.contract.scope, part.shards.as_slice()) {
        (Scope::Trajectory, [shard]) => work.stream(*shard, &attempt, &mut context)?,
        (_, shards) => work.gather(shards, &attempt, &mut context)?,
    };
    let attempt = (!outcome.files().is_empty()).then_some(attempt);
    Ok(store.commit(attempt, Commit { parts: part.parts.clone(), outcome, context })?)
}

struct TransformWork<'a> {
    job: &'a Job<'a>,
    transform: &'a dyn Transform,
    input: &'a Dataset,
    options: &'a RunOptions,
}

impl TransformWork<'_> {
    fn open(&self, index: usize, columns: &[ColumnPath]) -> Result<(&Shard, BaseReader), StageError> {
        let shard =
            self.input.shards.get(index).ok_or_else(|| StageError::new(format!("there is no shard {index}")))?;
        let reader = BaseReader::open(&self.input.root, &self.input.schema, shard, columns, self.options.batch_limit)?;
        Ok((shard, reader))
    }

    fn adds(&self) -> &[AddedColumn] {
        match &self.job.contract.effect {
            Effect::Columns { adds, .. } => adds,
            _ => &[],
        }
    }

    /// One shard, batch by batch.
    fn stream(&self, index: usize, attempt: &Attempt, context: &mut Context) -> Result<Outcome, StageError> {
        let (shard, reader) = self.open(index, &self.job.reads())?;
        let mut columns = ShardColumns::new(self.adds(), shard, attempt, index);
        let mut kept = Selection::default();
        for base in reader {
            self.options.stop_if_interrupted()?;
            let base = base?;
            let batch = base.trajectories()?;
            match self.apply(&batch, context)? {
                Output::Columns(arrays) => columns.push(&base, &arrays)?,
                Output::Keep(mask) => keep(&base, &mask, &mut kept),
            }
        }
        match &self.job.contract.effect {
            Effect::Subset => Ok(Outcome::Kept(vec![kept])),
            _ => Ok(Outcome::Columns(columns.finish()?.into_iter().collect())),
        }
    }

    /// All rows of several shards at once; what comes back is handed out to the shards again.
    fn gather(&self, shards: &[usize], attempt: &Attempt, context: &mut Context) -> Result<Outcome, StageError> {
        let gathered = self.read_all(shards)?;
        let output = self.apply(&gathered, context)?;
        self.options.stop_if_interrupted()?;
        let row_counts: Vec<usize> = shards.iter().map(|index| self.input.shards[*index].rows() as usize).collect();
        let offsets = gathered.turn_offsets();
        let mut first_row = 0;
        let starts: Vec<(usize, usize)> = row_counts
            .iter()
            .map(|rows| {
                let start = (first_row, offsets[first_row]);
                first_row += rows;
                start
            })
            .collect();
        match output {
            Output::Keep(mask) => {
                let selections = shards.iter().zip(&starts).map(|(index, start)| {
                    let (_, reader) = self.open(*index, &[])?;
                    let (mut kept, mut row) = (Selection::default(), start.0);
                    for base in reader {
                        let base = base?;
                        let rows = selected_rows(&base);
                        keep(&base, &mask.slice(row, rows), &mut kept);
                        row += rows;
                    }
                    Ok(kept)
                });
                Ok(Outcome::Kept(selections.collect::<Result<_, StageError>>()?))
            }
            Output::Columns(arrays) => {
                let files = shards
                    .par_iter()
                    .zip(&starts)
                    .map(|(index, start)| self.hand_out(*index, *start, &arrays, attempt));
                let files = files.collect::<Result<Vec<Option<DataFile>>, StageError>>()?;
                Ok(Outcome::Columns(files.into_iter().flatten().collect()))
            }
        }
    }

    fn read_all(&self, shards: &[usize]) -> Result<TrajectoryBatch, StageError> {
        let reads = self.job.reads();
        let held = std::sync::atomic::AtomicUsize::new(0);
        let parts = shards.par_iter().map(|index| {
            let (_, reader) = self.open(*index, &reads)?;
            let mut batches = Vec::new();
            for base in reader {
                self.options.stop_if_interrupted()?;
                let batch = base?.trajectories()?.record_batch().clone();
                let bytes = batch.get_array_memory_size();
                if held.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed) + bytes > self.options.gather_bytes {
                    return Err(self.too_much());
                }
                batches.push(batch);
            }
            Ok(batches)
        });
        let batches: Vec<RecordBatch> = parts.collect::<Result<Vec<_>, StageError>>()?.into_iter().flatten().collect();
        let schema = match batches.first() {
            Some(batch) => batch.schema(),
            None => std::sync::Arc::clone(self.input.schema.project(&reads).arrow()),
        };
        TrajectoryBatch::new(concat_batches(&schema, &batches)?)
    }

    fn too_much(&self) -> StageError {
        let columns: Vec<String> = self.job.reads().iter().map(|column| format!("`{column}`")).collect();
        let (columns, limit) = (columns.join(", "), self.options.gather_bytes >> 20);
        if self.job.contract.scope == Scope::Group && !self.input.facts.within_shards {
            StageError::new(format!(
                "groups are scattered over the input, and gathering {columns} of all rows takes more than {limit} MiB"
            ))
            .help("raise `--memory`, or import files in which the trajectories of a group lie in one file")
        } else {
            StageError::new(format!("it must see {columns} of many rows at once, which takes more than {limit} MiB"))
                .help("raise `--memory`, or filter before this stage")
        }
    }

    /// Writes one shard's share of the gathered columns. `start`: its first row and turn among the gathered.
    fn hand_out(
        &self,
        index: usize,
        start: (usize, usize),
        arrays: &[ArrayRef],
        attempt: &Attempt,
    ) -> Result<Option<DataFile>, StageError> {
        let has_turns = self.adds().iter().any(|column| column.path.turn_name().is_some());
        let wanted = if has_turns { vec![ColumnPath::from(TURNS)] } else { Vec::new() };
        let (shard, reader) = self.open(index, &wanted)?;
        let mut columns = ShardColumns::new(self.adds(), shard, attempt, index);
        let (mut row, mut turn) = start;
        for base in reader {
            let base = base?;
            let batch = base.trajectories()?;
            let own: Vec<ArrayRef> = self
                .adds()
                .iter()
                .zip(arrays)
                .map(|(column, array)| match column.path.turn_name() {
                    Some(_) => array.slice(turn, batch.turn_count()),
                    None => array.slice(row, batch.rows()),
                })
                .collect();
            columns.push(&base, &own)?;
            row += batch.rows();
            turn += batch.turn_count();
        }
        columns.finish()
    }

    /// Calls the stage and believes nothing it returns before it was measured.
    fn apply(&self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Output, StageError> {
        if batch.rows() == 0 {
            return Ok(match &self.job.contract.effect {
                Effect::Subset => Output::Keep(BooleanArray::from(Vec::<bool>::new())),
                _ => Output::Columns(self.adds().iter().map(|column| new_empty_array(&column.data_type)).collect()),
            });
        }
        let output = self.transform.apply(batch, context)?;
        match (&output, &self.job.contract.effect) {
            (Output::Keep(mask), Effect::Subset) if mask.len() == batch.rows() => Ok(output),
            (Output::Columns(arrays), Effect::Columns { adds, .. }) if arrays.len() == adds.len() => {
                for (array, column) in arrays.iter().zip(adds) {
                    let expected = if column.path.turn_name().is_some() { batch.turn_count() } else { batch.rows() };
                    if array.len() != expected || *array.data_type() != column.data_type {
                        return Err(StageError::new(format!(
                            "the stage returned {} values of type {} for column `{}`, expected {expected} of type {}",
                            array.len(),
                            array.data_type(),
                            column.path,
                            column.data_type
                        )));
                    }
                }
                Ok(output)
            }
            _ => Err(StageError::new("the stage returned something else than its contract promises")),
        }
    }
}

/// The new columns of one shard; the file is created with the first batch, which knows whether turns may be null.
struct ShardColumns<'a> {
    adds: &'a [AddedColumn],
    shard: &'a Shard,
    attempt: &'a Attempt,
    name: String,
    writer: Option<ColumnWriter>,
}

impl<'a> ShardColumns<'a> {
    fn new(adds: &'a [AddedColumn], shard: &'a Shard, attempt: &'a Attempt, index: usize) -> Self {
        Self { adds, shard, attempt, name: format!("{index:05}.parquet"), writer: None }
    }

    fn writer(&mut self, nullable: Option<(bool, bool)>) -> Result<&mut ColumnWriter, StageError> {
        match self.writer {
            Some(ref mut writer) => Ok(writer),
            None => {
                let path = self.attempt.path(&self.name);
                Ok(self.writer.insert(ColumnWriter::create(&path, self.adds, &self.shard.row_groups, nullable)?))
            }
        }
    }

    fn push(&mut self, base: &BaseBatch, arrays: &[ArrayRef]) -> Result<(), StageError> {
        if self.adds.is_empty() {
            return Ok(());
        }
        let nullable = base.shape.as_ref().map(|shape| (shape.list_nullable, shape.turn_nullable));
        self.writer(nullable)?.push(base, arrays)
    }

    /// The file; none if the stage only drops columns.
    fn finish(mut self) -> Result<Option<DataFile>, StageError> {
        if self.adds.is_empty() {
            return Ok(None);
        }
        self.writer(None)?;
        let path = self.attempt.path(&self.name);
        let writer = self.writer.ok_or_else(|| StageError::new("no column file was begun"))?;
        let written = writer.finish(&path)?;
        Ok(Some(DataFile {
            path: FilePath::Store(self.attempt.relative(&self.name)),
            first_row_group: 0,
            digests: written.digests,
            identity: None,
            footer: Some(written.footer),
        }))
    }
}

fn selected_rows(base: &BaseBatch) -> usize {
    base.selected.as_ref().map_or(base.rows.num_rows(), BooleanArray::true_count)
}

/// Adds the rows that the mask keeps; it has one entry for each selected row.
fn keep(base: &BaseBatch, mask: &BooleanArray, kept: &mut Selection) {
    let selected = (0..base.rows.num_rows()).filter(|row| base.selected.as_ref().is_none_or(|mask| mask.value(*row)));
    for (index, row) in selected.enumerate() {
        if mask.is_valid(index) && mask.value(index) {
            kept.push(base.first_row + row as u64);
        }
    }
}
