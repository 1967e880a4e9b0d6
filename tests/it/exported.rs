//! Reading back what the program exported. No expectations.

use std::fs::{self, File};
use std::path::Path;

use arrow::compute::concat_batches;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectorySchema};

/// A Parquet file, or every one of a directory, as one batch.
pub(crate) fn exported(path: &Path) -> TrajectoryBatch {
    let mut files = vec![path.to_owned()];
    if path.is_dir() {
        files = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "parquet"));
        files.sort();
    }
    let batches: Vec<_> = files
        .iter()
        .flat_map(|path| ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap())
        .map(Result::unwrap)
        .collect();
    TrajectoryBatch::new(concat_batches(&batches[0].schema(), &batches).unwrap()).unwrap()
}

/// The columns of a batch.
pub(crate) fn paths(batch: &TrajectoryBatch) -> Vec<String> {
    TrajectorySchema::new(batch.record_batch().schema()).paths().iter().map(ToString::to_string).collect()
}
