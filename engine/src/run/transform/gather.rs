//! Work on groups that are scattered over shards, in three steps. *Scatter* hands the rows of each shard out to
//! partitions, so that every group lies within one; *group* computes a partition; *gather* puts what came out back into
//! the order of the shards. Only the columns that the stage reads travel; the text stays where it is.
//!
//! How many partitions there are follows from the input's bytes alone. So what a stage counts, which is merged partition
//! by partition, depends on neither memory nor threads.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, ListArray, RecordBatch, RecordBatchOptions, StringArray, StructArray,
    UInt32Array, UInt64Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Field, Fields, Schema, UInt64Type};
use twox_hash::XxHash64;

use super::super::host::TaskHost;
use super::super::keys::shard_parts;
use super::super::part::Part;
use super::super::quarantine::RowFault;
use super::super::scope::RunScope;
use super::super::watch::Watch;
use super::super::whole::unchanged_policies;
use super::apply::Applied;
use super::columns::selected_rows;
use super::relabel::copies_of_groups;
use super::shard::{ShardResult, TransformWork};
use crate::column::{ColumnPath, TURNS};
use crate::contract::Scope;
use crate::dataset::{
    BaseBatch, BaseReader, ExchangeFile, ExchangeWriter, FilesRead, Judged, Segment, Shard, decoded_bytes, row_bytes,
};
use crate::failure::OnError;
use crate::quantities::readable;
use crate::stage::{Context, Output, StageError};
use crate::store::{Commit, KeyParts, Outcome, Store};
use crate::trajectory::TrajectoryBatch;

/// Raised when exchange files of the same key would hold something else.
const VERSION: &str = "2";

/// The number of a row in its shard, beside the columns that travel. No column of a trajectory can have this name.
const ROW: &str = "#row";

/// Whether a row stays, on the way back.
const KEEP: &str = "#keep";

/// Which trajectory is at fault, why, and where it came from, on the way back.
const FAULT: [&str; 3] = ["#trajectory", "#reason", "#place"];

const GROUP: &str = "group_id";

/// Rows that wait to be written when a shard is scattered.
const PENDING_BYTES: u64 = 16 << 20;

const FILE_NAME: &str = "rows.arrows";

/// A stage's work on scattered groups.
pub(crate) struct GatherWork<'a> {
    work: TransformWork<'a>,
    /// What every part of the stage has in its key.
    common: &'a KeyParts,
    /// Where exchange files are kept.
    exchange: &'a Store,
    partitions: usize,
    scattered: OnceLock<Exchanged>,
    /// What all shards come to, scattered: part of the key of every partition.
    scattered_digest: OnceLock<String>,
    grouped: OnceLock<Exchanged>,
}

/// What a step committed: exchange files, what was counted on the way to them, and who takes which of their segments.
struct Exchanged {
    files: Vec<ExchangeFile>,
    contexts: Vec<Context>,
    /// For each taker its segments, by numbers of files and segments: nobody searches those of all others for his own.
    taken: Vec<Vec<(u32, u32)>>,
}

impl Exchanged {
    /// `takers`: how many there are.
    fn new(files: Vec<ExchangeFile>, contexts: Vec<Context>, takers: usize) -> Result<Self, StageError> {
        let mut taken = vec![Vec::new(); takers];
        for (number, file) in (0..).zip(&files) {
            for (position, segment) in (0..).zip(&file.segments) {
                let of_taker = taken.get_mut(segment.taker);
                of_taker.ok_or_else(|| stranger(file, segment))?.push((number, position));
            }
        }
        Ok(Self { files, contexts, taken })
    }

    /// The segments of a taker, with the numbers of their files, in order.
    fn segments_for(&self, taker: usize) -> impl Iterator<Item = (usize, &ExchangeFile, &Segment)> {
        self.taken.get(taker).into_iter().flatten().filter_map(|(number, position)| {
            let file = self.files.get(*number as usize)?;
            Some((*number as usize, file, file.segments.get(*position as usize)?))
        })
    }
}

