//! Looks at what Parquet files that stay where they lie say of their runs: values that mean something else in our schema
//! are told otherwise, and rows that cannot be taken are named. Only small columns are read, and texts of turns whose
//! statistics do not prove that all are there. Not concerned with which columns there are.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray as _, BooleanArray, Float32Array, RecordBatch, StringArray, UInt64Array, make_array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, Field, Fields, Float32Type, Float64Type, Int64Type, Schema, UInt64Type};
use sternlight_engine::column::{ColumnPath, TURNS};
use sternlight_engine::contract::AddedColumn;
use sternlight_engine::dataset::{ForeignFile, leaves_of};
use sternlight_engine::quantities::readable;
use sternlight_engine::stage::{FaultyRow, Look, LookTerms, StageError};
use sternlight_engine::trajectory::{Status, canonical_type};

use super::json::plain_number;
use super::options::{FailedReward, Options};
use super::parquet::ParquetFile;
use super::row::is_close;
use super::status::ending;
use super::tally::Tally;

/// Rows that are looked at together, of columns with one small value a row.
const ROWS: usize = 8192;

/// Decoded bytes of texts of turns that are looked at together, about.
const TEXT_BYTES: u64 = 4 << 20;

/// Of the memory that there is, what columns that are told otherwise may take: a part in so many, since they are put
/// together and written beside the file.
const PARTS_OF_MEMORY: u64 = 3;

/// Arrays of batches that are brought together: where row groups are small, the room around each is many times what is in
/// it.
const RECENT: usize = 128;

/// Columns of rows that `columns` can fill.
const COLUMNS: [&str; 10] =
    ["trajectory_id", "group_id", "task_id", "env", "policy", "seed", "reward", "success", "status", "error"];

/// Columns of turns that every trajectory needs.
const TEXTS: [&str; 2] = ["turns.observation", "turns.action"];

/// Looks at some row groups of a file.
pub(super) fn look(
    file: &ParquetFile,
    row_groups: Range<usize>,
    options: &Options,
    terms: &LookTerms<'_>,
) -> Result<Look, StageError> {
    let input = ForeignFile::open(&file.file.path, file.file.shown.clone(), terms.memory)?;
    let groups = input.metadata().metadata().row_groups().iter();
    let rows_before = groups.take(row_groups.start).map(|group| u64::try_from(group.num_rows()).unwrap_or(0)).sum();
    let opened = Opened { file, input, row_groups };
    let mut nulls = BTreeMap::new();
    for column in TEXTS.map(ColumnPath::new) {
        if let Some((leaves, rows)) = opened.unproven(&column) {
            let mut first = 0;
            opened.each(leaves, rows, terms, &mut |batch| {
                find_nulls(&column, batch, first, &mut nulls);
                first += batch.num_rows() as u64;
                Ok(())
            })?;
        }
    }
    let mut names = ["trajectory_id", "group_id"].into_iter().map(ColumnPath::new);
    let reads_names = !nulls.is_empty() || names.any(|column| opened.unproven(&column).is_some());
    let mut looking = Looking::new(&opened, options, terms, rows_before, reads_names);
    looking.take_all(&nulls)?;
    if looking.lacks_names {
        // Rarely is there something to say that names a row.
        looking = Looking::new(&opened, options, terms, rows_before, true);
        looking.take_all(&nulls)?;
    }
    looking.finish()
}

/// A file that is looked at.
struct Opened<'a> {
    file: &'a ParquetFile,
    input: ForeignFile,
    row_groups: Range<usize>,
}

