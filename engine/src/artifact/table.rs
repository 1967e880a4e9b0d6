//! Tables: small, of any columns, in one Parquet file each.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::{Schema, SchemaRef};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use serde::{Deserialize, Serialize};

use crate::dataset::{FilePath, guarded, path_in};
use crate::error::StageError;
use crate::regular_file;
use crate::store::forget_damaged;

/// Bytes of a table's file: what is larger belongs into a dataset.
const LARGEST: u64 = 1 << 30;

/// A table that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The store that its place begins at.
    #[serde(skip)]
    pub root: PathBuf,
    /// Its file, a Parquet file of the store.
    pub place: FilePath,
    /// Length of the file in bytes.
    pub bytes: u64,
    /// blake3 of the file, in hexadecimal: tells one table from another, since equal rows are written as equal bytes.
    pub digest: String,
    /// Rows.
    pub rows: u64,
    /// The columns.
    pub schema: Schema,
}

impl Table {
    /// The same, in this store.
    #[must_use]
    pub(crate) fn in_store(self, root: &Path) -> Self {
        Self { root: root.to_owned(), ..self }
    }

    /// Its file.
    pub fn path(&self) -> PathBuf {
        path_in(&self.root, &self.place)
    }

    /// All its rows.
    ///
    /// # Errors
    /// If the file is gone, or is not as it was written.
    pub fn read(&self) -> Result<RecordBatch, StageError> {
        let path = self.path();
        let bytes = regular_file::read(&path, LARGEST).map_err(|error| StageError::file("read", &path, &error))?;
        if blake3::hash(&bytes).to_hex().as_str() != self.digest {
            return Err(self.damaged("it is not as it was written"));
        }
        let rows = guarded(|| rows_of(Bytes::from(bytes), &Arc::new(self.schema.clone())));
        rows.map_err(|error| self.damaged(&error.message))
    }

    fn damaged(&self, reason: &str) -> StageError {
        let help = match &self.place {
            FilePath::Store(relative) => forget_damaged(&self.root, relative),
            FilePath::Outside(_) => "the file was changed: run the pipeline again",
        };
        StageError::new(format!("the table `{}`: {reason}", self.path().display())).help(help)
    }

    /// What is not as it was written, if anything; the bytes that were read.
    pub(crate) fn check(&self) -> (u64, Vec<String>) {
        match self.read() {
            Ok(_) => (self.bytes, Vec::new()),
            Err(error) => (0, vec![error.to_string()]),
        }
    }

    /// What cannot be, if anything: what describes it may have been damaged.
    pub(crate) fn fault(&self) -> Option<String> {
        self.place.fault()
    }
}

fn rows_of(bytes: Bytes, schema: &SchemaRef) -> Result<RecordBatch, StageError> {
    let batches = ParquetRecordBatchReaderBuilder::try_new(bytes)?.build()?.collect::<Result<Vec<_>, _>>()?;
    // Parquet keeps what Arrow says of fields, so that batches have the schema of the table.
    let batches: Vec<RecordBatch> = batches
        .into_iter()
        .map(|batch| RecordBatch::try_new(Arc::clone(schema), batch.columns().to_vec()))
        .collect::<Result<_, _>>()?;
    Ok(concat_batches(schema, &batches)?)
}

/// Writes a table into a new file; what it is there, under a place relative to the store.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn write_table(path: &Path, relative: String, rows: &RecordBatch) -> Result<Table, StageError> {
    let unwritable = |error: std::io::Error| StageError::file("write", path, &error);
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(Default::default())).build();
    let file = BufWriter::new(File::create_new(path).map_err(unwritable)?);
    let mut writer = ArrowWriter::try_new(file, rows.schema(), Some(properties))?;
    writer.write(rows)?;
    writer
        .into_inner()?
        .into_inner()
        .map_err(|error| unwritable(error.into_error()))?
        .sync_all()
        .map_err(unwritable)?;
    let bytes = regular_file::read(path, LARGEST).map_err(unwritable)?;
    Ok(Table {
        root: PathBuf::new(),
        place: FilePath::Store(relative),
        bytes: bytes.len() as u64,
        digest: blake3::hash(&bytes).to_hex().to_string(),
        rows: rows.num_rows() as u64,
        schema: rows.schema().as_ref().clone(),
    })
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float64Array, StringArray};
    use arrow::datatypes::{DataType, Field};

    use super::*;

    fn rows() -> RecordBatch {
        let schema =
            Schema::new(vec![Field::new("step", DataType::Utf8, false), Field::new("loss", DataType::Float64, true)]);
        let steps = StringArray::from(vec!["1", "2"]);
        let losses = Float64Array::from(vec![Some(0.5), None]);
        RecordBatch::try_new(Arc::new(schema), vec![Arc::new(steps), Arc::new(losses)]).unwrap()
    }

    #[test]
    fn what_was_written_comes_back_and_the_same_rows_are_the_same_bytes() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, rows: &RecordBatch| {
            write_table(&directory.path().join(name), name.to_owned(), rows).unwrap().in_store(directory.path())
        };
        let (one, other) = (write("a.parquet", &rows()), write("b.parquet", &rows()));
        assert_eq!(one.read().unwrap(), rows());
        assert_eq!((one.digest.as_str(), one.rows), (other.digest.as_str(), 2));
        let none = write("c.parquet", &rows().slice(0, 0));
        assert_eq!(none.read().unwrap(), rows().slice(0, 0));
        assert_ne!(none.digest, one.digest);
    }

    #[test]
    fn a_table_that_was_changed_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.parquet");
        let table = write_table(&path, "a.parquet".to_owned(), &rows()).unwrap().in_store(directory.path());
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[10] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert!(table.read().unwrap_err().message.ends_with("it is not as it was written"));
        std::fs::remove_file(&path).unwrap();
        assert!(table.read().unwrap_err().message.starts_with("cannot read"));
    }
}