impl<'a> GatherWork<'a> {
    pub(crate) fn new(work: TransformWork<'a>, common: &'a KeyParts, exchange: &'a Store) -> Result<Self, StageError> {
        let partitions = match work.job.contract.scope {
            Scope::Dataset => 1,
            Scope::Trajectory | Scope::Group => {
                let reads = columns(&work);
                let bytes = work.inputs.data.shards.iter().try_fold(0, |sum: u64, shard| {
                    Ok::<u64, StageError>(
                        sum + decoded_bytes(&work.inputs.data.root, &work.inputs.data.schema, shard, &reads)?,
                    )
                })?;
                bytes.div_ceil(work.scope.options.results.partition_bytes.max(1)).max(1) as usize
            }
        };
        let (scattered, scattered_digest, grouped) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Ok(Self { work, common, exchange, partitions, scattered, scattered_digest, grouped })
    }

    /// How many partitions the groups are handed out to.
    pub(crate) fn partitions(&self) -> usize {
        self.partitions
    }

    fn scatter_key(&self, shard: usize) -> Result<KeyParts, StageError> {
        let mut parts = KeyParts::default();
        parts.add("scatter", VERSION);
        parts.add("partitions", self.partitions.to_string());
        shard_parts(&mut parts, &columns(&self.work), &[self.work.shard(shard)?])?;
        Ok(parts)
    }

    fn group_key(&self, partition: usize) -> Result<KeyParts, StageError> {
        let mut parts = self.common.clone();
        parts.add("scattered", self.scattered_digest()?);
        parts.add("partition", partition.to_string());
        Ok(parts)
    }

    /// The keys of all scattered shards as one digest, made once.
    fn scattered_digest(&self) -> Result<&str, StageError> {
        if let Some(known) = self.scattered_digest.get() {
            return Ok(known);
        }
        let mut inputs = blake3::Hasher::new();
        for shard in 0..self.work.inputs.data.shards.len() {
            inputs.update(self.scatter_key(shard)?.key().as_str().as_bytes());
        }
        Ok(self.scattered_digest.get_or_init(|| inputs.finalize().to_hex().to_string()))
    }

    /// Hands the rows of a shard out to partitions.
    pub(crate) fn scatter(&self, index: usize, watch: &Watch<'_>) -> Result<(), StageError> {
        let parts = self.scatter_key(index)?;
        let key = parts.key();
        if self.exchange.committed(&key)?.is_some() {
            return Ok(());
        }
        let (input, RunScope { budget, options, .. }) = (&self.work.inputs.data, self.work.scope);
        let read = FilesRead::begin([self.work.shard(index)?])?;
        let reads = columns(&self.work);
        let reader =
            BaseReader::open(&input.root, &input.schema, self.work.shard(index)?, &reads, options.batch_limit)?
                .judging(Judged::AllButNumbers);
        let _taken = budget.take(reader.peak_bytes() + 2 * PENDING_BYTES);
        watch.begin();
        let attempt = self.exchange.attempt(&key)?;
        let mut scattering = Scattering {
            writer: ExchangeWriter::create(&attempt.path(FILE_NAME))?,
            pending: vec![Vec::new(); self.partitions],
            bytes: 0,
        };
        for base in reader {
            watch.check()?;
            scattering.push(&base?, self.partitions)?;
        }
        scattering.flush()?;
        let file = ExchangeFile { path: attempt.relative(FILE_NAME), segments: scattering.writer.finish() };
        let outcome = Outcome::Exchanged(file);
        read.unchanged()?;
        self.exchange.commit(Some(attempt), Commit::new(parts, outcome, Context::default()))?;
        Ok(())
    }