impl Opened<'_> {
    fn schema(&self) -> &Schema {
        self.input.metadata().schema()
    }

    /// Hands out all rows of some leaves, at most so many at once.
    fn each(
        &self,
        leaves: Vec<usize>,
        rows: usize,
        terms: &LookTerms<'_>,
        take: &mut dyn FnMut(&RecordBatch) -> Result<(), StageError>,
    ) -> Result<(), StageError> {
        (terms.check)()?;
        self.input.each(leaves, self.row_groups.clone(), rows, &mut |batch| {
            (terms.check)()?;
            take(batch)
        })
    }

    /// The leaves of a column of which nothing proves that it has no nulls, and how many rows to look at together.
    fn unproven(&self, column: &ColumnPath) -> Option<(Vec<usize>, usize)> {
        let leaves = leaves_of(self.schema(), column)?;
        let groups = self.input.metadata().metadata().row_groups().get(self.row_groups.clone())?;
        let chunks = groups.iter().flat_map(|group| leaves.clone().map(|leaf| group.column(leaf)));
        let is_proven = chunks.clone().all(|chunk| {
            let descriptor = chunk.column_descr();
            descriptor.max_def_level() == descriptor.max_rep_level()
                || chunk.statistics().is_some_and(|known| known.null_count_opt() == Some(0))
        });
        let bytes: u64 = chunks.map(|chunk| u64::try_from(chunk.uncompressed_size()).unwrap_or(0)).sum();
        let rows: u64 = groups.iter().map(|group| u64::try_from(group.num_rows()).unwrap_or(0)).sum();
        let together = TEXT_BYTES.saturating_mul(rows) / bytes.max(1);
        (!is_proven).then(|| (leaves.collect(), together.clamp(1, ROWS as u64) as usize))
    }
}

/// A column that is looked at.
struct Wanted {
    column: &'static str,
    /// Where the file has it.
    keys: Vec<String>,
    leaves: Range<usize>,
    is_mapped: bool,
    /// Whether the file has values that are told otherwise whatever they are.
    differs: bool,
}

/// What becomes of a column.
#[derive(Default)]
struct Told {
    /// One after the other: brought together, and those of the last batches as they came.
    values: Vec<ArrayRef>,
    recent: Vec<ArrayRef>,
    /// Whether they are other values than the file's.
    differ: bool,
}

impl Told {
    /// Adds the values of a batch; its bytes without the room around them.
    fn push(&mut self, values: ArrayRef) -> Result<u64, StageError> {
        let bytes = values.to_data().get_slice_memory_size()? as u64;
        self.recent.push(values);
        if self.recent.len() == RECENT {
            self.gather()?;
        }
        Ok(bytes)
    }

    fn gather(&mut self) -> Result<(), StageError> {
        let recent: Vec<&dyn Array> = self.recent.iter().map(AsRef::as_ref).collect();
        if !recent.is_empty() {
            self.values.push(concat(&recent)?);
        }
        self.recent.clear();
        Ok(())
    }

    /// All values.
    fn finish(mut self) -> Result<ArrayRef, StageError> {
        self.gather()?;
        let values: Vec<&dyn Array> = self.values.iter().map(AsRef::as_ref).collect();
        Ok(concat(&values)?)
    }
}

/// What is counted of rows that are taken.
#[derive(Default)]
struct Counts {
    trajectories: u64,
    scored: u64,
    successes: u64,
    truncated: u64,
    failed: u64,
}

struct Looking<'a> {
    opened: &'a Opened<'a>,
    options: &'a Options,
    terms: &'a LookTerms<'a>,
    rows_before: u64,
    wanted: Vec<Wanted>,
    /// Rewards of turns, if they may be no numbers.
    turn_reward: Option<Range<usize>>,
    /// Whether names were not read, and there is something to say that needs them.
    lacks_names: bool,
    reads_names: bool,
    rows: u64,
    counts: Counts,
    /// Of rows at fault.
    ids: BTreeMap<u64, String>,
    told: BTreeMap<&'static str, Told>,
    told_bytes: u64,
    faults: BTreeMap<u64, String>,
    tally: Tally,
    look: Look,
}

