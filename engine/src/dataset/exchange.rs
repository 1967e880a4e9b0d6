//! Exchange files: rows on their way from shards to partitions and back. Each holds segments for several takers, every
//! one an Arrow IPC stream of its own, so that a taker reads its own bytes and nothing else.

use std::fs::File;
use std::io::{Cursor, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use serde::{Deserialize, Serialize};

use super::shard::is_inside;
use crate::error::StageError;
use crate::place::is_linked;

/// A file of segments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExchangeFile {
    /// Relative to the store that holds it.
    pub path: String,
    /// In the order in which they were written.
    pub segments: Vec<Segment>,
}

/// Some rows for one taker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// A partition, or a shard.
    pub taker: usize,
    /// Where it begins in the file.
    pub start: u64,
    /// Its length.
    pub bytes: u64,
    /// Rows.
    pub rows: u64,
    /// blake3 (hexadecimal) of its bytes, checked when it is read.
    pub digest: String,
}

/// Writes an exchange file. It is not forced to disk: whoever reads it finds out if a power cut took some of it, and it
/// is made again.
pub(crate) struct ExchangeWriter {
    file: File,
    path: PathBuf,
    position: u64,
    segments: Vec<Segment>,
}

impl ExchangeWriter {
    pub(crate) fn create(path: &Path) -> Result<Self, StageError> {
        let file = File::create_new(path).map_err(|error| StageError::file("create", path, &error))?;
        Ok(Self { file, path: path.to_owned(), position: 0, segments: Vec::new() })
    }

    pub(crate) fn push(&mut self, taker: usize, rows: &RecordBatch) -> Result<(), StageError> {
        let mut stream = StreamWriter::try_new(Vec::new(), rows.schema_ref())?;
        stream.write(rows)?;
        let bytes = stream.into_inner()?;
        self.file.write_all(&bytes).map_err(|error| StageError::file("write", &self.path, &error))?;
        self.segments.push(Segment {
            taker,
            start: self.position,
            bytes: bytes.len() as u64,
            rows: rows.num_rows() as u64,
            digest: blake3::hash(&bytes).to_hex().to_string(),
        });
        self.position += bytes.len() as u64;
        Ok(())
    }

    pub(crate) fn finish(self) -> Vec<Segment> {
        self.segments
    }
}

impl ExchangeFile {
    /// What cannot be, if anything: a commit may have been damaged.
    pub(crate) fn fault(&self) -> Option<String> {
        (!is_inside(&self.path)).then(|| format!("`{}` is no file of the store", self.path))
    }

    /// The rows of a segment. `root`: the store that holds the file.
    pub(crate) fn read(&self, root: &Path, segment: &Segment) -> Result<RecordBatch, StageError> {
        let path = root.join(&self.path);
        let unreadable = |error: std::io::Error| StageError::file("read", &path, &error);
        if is_linked(root, &path) {
            return Err(StageError::new(format!(
                "a link leads to `{}`, and a store leads nowhere out of itself",
                path.display()
            )));
        }
        let mut file = File::open(&path).map_err(unreadable)?;
        file.seek(SeekFrom::Start(segment.start)).map_err(unreadable)?;
        // A damaged commit may say anything: memory is taken for bytes that are there.
        let there = file.metadata().map_err(unreadable)?.len();
        let mut bytes = Vec::with_capacity(segment.bytes.min(there) as usize);
        file.take(segment.bytes).read_to_end(&mut bytes).map_err(unreadable)?;
        if blake3::hash(&bytes).to_hex().as_str() != segment.digest {
            return Err(StageError::new(format!(
                "`{}`, byte {}: the bytes are not those that were written",
                path.display(),
                segment.start
            ))
            .help("the file was changed, or the disk is failing; delete the directory `exchange` of the store and run again"));
        }
        let mut stream = StreamReader::try_new(Cursor::new(bytes), None)?;
        let rows = stream.next().transpose()?;
        rows.ok_or_else(|| StageError::new(format!("`{}` has a segment without rows", path.display())))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Array as _, ArrayRef, AsArray as _, ListArray, StringArray, StructArray, UInt64Array};
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::Field;

    use super::*;

    fn batch(from: u64, to: u64) -> RecordBatch {
        let rows: ArrayRef = Arc::new(UInt64Array::from_iter_values(from..to));
        let ids: ArrayRef =
            Arc::new(StringArray::from_iter((from..to).map(|row| (row % 2 == 0).then(|| format!("t{row}")))));
        // Turns of which nothing but their number is known: what a stage gets that reads turn counts alone.
        let count = (to - from) as usize;
        let turns = StructArray::new_empty_fields(2 * count, None);
        let element = Arc::new(Field::new("element", turns.data_type().clone(), true));
        let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(2, count));
        let turns: ArrayRef = Arc::new(ListArray::new(element, offsets, Arc::new(turns), None));
        RecordBatch::try_from_iter_with_nullable([("row", rows, true), ("id", ids, true), ("turns", turns, true)])
            .unwrap()
    }

    #[test]
    fn every_taker_finds_its_rows_and_a_flipped_byte_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rows");
        let mut writer = ExchangeWriter::create(&path).unwrap();
        for (taker, from) in [(1, 0), (0, 5), (1, 8)] {
            writer.push(taker, &batch(from, from + 3)).unwrap();
        }
        let file = ExchangeFile { path: "rows".to_owned(), segments: writer.finish() };
        let read = |taker| {
            let segments = file.segments.iter().filter(|segment| segment.taker == taker);
            segments.map(|segment| file.read(directory.path(), segment)).collect::<Result<Vec<_>, _>>()
        };
        assert_eq!(read(0).unwrap(), [batch(5, 8)]);
        assert_eq!(read(1).unwrap(), [batch(0, 3), batch(8, 11)]);
        assert_eq!(read(1).unwrap()[1].column(2).as_list::<i32>().values().len(), 6);
        let mut bytes = std::fs::read(&path).unwrap();
        let last = bytes.len() - 20;
        bytes[last] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert!(read(0).is_ok());
        assert!(read(1).unwrap_err().to_string().contains("the bytes are not those that were written"));
    }
}