    /// Computes the groups of a partition.
    pub(crate) fn group(&self, partition: usize, watch: &Watch<'_>) -> Result<(), StageError> {
        let parts = self.group_key(partition)?;
        let key = parts.key();
        if self.exchange.committed(&key)?.is_some() {
            return Ok(());
        }
        let shards = self.work.inputs.data.shards.len();
        let scattered = self.exchanged(&self.scattered, (shards, self.partitions), |shard| self.scatter_key(shard))?;
        let bytes: u64 = scattered.segments_for(partition).map(|(_, _, segment)| segment.bytes).sum();
        // Rows as they come, the same rows in one piece, and what the stage makes of them.
        let needed = 3 * bytes;
        if needed > self.work.scope.budget.total() || bytes > i32::MAX as u64 {
            return Err(self.too_large(partition, scattered, needed)?);
        }
        let _taken = self.work.scope.budget.take(needed + self.work.transform.held_bytes());
        watch.begin();
        let mut rows = Vec::new();
        // Shards of which there are rows, and how many.
        let mut counts: Vec<(usize, usize)> = Vec::new();
        for (shard, file, segment) in scattered.segments_for(partition) {
            watch.check()?;
            rows.push(file.read(self.exchange.root(), segment)?);
            match counts.last_mut() {
                Some((last, count)) if *last == shard => *count += segment.rows as usize,
                _ => counts.push((shard, segment.rows as usize)),
            }
        }
        let attempt = self.exchange.attempt(&key)?;
        let mut writer = ExchangeWriter::create(&attempt.path(FILE_NAME))?;
        let mut context = Context::default();
        if let Some(first) = rows.first() {
            let all = concat_batches(&first.schema(), &rows)?;
            drop(rows);
            let (numbers, batch) = without_numbers(all)?;
            let host = TaskHost::new(self.work.scope, watch, None);
            let applied = self.work.call(&host, watch)?.apply(&batch, &mut context)?;
            let came_out = self.packed(numbers, &batch, applied)?;
            let mut row = 0;
            for (shard, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
                writer.push(shard, &came_out.slice(row, count))?;
                row += count;
            }
        }
        let file = ExchangeFile { path: attempt.relative(FILE_NAME), segments: writer.finish() };
        self.work.job.stage.unchanged()?;
        unchanged_policies(self.work.inputs)?;
        self.exchange.commit(Some(attempt), Commit::new(parts, Outcome::Exchanged(file), context))?;
        Ok(())
    }

    /// Puts what was computed for a shard, which is the part at this position, back into the shard's order.
    pub(crate) fn gather(&self, part: &Part, is_first: bool, watch: &Watch<'_>) -> Result<(), StageError> {
        let index = part.shard()?;
        let shard = self.work.shard(index)?;
        let read = FilesRead::begin([shard])?;
        let sizes = (self.partitions, self.work.inputs.data.shards.len());
        let grouped = self.exchanged(&self.grouped, sizes, |partition| self.group_key(partition))?;
        let segments: Vec<(&ExchangeFile, &Segment)> =
            grouped.segments_for(index).map(|(_, file, segment)| (file, segment)).collect();
        let bytes: u64 = segments.iter().map(|(_, segment)| segment.bytes).sum();
        let _taken = self.work.scope.budget.take(3 * bytes);
        watch.begin();
        let rows = segments
            .iter()
            .map(|(file, segment)| file.read(self.exchange.root(), segment))
            .collect::<Result<Vec<_>, _>>()?;
        let mut context = Context::default();
        if is_first {
            // What was counted in partitions belongs to no shard.
            grouped.contexts.iter().for_each(|counted| context.absorb(counted));
        }
        let attempt = self.work.scope.store.attempt(&part.key)?;
        let mut result = ShardResult::new(self.work.job, shard, &attempt);
        if let Some(first) = rows.first() {
            let all = concat_batches(&first.schema(), &rows)?;
            drop(rows);
            let ordered = match segments.len() {
                1 => all,
                _ => take_record_batch(&all, &in_order(&all, shard)?)?,
            };
            self.put_back(shard, &ordered, &mut result, watch)?;
        }
        let result = result.finish()?;
        self.work.commit(part, attempt, result, context, &read)
    }

    fn put_back(
        &self,
        shard: &Shard,
        ordered: &RecordBatch,
        result: &mut ShardResult<'_>,
        watch: &Watch<'_>,
    ) -> Result<(), StageError> {
        let (applied, turn_starts) = self.unpacked(ordered)?;
        let has_turns = self.work.job.adds().iter().any(|column| column.path.turn_name().is_some());
        let wanted = if has_turns { vec![ColumnPath::from(TURNS)] } else { Vec::new() };
        let (input, options) = (&self.work.inputs.data, self.work.scope.options);
        let mut row = 0;
        // Shapes of turns alone: what one batch of them takes is small beside the columns, which were counted.
        for base in BaseReader::open(&input.root, &input.schema, shard, &wanted, options.batch_limit)? {
            watch.check()?;
            let base = base?;
            let rows = selected_rows(&base).count();
            if row + rows > ordered.num_rows() {
                return Err(incomplete(shard));
            }
            result.push(&base, &applied, (row, turn_starts.get(row).map_or(0, |start| *start as usize)))?;
            row += rows;
        }
        match row == ordered.num_rows() {
            true => Ok(()),
            false => Err(incomplete(shard)),
        }
    }