impl<'a> Looking<'a> {
    fn new(
        opened: &'a Opened<'a>,
        options: &'a Options,
        terms: &'a LookTerms<'a>,
        rows_before: u64,
        reads_names: bool,
    ) -> Self {
        let fields = opened.schema().fields();
        let wanted = COLUMNS.into_iter().filter_map(|column| {
            let path = options.columns.iter().flat_map(|columns| columns.given()).find(|(name, _)| *name == column);
            let is_mapped = path.is_some();
            let keys = path.map_or_else(|| vec![column.to_owned()], |(_, path)| path.keys().to_vec());
            let (leaves, field) = leaf_range(fields, &keys)?;
            // Others are read by whoever wants them, as they are.
            let is_as_it_is = is_text(field.data_type()) || field.data_type().is_integer();
            let is_looked_at = match column {
                _ if is_mapped || !is_as_it_is => true,
                "trajectory_id" | "group_id" => reads_names,
                "task_id" | "env" | "policy" => false,
                _ => true,
            };
            let differs = is_mapped || !is_as_it_is;
            is_looked_at.then_some(Wanted { column, keys, leaves, is_mapped, differs })
        });
        let turn_reward = leaves_of(opened.schema(), &ColumnPath::of_turn("reward")).filter(|_| {
            let turns = fields.find(TURNS).map(|(_, field)| field.data_type());
            let Some(DataType::List(element)) = turns else { return false };
            let DataType::Struct(turn) = element.data_type() else { return false };
            turn.find("reward").is_some_and(|(_, field)| field.data_type().is_floating())
        });
        Self {
            opened,
            options,
            terms,
            rows_before,
            wanted: wanted.collect(),
            turn_reward,
            lacks_names: false,
            reads_names,
            rows: 0,
            counts: Counts::default(),
            ids: BTreeMap::new(),
            told: BTreeMap::new(),
            told_bytes: 0,
            faults: BTreeMap::new(),
            tally: Tally::default(),
            look: Look::default(),
        }
    }

    fn leaves(&self) -> Vec<usize> {
        self.wanted
            .iter()
            .flat_map(|wanted| wanted.leaves.clone())
            .chain(self.turn_reward.clone().into_iter().flatten())
            .collect()
    }

    /// Looks at all rows. `faults`: what is known to be wrong with some.
    fn take_all(&mut self, faults: &BTreeMap<u64, String>) -> Result<(), StageError> {
        self.faults.clone_from(faults);
        let (opened, terms, leaves) = (self.opened, self.terms, self.leaves());
        match leaves.is_empty() {
            true => Ok(()),
            false => opened.each(leaves, ROWS, terms, &mut |batch| self.take(batch)),
        }
    }

