//! Looks at what Parquet files that stay where they lie say of their runs: values that mean something else in our schema
//! are told otherwise, and rows that cannot be taken are named. Only small columns are read, and texts of turns whose
//! statistics do not prove that all are there. Not concerned with which columns there are.

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray as _, BooleanArray, Float32Array, RecordBatch, StringArray, UInt64Array, make_array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, Field, Fields, Float32Type, Float64Type, Int64Type, Schema, UInt64Type};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::RowGroupMetaData;
use sternlight_engine::column::{ColumnPath, TURNS};
use sternlight_engine::contract::AddedColumn;
use sternlight_engine::dataset::{guarded, leaves_of};
use sternlight_engine::stage::{FaultyRow, Look, StageError};
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

/// Turns of a row, on average of a row group, beyond which texts are not looked at: whoever reads them holds them against
/// its memory first, and tells what they lack.
const MOST_TURNS: u64 = 1 << 20;

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
    puts_aside: bool,
    check: &dyn Fn() -> Result<(), StageError>,
) -> Result<Look, StageError> {
    let failed = |error: std::io::Error| file.file.unreadable(&error);
    let input = File::open(&file.file.path).map_err(failed)?;
    let reading = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let footer = guarded(|| ArrowReaderMetadata::load(&input, reading)).map_err(|error| unreadable(file, &error))?;
    let groups = footer.metadata().row_groups().iter();
    let rows_before = groups.take(row_groups.start).map(|group| u64::try_from(group.num_rows()).unwrap_or(0)).sum();
    let opened = Opened { file, input, footer, row_groups };
    let mut nulls = BTreeMap::new();
    for column in TEXTS.map(ColumnPath::new) {
        if let Some((leaves, rows)) = opened.unproven(&column) {
            let mut first = 0;
            opened.each(leaves, rows, check, &mut |batch| {
                find_nulls(&column, batch, first, &mut nulls);
                first += batch.num_rows() as u64;
                Ok(())
            })?;
        }
    }
    let mut names = ["trajectory_id", "group_id"].into_iter().map(ColumnPath::new);
    let reads_names = !nulls.is_empty() || names.any(|column| opened.unproven(&column).is_some());
    let mut looking = Looking::new(&opened, options, puts_aside, rows_before, reads_names);
    looking.take_all(&nulls, check)?;
    if looking.lacks_names {
        // Rarely is there something to say that names a row.
        looking = Looking::new(&opened, options, puts_aside, rows_before, true);
        looking.take_all(&nulls, check)?;
    }
    looking.finish()
}

fn unreadable(file: &ParquetFile, error: &dyn std::fmt::Display) -> StageError {
    StageError::new(format!("cannot read `{}` as Parquet: {error}", file.file.shown))
        .help("the file is damaged: have it written anew, or leave it out")
}

/// A file that is looked at.
struct Opened<'a> {
    file: &'a ParquetFile,
    input: File,
    footer: ArrowReaderMetadata,
    row_groups: Range<usize>,
}

impl Opened<'_> {
    fn read(&self, leaves: Vec<usize>, rows: usize) -> Result<ParquetRecordBatchReader, StageError> {
        let input = self.input.try_clone().map_err(|error| self.file.file.unreadable(&error))?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(input, self.footer.clone())
            .with_projection(ProjectionMask::leaves(self.footer.parquet_schema(), leaves))
            .with_row_groups(self.row_groups.clone().collect())
            .with_batch_size(rows);
        guarded(|| builder.build()).map_err(|error| unreadable(self.file, &error))
    }

    /// Hands out all rows of some leaves, so many at once.
    fn each(
        &self,
        leaves: Vec<usize>,
        rows: usize,
        check: &dyn Fn() -> Result<(), StageError>,
        take: &mut dyn FnMut(&RecordBatch) -> Result<(), StageError>,
    ) -> Result<(), StageError> {
        let mut reader = self.read(leaves, rows)?;
        loop {
            check()?;
            match guarded(|| reader.next().transpose()).map_err(|error| unreadable(self.file, &error))? {
                Some(batch) => take(&batch)?,
                None => return Ok(()),
            }
        }
    }

    /// The leaves of a column of which nothing proves that it has no nulls, and how many rows to look at together.
    fn unproven(&self, column: &ColumnPath) -> Option<(Vec<usize>, usize)> {
        let leaves = leaves_of(self.footer.schema(), column)?;
        let groups = self.footer.metadata().row_groups().get(self.row_groups.clone())?;
        let chunks = groups.iter().flat_map(|group| leaves.clone().map(|leaf| group.column(leaf)));
        let is_proven = chunks.clone().all(|chunk| {
            let descriptor = chunk.column_descr();
            descriptor.max_def_level() == descriptor.max_rep_level()
                || chunk.statistics().is_some_and(|known| known.null_count_opt() == Some(0))
        });
        let bytes: u64 = chunks.map(|chunk| u64::try_from(chunk.uncompressed_size()).unwrap_or(0)).sum();
        let rows: u64 = groups.iter().map(|group| u64::try_from(group.num_rows()).unwrap_or(0)).sum();
        let are_many = |group: &RowGroupMetaData| {
            let values = leaves.clone().map(|leaf| u64::try_from(group.column(leaf).num_values()).unwrap_or(u64::MAX));
            values.max().unwrap_or(0) / u64::try_from(group.num_rows()).unwrap_or(0).max(1) > MOST_TURNS
        };
        if groups.iter().any(are_many) {
            return None;
        }
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
}