    /// The committed exchange files of a step that is complete, read once. `count`: how many there are, and how many take
    /// of them.
    fn exchanged<'s>(
        &'s self,
        known: &'s OnceLock<Exchanged>,
        (count, takers): (usize, usize),
        parts: impl Fn(usize) -> Result<KeyParts, StageError>,
    ) -> Result<&'s Exchanged, StageError> {
        if let Some(known) = known.get() {
            return Ok(known);
        }
        let read = (0..count).map(|position| match self.exchange.committed(&parts(position)?.key())? {
            Some(Commit { outcome: Outcome::Exchanged(file), context, .. }) => Ok((file, context)),
            _ => Err(StageError::new("rows that were exchanged between shards and partitions are gone")
                .help("run again: they are made again")),
        });
        let (files, contexts) = read.collect::<Result<(Vec<_>, Vec<_>), StageError>>()?;
        let read = Exchanged::new(files, contexts, takers)?;
        Ok(known.get_or_init(|| read))
    }

    /// What came out for some rows, as it travels back: numbers first, then row columns, turn columns as a list.
    fn packed(&self, numbers: ArrayRef, batch: &TrajectoryBatch, applied: Applied) -> Result<RecordBatch, StageError> {
        let mut fields = vec![Field::new(ROW, DataType::UInt64, false)];
        let mut columns = vec![numbers];
        if self.work.job.failure.on_error == OnError::Quarantine {
            for (name, column) in FAULT.into_iter().zip(packed_faults(&applied.faults, batch.rows())) {
                fields.push(Field::new(name, DataType::Utf8, true));
                columns.push(column);
            }
        }
        match applied.output {
            Output::Keep(mask) => {
                fields.push(Field::new(KEEP, DataType::Boolean, true));
                columns.push(Arc::new(mask));
            }
            Output::Columns(arrays) => {
                let (turns, rows): (Vec<_>, Vec<_>) =
                    self.work.job.adds().iter().zip(arrays).partition(|(column, _)| column.path.turn_name().is_some());
                for (column, array) in rows {
                    fields.push(Field::new(column.path.as_str(), column.data_type.clone(), true));
                    columns.push(array);
                }
                if !turns.is_empty() {
                    let turn_fields: Fields = turns
                        .iter()
                        .map(|(column, _)| Field::new(column.path.as_str(), column.data_type.clone(), true))
                        .collect();
                    let structs =
                        StructArray::try_new(turn_fields, turns.into_iter().map(|(_, array)| array).collect(), None)?;
                    let element = Arc::new(Field::new("element", structs.data_type().clone(), false));
                    let offsets = batch.turn_offsets().windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>();
                    let list =
                        ListArray::try_new(element, OffsetBuffer::from_lengths(offsets), Arc::new(structs), None)?;
                    fields.push(Field::new(TURNS, list.data_type().clone(), false));
                    columns.push(Arc::new(list));
                }
            }
            Output::Relabelled(_) => {
                return Err(copies_of_groups());
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.rows()));
        Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?)
    }

    /// What came out for some rows, and for each of them where its turns begin.
    fn unpacked<'r>(&self, rows: &'r RecordBatch) -> Result<(Applied, &'r [i32]), StageError> {
        let missing = |name: &str| StageError::new(format!("an exchange file has no column `{name}`"));
        if let Some(mask) = rows.column_by_name(KEEP) {
            let output = Output::Keep(mask.as_boolean().clone());
            return Ok((Applied { output, faults: unpacked_faults(rows) }, &[]));
        }
        let turns = rows.column_by_name(TURNS).map(|array| array.as_list::<i32>());
        let arrays = self.work.job.adds().iter().map(|column| {
            let name = column.path.as_str();
            let found = match column.path.turn_name() {
                Some(_) => turns.and_then(|list| list.values().as_struct().column_by_name(name)),
                None => rows.column_by_name(name),
            };
            found.cloned().ok_or_else(|| missing(name))
        });
        let arrays = arrays.collect::<Result<_, _>>()?;
        let applied = Applied { output: Output::Columns(arrays), faults: unpacked_faults(rows) };
        Ok((applied, turns.map_or(&[], |list| list.value_offsets())))
    }

    /// Names the largest group of a partition that does not fit.
    fn too_large(&self, partition: usize, scattered: &Exchanged, needed: u64) -> Result<StageError, StageError> {
        let mut groups: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for (_, file, segment) in scattered.segments_for(partition) {
            let rows = file.read(self.exchange.root(), segment)?;
            let sizes = row_bytes(&rows);
            let ids = rows.column_by_name(GROUP).and_then(|ids| ids.as_string_opt::<i32>().cloned());
            for (row, size) in sizes.into_iter().enumerate() {
                let id = ids.as_ref().map_or("", |ids| ids.value(row));
                match groups.get_mut(id) {
                    Some(group) => *group = (group.0 + size, group.1 + 1),
                    None => drop(groups.insert(id.to_owned(), (size, 1))),
                }
            }
        }
        let names: Vec<String> = self.work.job.reads().iter().map(|column| format!("`{column}`")).collect();
        let (names, available) = (names.join(", "), self.work.scope.budget.total());
        let limit = match needed > available {
            true => format!("takes {}, more than the {} of `--memory`", readable(needed), readable(available)),
            false => format!("takes {}, more than one Arrow array of text holds", readable(needed)),
        };
        if self.work.job.contract.scope == Scope::Dataset {
            let rows = self.work.inputs.data.rows();
            let message = format!("it must see {names} of all {rows} trajectories at once, which {limit}");
            return Ok(StageError::new(message).help("raise `--memory`, or filter before this stage"));
        }
        let largest = groups.into_iter().max_by_key(|(_, (bytes, _))| *bytes);
        let (group, (bytes, rows)) = largest.unwrap_or_default();
        Ok(StageError::new(format!(
            "group `{group}` is too large: {names} of its {rows} trajectories are {}, and computing their partition \
             {limit}",
            readable(bytes)
        ))
        .help("raise `--memory`, or filter before this stage"))
    }
}