    /// Looks at the next rows.
    fn take(&mut self, batch: &RecordBatch) -> Result<(), StageError> {
        let mut found: BTreeMap<&'static str, ArrayRef> = BTreeMap::new();
        for wanted in &self.wanted {
            if let Some(array) = array_at(batch, &wanted.keys)? {
                found.insert(wanted.column, array);
            }
        }
        let count = batch.num_rows();
        let texts = |column: &str| found.get(column).map(as_text).transpose();
        let (ids, groups) = (texts("trajectory_id")?, texts("group_id")?);
        let (words, errors) = (texts("status")?, texts("error")?);
        let rewards = found.get("reward").map(as_doubles).transpose()?;
        let successes = found.get("success").map(|array| cast(array, &DataType::Boolean)).transpose()?;
        let successes = successes.as_ref().map(|array| array.as_boolean());
        for (column, texts) in [("trajectory_id", &ids), ("group_id", &groups), ("status", &words)] {
            let null = |row: &usize| texts.as_ref().is_some_and(|texts| texts.is_null(*row));
            (0..count).filter(null).for_each(|row| self.fault(row, format!("`{column}` is null, expected a value")));
        }
        if let Some(leaves) = &self.turn_reward
            && !leaves.is_empty()
            && let Some(list) = batch.column_by_name(TURNS).and_then(|turns| turns.as_list_opt::<i32>())
            && let Some(rewards) = list.values().as_struct_opt().and_then(|turns| turns.column_by_name("reward"))
        {
            let rewards = as_floats(rewards)?;
            for row in 0..count {
                let turns = list.value_offsets()[row] as usize..list.value_offsets()[row + 1] as usize;
                let wrong = turns.clone().find(|turn| rewards.is_valid(*turn) && !rewards.value(*turn).is_finite());
                if let Some(turn) = wrong {
                    self.number_fault(
                        row,
                        format!("`turns.reward` of turn {} is {}", turn - turns.start, rewards.value(turn)),
                    );
                }
            }
        }
        let (mut statuses, mut kept) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let mut succeeded = Vec::with_capacity(count);
        for row in 0..count {
            let has_error = errors.as_ref().is_some_and(|errors| errors.is_valid(row) && !errors.value(row).is_empty());
            let word = words.as_ref().filter(|words| words.is_valid(row)).map(|words| words.value(row));
            let ending = word.map(ending);
            let status = ending.flatten().map_or(Status::Done, |ending| ending.status(has_error));
            if let (Some(word), Some(None)) = (word, ending) {
                self.tally.unknown_status(word);
            }
            let recorded = rewards.as_ref().filter(|rewards| rewards.is_valid(row)).map(|rewards| rewards.value(row));
            let value = recorded.map(|recorded| recorded as f32);
            if let (Some(recorded), Some(value)) = (recorded, value)
                && !value.is_finite()
            {
                self.number_fault(
                    row,
                    match recorded.is_finite() {
                        true => format!("`reward` is {recorded:e}, which is out of the range of a reward"),
                        false => format!("`reward` is {recorded}"),
                    },
                );
            }
            let is_kept = status != Status::Failed || self.options.failed_reward == Some(FailedReward::Recorded);
            let success = successes.filter(|successes| successes.is_valid(row)).map(|successes| successes.value(row));
            if !is_kept && value.is_some() && !has_error {
                self.tally.failed_without_error += 1;
            }
            let (value, success) = (value.filter(|_| is_kept), success.filter(|_| is_kept));
            if let (Some(recorded), Some(value)) = (recorded, value)
                && value.is_finite()
                && is_close(value, recorded)
            {
                self.lacks_names |= !self.reads_names;
                let group = groups.as_ref().map_or("", |groups| groups.value(row));
                self.tally.close(group, recorded, value, &mut self.look.context.metrics);
            }
            if !self.faults.contains_key(&(self.rows + row as u64)) {
                self.count(status, value, success);
            }
            statuses.push(status.as_str());
            kept.push(value);
            succeeded.push(success);
        }
        if let Some(words) = &words {
            let differ = (0..count).any(|row| words.is_valid(row) && words.value(row) != statuses[row]);
            // Words that do not differ are ours, and short.
            let values = if differ { StringArray::from(statuses) } else { words.clone() };
            self.tell("status", Arc::new(values), differ)?;
        }
        if let Some(rewards) = &rewards {
            let values = Float32Array::from(kept);
            let differ = values.null_count() != rewards.null_count();
            self.tell("reward", Arc::new(values), differ)?;
        }
        if let Some(successes) = successes {
            let values = BooleanArray::from(succeeded);
            let differ = values.null_count() != successes.null_count();
            self.tell("success", Arc::new(values), differ)?;
        }
        if let Some(recorded) = found.get("seed") {
            let seeds = as_seeds(recorded)?;
            let lost = seeds.null_count().saturating_sub(recorded.logical_null_count());
            self.tally.seeds += lost as u64;
            let differ = lost > 0 || !recorded.data_type().is_integer();
            self.tell("seed", Arc::new(seeds), differ)?;
        }
        for column in ["trajectory_id", "group_id", "task_id", "env", "policy", "error"] {
            let differs = self.wanted.iter().any(|wanted| wanted.column == column && wanted.differs);
            if let Some(recorded) = found.get(column).filter(|_| differs) {
                self.tell(column, Arc::new(as_text(recorded)?), true)?;
            }
        }
        for wanted in self.wanted.iter().filter(|wanted| wanted.is_mapped) {
            if found.get(wanted.column).is_some_and(|array| array.logical_null_count() < array.len()) {
                self.tally.mapped(wanted.column);
            }
        }
        let id = |row: u64| {
            let ids = ids.as_ref().filter(|ids| ids.is_valid((row - self.rows) as usize))?;
            Some((row, ids.value((row - self.rows) as usize).to_owned()))
        };
        let here = self.rows..self.rows + count as u64;
        self.ids.extend(self.faults.range(here.clone()).filter_map(|(row, _)| id(*row)));
        self.rows = here.end;
        Ok(())
    }