/// What becomes of a column.
#[derive(Default)]
struct Told {
    values: Vec<ArrayRef>,
    /// Whether they are other values than the file's.
    differ: bool,
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
    puts_aside: bool,
    rows_before: u64,
    wanted: Vec<Wanted>,
    /// Rewards of turns, if they may be no numbers.
    turn_reward: Option<Range<usize>>,
    /// Whether names were not read, and there is something to say that needs them.
    lacks_names: bool,
    reads_names: bool,
    rows: u64,
    counts: Counts,
    ids: Vec<StringArray>,
    told: BTreeMap<&'static str, Told>,
    faults: BTreeMap<u64, String>,
    tally: Tally,
    look: Look,
}

impl<'a> Looking<'a> {
    fn new(
        opened: &'a Opened<'a>,
        options: &'a Options,
        puts_aside: bool,
        rows_before: u64,
        reads_names: bool,
    ) -> Self {
        let fields = opened.footer.schema().fields();
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
            is_looked_at.then_some(Wanted { column, keys, leaves, is_mapped })
        });
        let turn_reward = leaves_of(opened.footer.schema(), &ColumnPath::of_turn("reward")).filter(|_| {
            let turns = fields.find(TURNS).map(|(_, field)| field.data_type());
            let Some(DataType::List(element)) = turns else { return false };
            let DataType::Struct(turn) = element.data_type() else { return false };
            turn.find("reward").is_some_and(|(_, field)| field.data_type().is_floating())
        });
        Self {
            opened,
            options,
            puts_aside,
            rows_before,
            wanted: wanted.collect(),
            turn_reward,
            lacks_names: false,
            reads_names,
            rows: 0,
            counts: Counts::default(),
            ids: Vec::new(),
            told: BTreeMap::new(),
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
    fn take_all(
        &mut self,
        faults: &BTreeMap<u64, String>,
        check: &dyn Fn() -> Result<(), StageError>,
    ) -> Result<(), StageError> {
        self.faults.clone_from(faults);
        let (opened, leaves) = (self.opened, self.leaves());
        match leaves.is_empty() {
            true => Ok(()),
            false => opened.each(leaves, ROWS, check, &mut |batch| self.take(batch)),
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
            let values = if differ { StringArray::from(statuses) } else { words.clone() };
            self.tell("status", Arc::new(values), differ);
        }
        if let Some(rewards) = &rewards {
            let values = Float32Array::from(kept);
            let differ = values.null_count() != rewards.null_count();
            self.tell("reward", Arc::new(values), differ);
        }
        if let Some(successes) = successes {
            let values = BooleanArray::from(succeeded);
            let differ = values.null_count() != successes.null_count();
            self.tell("success", Arc::new(values), differ);
        }
        if let Some(recorded) = found.get("seed") {
            let seeds = as_seeds(recorded)?;
            let lost = seeds.null_count().saturating_sub(recorded.logical_null_count());
            self.tally.seeds += lost as u64;
            let differ = lost > 0 || !recorded.data_type().is_integer();
            self.tell("seed", Arc::new(seeds), differ);
        }
        for column in ["trajectory_id", "group_id", "task_id", "env", "policy", "error"] {
            if let Some(recorded) = found.get(column) {
                let differ = !(is_text(recorded.data_type()) || recorded.data_type().is_integer());
                self.tell(column, Arc::new(as_text(recorded)?), differ);
            }
        }
        for wanted in self.wanted.iter().filter(|wanted| wanted.is_mapped) {
            if found.get(wanted.column).is_some_and(|array| array.logical_null_count() < array.len()) {
                self.tally.mapped(wanted.column);
            }
        }
        self.ids.extend(ids);
        self.rows += count as u64;
        Ok(())
    }

    fn tell(&mut self, column: &'static str, values: ArrayRef, differ: bool) {
        let is_mapped = self.wanted.iter().any(|wanted| wanted.column == column && wanted.is_mapped);
        let told = self.told.entry(column).or_default();
        told.values.push(values);
        told.differ |= differ || is_mapped;
    }

    /// A row that cannot be taken, by its number in the batch.
    fn fault(&mut self, row: usize, message: String) {
        self.lacks_names |= !self.reads_names;
        self.faults.entry(self.rows + row as u64).or_insert(message);
    }

    /// A row with a number that is none. A filter may leave it out, so it is at fault only where such are put aside.
    fn number_fault(&mut self, row: usize, message: String) {
        match self.puts_aside {
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
            let values: Vec<&dyn Array> = told.values.iter().map(AsRef::as_ref).collect();
            self.look.columns.push((AddedColumn::new(column, data_type), concat(&values)?));
        }
        let input = &self.opened.file.file;
        let mut starts = Vec::with_capacity(self.ids.len());
        let mut start = 0;
        for ids in &self.ids {
            starts.push(start);
            start += ids.len() as u64;
        }
        let id = |row: u64| -> Option<&str> {
            let at = starts.partition_point(|start| *start <= row).checked_sub(1)?;
            let (ids, row) = (self.ids.get(at)?, (row - starts.get(at)?) as usize);
            (row < ids.len() && ids.is_valid(row)).then(|| ids.value(row))
        };
        for (row, message) in &self.faults {
            let number = self.rows_before + row;
            let place = format!("{}, row {number}", input.name);
            let error = StageError::new(message.clone()).place(format!("{}, row {number}", input.shown));
            let error = match id(*row) {
                Some(id) => error.trajectory(id),
                None => error,
            };
            let error = error.help("`on_error: quarantine` puts such rows aside");
            let trajectory = id(*row).map_or_else(|| place.clone(), str::to_owned);
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
    use arrow::array::{ListArray, StructArray};
    use arrow::buffer::OffsetBuffer;
    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::{EnabledStatistics, WriterProperties};

    use super::super::files::InputFile;
    use super::super::parquet::open;
    use super::*;

    /// How many rows are at fault in a file of one row, whose so many turns lack their texts, without statistics.
    fn faults(turns: usize) -> usize {
        let texts = || Arc::new(StringArray::new_null(turns)) as ArrayRef;
        let field = |name| Arc::new(Field::new(name, DataType::Utf8, true));
        let steps = StructArray::from(vec![(field("observation"), texts()), (field("action"), texts())]);
        let element = Arc::new(Field::new("element", steps.data_type().clone(), true));
        let steps = ListArray::new(element, OffsetBuffer::from_lengths([turns]), Arc::new(steps), None);
        let word = |word| Arc::new(StringArray::from(vec![word])) as ArrayRef;
        let columns = [("trajectory_id", word("t")), ("group_id", word("g")), ("status", word("done"))];
        let row =
            RecordBatch::try_from_iter(columns.into_iter().chain([(TURNS, Arc::new(steps) as ArrayRef)])).unwrap();
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("x.parquet");
        let properties = WriterProperties::builder().set_statistics_enabled(EnabledStatistics::None).build();
        let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), row.schema(), Some(properties)).unwrap();
        writer.write(&row).unwrap();
        writer.close().unwrap();
        let name = || "x.parquet".to_owned();
        let file = open(&InputFile { path, name: name(), shown: name(), policy: name() }, None).unwrap();
        look(&file, 0..1, &serde_yaml::from_str("files: x").unwrap(), true, &|| Ok(())).unwrap().faults.len()
    }

    #[test]
    fn texts_of_very_many_turns_are_left_to_whoever_reads_them() {
        assert_eq!((faults(2), faults(MOST_TURNS as usize + 1)), (1, 0));
    }
}