/// A commit of the exchange that names a taker who does not exist: it may have been damaged.
fn stranger(file: &ExchangeFile, segment: &Segment) -> StageError {
    StageError::new(format!("`{}` has rows for number {}, which there is not", file.path, segment.taker))
        .help("delete the directory `exchange` of the store and run again")
}

/// Rows at fault, as columns that are null for all others.
fn packed_faults(faults: &[RowFault], rows: usize) -> [ArrayRef; 3] {
    let texts: [fn(&RowFault) -> Option<&str>; 3] =
        [|fault| Some(&fault.trajectory), |fault| Some(&fault.reason), |fault| fault.place.as_deref()];
    texts.map(|text| -> ArrayRef {
        let mut next = faults.iter().peekable();
        let values = (0..rows).map(|row| next.next_if(|fault| fault.row == row).and_then(text));
        Arc::new(values.collect::<StringArray>())
    })
}

fn unpacked_faults(rows: &RecordBatch) -> Vec<RowFault> {
    let texts = FAULT.map(|name| rows.column_by_name(name).and_then(|array| array.as_string_opt::<i32>()));
    let [Some(trajectories), Some(reasons), Some(places)] = texts else { return Vec::new() };
    let found = trajectories.iter().zip(reasons).zip(places).enumerate();
    found
        .filter_map(|(row, ((trajectory, reason), place))| {
            let (trajectory, reason) = (trajectory?.to_owned(), reason?.to_owned());
            Some(RowFault { row, trajectory, reason, place: place.map(str::to_owned) })
        })
        .collect()
}

/// The columns that travel.
fn columns(work: &TransformWork<'_>) -> Vec<ColumnPath> {
    let mut columns = work.job.reads();
    let group = ColumnPath::from(GROUP);
    if work.job.contract.scope == Scope::Group && !columns.contains(&group) {
        columns.push(group);
    }
    columns
}