    fn tell(&mut self, column: &'static str, values: ArrayRef, differ: bool) -> Result<(), StageError> {
        let is_mapped = self.wanted.iter().any(|wanted| wanted.column == column && wanted.is_mapped);
        let told = self.told.entry(column).or_default();
        told.differ |= differ || is_mapped;
        self.told_bytes += told.push(values)?;
        let (bytes, memory) = (self.told_bytes, self.terms.memory);
        if bytes > memory / PARTS_OF_MEMORY {
            let message = format!(
                "its columns that are read as other values take at least {}, and working on them {PARTS_OF_MEMORY} times as \
                 much, more than the {} of `--memory`",
                readable(bytes),
                readable(memory)
            );
            return Err(StageError::new(message)
                .place(format!("{}, column `{column}`", self.opened.file.file.shown))
                .help("raise `--memory`, or set `shard_bytes` lower"));
        }
        Ok(())
    }

    /// A row that cannot be taken, by its number in the batch.
    fn fault(&mut self, row: usize, message: String) {
        self.lacks_names |= !self.reads_names;
        self.faults.entry(self.rows + row as u64).or_insert(message);
    }

    /// A row with a number that is none. A filter may leave it out, so it is at fault only where such are put aside.
    fn number_fault(&mut self, row: usize, message: String) {
        match self.terms.puts_aside {
            true => self.fault(row, format!("{message}, expected a finite number or null")),
            false => self.tally.no_numbers += 1,
        }
    }

    fn count(&mut self, status: Status, reward: Option<f32>, success: Option<bool>) {
        let counts = &mut self.counts;
        counts.trajectories += 1;
        counts.scored += u64::from(reward.is_some());
        counts.successes += u64::from(success == Some(true));
        counts.truncated += u64::from(status == Status::Truncated);
        counts.failed += u64::from(status == Status::Failed);
    }

    fn finish(mut self) -> Result<Look, StageError> {
        for (column, told) in std::mem::take(&mut self.told) {
            let Some(data_type) = canonical_type(&ColumnPath::new(column)).filter(|_| told.differ) else { continue };
            self.look.columns.push((AddedColumn::new(column, data_type), told.finish()?));
        }
        let input = &self.opened.file.file;
        for (row, message) in &self.faults {
            let number = self.rows_before + row;
            let place = format!("{}, row {number}", input.name);
            let error = StageError::new(message.clone()).place(format!("{}, row {number}", input.shown));
            let id = self.ids.get(row);
            let error = match id {
                Some(id) => error.trajectory(id.as_str()),
                None => error,
            };
            let error = error.help("`on_error: quarantine` puts such rows aside");
            let trajectory = id.unwrap_or(&place).clone();
            self.look.faults.push(FaultyRow { row: *row, trajectory, error, place });
        }
        let Counts { trajectories, scored, successes, truncated, failed } = self.counts;
        let done = trajectories - truncated - failed;
        let metrics = &mut self.look.context.metrics;
        for (name, count) in [
            ("trajectories", trajectories),
            ("scored", scored),
            ("successes", successes),
            ("status.done", done),
            ("status.truncated", truncated),
            ("status.failed", failed),
        ] {
            metrics.count(name, count);
        }
        self.tally.hand_over(input, metrics);
        Ok(self.look)
    }
}

/// Finds rows that lack a text of a turn.
fn find_nulls(column: &ColumnPath, batch: &RecordBatch, first: u64, faults: &mut BTreeMap<u64, String>) {
    let Some(list) = batch.column_by_name(TURNS).and_then(|turns| turns.as_list_opt::<i32>()) else { return };
    let Some(turns) = list.values().as_struct_opt() else { return };
    let texts = column.turn_name().and_then(|name| turns.column_by_name(name));
    for row in 0..batch.num_rows() {
        let range = list.value_offsets()[row] as usize..list.value_offsets()[row + 1] as usize;
        let is_null = |turn: &usize| turns.is_null(*turn) || texts.is_some_and(|texts| texts.is_null(*turn));
        let message = match range.clone().find(is_null) {
            _ if list.is_null(row) => "`turns` is null, expected a list, which may be empty".to_owned(),
            Some(turn) => format!("`{column}` of turn {} is null, expected a text", turn - range.start),
            None => continue,
        };
        faults.entry(first + row as u64).or_insert(message);
    }
}

