//! The floors: what the work costs at least with arrow-rs, without an engine around it. No checks, no keys, no resuming.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, Float32Array, ListArray, RecordBatch, StringArray, StructArray,
};
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use rayon::prelude::*;
use regex::Regex;

/// The leaves that the reward and the advantage need.
const LEAVES: [&str; 2] = ["group_id", "turns.list.element.action"];

const BATCH_ROWS: usize = 1024;

/// The rule that `run` gives to everybody.
const RULE: &str = "<answer>[0-4]</answer>";

/// What GRPO adds to the standard deviation.
const EPSILON: f64 = 1e-6;

/// Reads the leaves that are needed and writes the columns that are new, file by file. Groups must lie together.
pub(crate) fn columns(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    files(from).par_iter().for_each(|file| write_columns(file, &to.join(file.file_name().unwrap())));
}

/// Copies the files.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    files(from).par_iter().for_each(|file| {
        fs::copy(file, to.join(file.file_name().unwrap())).unwrap();
    });
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn write_columns(from: &Path, to: &Path) {
    let rule = Regex::new(RULE).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(from).unwrap()).unwrap();
    let leaves = builder.parquet_schema();
    let wanted =
        (0..leaves.num_columns()).filter(|leaf| LEAVES.contains(&leaves.column(*leaf).path().string().as_str()));
    let mask = ProjectionMask::leaves(leaves, wanted);
    let (mut rewards, mut group_ids, mut lists) = (Vec::new(), Vec::new(), Vec::new());
    for batch in builder.with_projection(mask).with_batch_size(BATCH_ROWS).build().unwrap() {
        let batch = batch.unwrap();
        let turns = batch.column_by_name("turns").unwrap().as_list::<i32>();
        let actions: &StringArray = turns.values().as_struct().column(0).as_string();
        rewards.extend(turns.value_offsets().windows(2).map(|ends| {
            let is_right = ends[0] < ends[1] && rule.is_match(actions.value(ends[1] as usize - 1));
            f32::from(is_right)
        }));
        group_ids
            .extend(batch.column_by_name("group_id").unwrap().as_string::<i32>().iter().flatten().map(str::to_owned));
        lists.extend(turns.value_offsets().windows(2).map(|ends| (ends[1] - ends[0]) as usize));
    }
    let advantages = advantages(&group_ids, &rewards);
    let of_turns: Float32Array =
        lists.iter().zip(&advantages).flat_map(|(count, advantage)| std::iter::repeat_n(*advantage, *count)).collect();
    let turn = Field::new("advantage", DataType::Float32, true);
    let turns = StructArray::new(vec![turn].into(), vec![Arc::new(of_turns) as ArrayRef], None);
    let element = Arc::new(Field::new("element", turns.data_type().clone(), false));
    let offsets = arrow::buffer::OffsetBuffer::from_lengths(lists);
    let turns = ListArray::new(element, offsets, Arc::new(turns), None);
    let fields =
        vec![Field::new("reward", DataType::Float32, true), Field::new("turns", turns.data_type().clone(), false)];
    let schema = Arc::new(Schema::new(fields));
    let columns: Vec<ArrayRef> = vec![Arc::new(Float32Array::from(rewards)), Arc::new(turns)];
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(Default::default())).build();
    let mut writer = ArrowWriter::try_new(File::create(to).unwrap(), Arc::clone(&schema), Some(properties)).unwrap();
    writer.write(&RecordBatch::try_new(schema, columns).unwrap()).unwrap();
    writer.close().unwrap();
}

/// GRPO with the population's standard deviation; 0 where all of a group are the same.
fn advantages(group_ids: &[String], rewards: &[f32]) -> Vec<f32> {
    let mut advantages = Vec::with_capacity(rewards.len());
    for group in group_ids.chunk_by(|left, right| left == right) {
        let rewards = &rewards[advantages.len()..advantages.len() + group.len()];
        let count = rewards.len() as f64;
        let mean = rewards.iter().map(|reward| f64::from(*reward)).sum::<f64>() / count;
        let squares = rewards.iter().map(|reward| (f64::from(*reward) - mean).powi(2)).sum::<f64>();
        let deviation = (squares / count).sqrt() + EPSILON;
        advantages.extend(rewards.iter().map(|reward| ((f64::from(*reward) - mean) / deviation) as f32));
    }
    advantages
}