/// Where the rows of a shard are, in the shard's order. Their numbers are distinct, so that nothing needs sorting.
fn in_order(rows: &RecordBatch, shard: &Shard) -> Result<UInt32Array, StageError> {
    let numbers = rows.column(0).as_primitive_opt::<UInt64Type>().ok_or_else(|| incomplete(shard))?;
    let base_rows = shard.row_groups.iter().sum::<u64>() as usize;
    let mut positions = vec![None; base_rows];
    for (position, number) in numbers.values().iter().enumerate() {
        *positions.get_mut(*number as usize).ok_or_else(|| incomplete(shard))? = Some(position as u32);
    }
    Ok(positions.into_iter().flatten().collect::<Vec<u32>>().into())
}

fn incomplete(shard: &Shard) -> StageError {
    StageError::new(format!("exchange files do not hold the rows of shard `{}`", shard.label))
}

/// Splits the numbers of rows off.
fn without_numbers(mut rows: RecordBatch) -> Result<(ArrayRef, TrajectoryBatch), StageError> {
    let numbers = rows.remove_column(0);
    Ok((numbers, TrajectoryBatch::new(rows)?))
}

/// Rows of a shard on their way to partitions.
struct Scattering {
    writer: ExchangeWriter,
    pending: Vec<Vec<RecordBatch>>,
    bytes: u64,
}

impl Scattering {
    fn push(&mut self, base: &BaseBatch, partitions: usize) -> Result<(), StageError> {
        let batch = base.trajectories()?;
        if batch.rows() == 0 {
            return Ok(());
        }
        let numbers: ArrayRef = Arc::new(UInt64Array::from_iter_values(selected_rows(base)));
        let batch = batch.record_batch();
        let mut fields = vec![Arc::new(Field::new(ROW, DataType::UInt64, false))];
        fields.extend(batch.schema_ref().fields().iter().cloned());
        let mut arrays = vec![numbers];
        arrays.extend(batch.columns().iter().cloned());
        let numbered = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?;
        self.bytes += row_bytes(&numbered).iter().sum::<u64>();
        if partitions == 1 {
            self.pending[0].push(numbered);
        } else {
            let (order, counts) = by_partition(&numbered, partitions)?;
            let sorted = take_record_batch(&numbered, &order)?;
            let mut start = 0;
            for (pending, count) in self.pending.iter_mut().zip(counts).filter(|(_, count)| *count > 0) {
                pending.push(sorted.slice(start, count));
                start += count;
            }
        }
        match self.bytes >= PENDING_BYTES {
            true => self.flush(),
            false => Ok(()),
        }
    }

    fn flush(&mut self) -> Result<(), StageError> {
        for (partition, pending) in self.pending.iter_mut().enumerate() {
            if let Some(first) = pending.first() {
                let rows = concat_batches(&first.schema(), pending.iter())?;
                pending.clear();
                self.writer.push(partition, &rows)?;
            }
        }
        self.bytes = 0;
        Ok(())
    }
}

/// The order that puts rows of a partition next to each other, and how many each partition has.
fn by_partition(rows: &RecordBatch, partitions: usize) -> Result<(UInt32Array, Vec<usize>), StageError> {
    let groups = rows
        .column_by_name(GROUP)
        .and_then(|ids| ids.as_string_opt::<i32>())
        .ok_or_else(|| StageError::new(format!("column `{GROUP}` is no text")))?;
    let partition_of = |row: usize| (XxHash64::oneshot(0, groups.value(row).as_bytes()) % partitions as u64) as usize;
    let found: Vec<usize> = (0..rows.num_rows()).map(partition_of).collect();
    let mut counts = vec![0; partitions];
    found.iter().for_each(|partition| counts[*partition] += 1);
    let mut next: Vec<usize> =
        counts.iter().scan(0, |start, count| Some(std::mem::replace(start, *start + count))).collect();
    let mut order = vec![0; rows.num_rows()];
    for (row, partition) in found.into_iter().enumerate() {
        order[next[partition]] = row as u32;
        next[partition] += 1;
    }
    Ok((UInt32Array::from(order), counts))
}