/// The Parquet leaves of the field that keys lead to, and the field.
fn leaf_range<'a>(fields: &'a Fields, keys: &[String]) -> Option<(Range<usize>, &'a Field)> {
    let (first, rest) = keys.split_first()?;
    let (index, field) = fields.find(first)?;
    let before: usize = fields.iter().take(index).map(|field| leaf_count(field)).sum();
    match field.data_type() {
        _ if rest.is_empty() => Some((before..before + leaf_count(field), field)),
        DataType::Struct(inner) => {
            let (leaves, field) = leaf_range(inner, rest)?;
            Some((before + leaves.start..before + leaves.end, field))
        }
        _ => None,
    }
}

fn leaf_count(field: &Field) -> usize {
    let alone = Schema::new(vec![field.clone()]);
    leaves_of(&alone, &ColumnPath::new(field.name())).map_or(1, |leaves| leaves.len())
}

/// The values that keys lead to; null where anything on the way is.
fn array_at(batch: &RecordBatch, keys: &[String]) -> Result<Option<ArrayRef>, StageError> {
    let Some((first, rest)) = keys.split_first() else { return Ok(None) };
    let Some(mut array) = batch.column_by_name(first).cloned() else { return Ok(None) };
    for key in rest {
        let Some(outer) = array.as_struct_opt() else { return Ok(None) };
        let Some(inner) = outer.column_by_name(key) else { return Ok(None) };
        let nulls = NullBuffer::union(outer.nulls(), inner.logical_nulls().as_ref());
        array = make_array(inner.to_data().into_builder().nulls(nulls).build()?);
    }
    Ok(Some(array))
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_text(values),
        other => matches!(other, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null),
    }
}

/// Names as texts: those that are numbers in digits, as JSON's.
fn as_text(array: &ArrayRef) -> Result<StringArray, StageError> {
    let digits = |texts: ArrayRef| -> StringArray {
        texts.as_string::<i32>().iter().map(|text| text.map(plain_number)).collect()
    };
    match array.data_type() {
        DataType::Dictionary(_, values) => as_text(&cast(array, values)?),
        found if found.is_floating() => {
            let numbers = as_doubles(array)?;
            let finite = numbers.iter().map(|number| number.filter(|number| number.is_finite()));
            Ok(digits(Arc::new(finite.map(|number| number.map(|number| number.to_string())).collect::<StringArray>())))
        }
        found if found.is_numeric() => Ok(digits(cast(array, &DataType::Utf8)?)),
        _ => Ok(cast(array, &DataType::Utf8)?.as_string::<i32>().clone()),
    }
}

fn as_doubles(array: &ArrayRef) -> Result<arrow::array::Float64Array, StageError> {
    Ok(cast(array, &DataType::Float64)?.as_primitive::<Float64Type>().clone())
}

fn as_floats(array: &ArrayRef) -> Result<Float32Array, StageError> {
    Ok(cast(array, &DataType::Float32)?.as_primitive::<Float32Type>().clone())
}

/// Seeds that the column can hold; null for others.
fn as_seeds(array: &ArrayRef) -> Result<UInt64Array, StageError> {
    match array.data_type() {
        DataType::Dictionary(_, values) => as_seeds(&cast(array, values)?),
        DataType::UInt64 => Ok(array.as_primitive::<UInt64Type>().clone()),
        found if found.is_integer() => {
            let numbers = cast(array, &DataType::Int64)?;
            let seeds = numbers.as_primitive::<Int64Type>().iter();
            Ok(seeds.map(|seed| seed.and_then(|seed| u64::try_from(seed).ok())).collect())
        }
        _ => {
            let is_whole = |number: &f64| *number >= 0.0 && number.fract() == 0.0 && *number < u64::MAX as f64;
            let numbers = as_doubles(array)?;
            Ok(numbers.iter().map(|number| number.filter(is_whole).map(|number| number as u64)).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use arrow::array::{ListArray, StructArray};
    use arrow::buffer::OffsetBuffer;
    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::{EnabledStatistics, WriterProperties};

    use super::super::files::InputFile;
    use super::super::parquet::open;
    use super::*;

    /// Looks at a file without statistics.
    fn look_at(rows: &RecordBatch, options: &str, memory: u64) -> Result<Look, StageError> {
        look_at_groups(rows, rows.num_rows(), options, memory)
    }

    /// The same, of row groups of so many rows.
    fn look_at_groups(rows: &RecordBatch, rows_each: usize, options: &str, memory: u64) -> Result<Look, StageError> {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("x.parquet");
        let properties = WriterProperties::builder()
            .set_statistics_enabled(EnabledStatistics::None)
            .set_max_row_group_row_count(Some(rows_each))
            .build();
        let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), rows.schema(), Some(properties)).unwrap();
        writer.write(rows).unwrap();
        writer.close().unwrap();
        let options: Options = serde_yaml::from_str(options).unwrap();
        let name = || "x.parquet".to_owned();
        let input = InputFile { path, name: name(), shown: name(), policy: name() };
        let file = open(&input, options.columns.as_ref()).unwrap();
        look(
            &file,
            0..rows.num_rows().div_ceil(rows_each),
            &options,
            &LookTerms { puts_aside: true, memory, check: &|| Ok(()) },
        )
    }

    /// A column of one text again and again.
    fn texts(text: &str, rows: usize) -> ArrayRef {
        Arc::new(StringArray::from(vec![text; rows]))
    }

    /// So many rows, each of which has so many turns that lack their texts, and a text in its columns.
    fn without_texts(rows: usize, turns: usize, text: &str) -> RecordBatch {
        let nulls = || Arc::new(StringArray::new_null(rows * turns)) as ArrayRef;
        let field = |name| Arc::new(Field::new(name, DataType::Utf8, true));
        let steps = StructArray::from(vec![(field("observation"), nulls()), (field("action"), nulls())]);
        let element = Arc::new(Field::new("element", steps.data_type().clone(), true));
        let steps = ListArray::new(element, OffsetBuffer::from_repeated_length(turns, rows), Arc::new(steps), None);
        let columns = ["trajectory_id", "group_id", "status", "task"].map(|column| (column, texts(text, rows)));
        RecordBatch::try_from_iter(columns.into_iter().chain([(TURNS, Arc::new(steps) as ArrayRef)])).unwrap()
    }

    #[test]
    fn texts_of_very_many_turns_are_looked_at_while_they_fit() {
        let turns = 1 << 20;
        assert_eq!(look_at(&without_texts(1, turns, "done"), "files: x", 64 << 20).unwrap().faults.len(), 1);
        let error = look_at(&without_texts(1, turns, "done"), "files: x", 4 << 20).unwrap_err();
        insta::assert_snapshot!(error.to_string(), @"x.parquet: trajectory `done`: row 0, column `turns.observation`: it has at least 1366 KiB decoded, and working on it takes 3 times as much, more than the 4096 KiB of `--memory`");
    }

    #[test]
    fn row_groups_of_one_row_take_no_more_than_their_values() {
        let rows = 3000;
        let batch = without_texts(rows, 0, "COMPLETED");
        let look = look_at_groups(&batch, 1, "{files: x, columns: {task_id: task}}", 1 << 20).unwrap();
        let lengths: Vec<_> =
            look.columns.iter().map(|(column, values)| (column.path.as_str(), values.len())).collect();
        assert_eq!(lengths, [("status", rows), ("task_id", rows)]);
    }

    #[test]
    fn long_texts_that_a_dictionary_repeats_are_told_before_they_fill_memory() {
        let rows = 1000;
        let batch = without_texts(rows, 0, &"x".repeat(100_000));
        let look = look_at(&batch, "files: x", 8 << 20).unwrap();
        assert_eq!((look.columns.len(), look.columns[0].1.len()), (1, rows));
        let error = look_at(&batch, "{files: x, columns: {task_id: task}}", 8 << 20).unwrap_err();
        insta::assert_snapshot!(error.to_string(), @"x.parquet, column `task_id`: its columns that are read as other values take at least 3810 KiB, and working on them 3 times as much, more than the 8192 KiB of `--memory`");
    }
}
