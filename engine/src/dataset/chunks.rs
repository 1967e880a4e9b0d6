//! Access to the column chunks of one row group: checked against their digests where there are any, straight from
//! the file where it is somebody else's.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek as _, SeekFrom};

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, Length};

use super::guard::guarded;

/// Bytes of the chunks that a reader will ask for.
pub(super) enum Chunks {
    /// In memory: (offset in the file, bytes).
    Checked { length: u64, chunks: Vec<(u64, Bytes)> },
    /// Read as needed.
    File(File),
}

/// The bytes of one leaf's chunk in a row group.
pub(super) fn read_chunk(file: &File, row_group: &RowGroupMetaData, leaf: usize) -> std::io::Result<(u64, Bytes)> {
    let damaged = |error: ParquetError| std::io::Error::new(std::io::ErrorKind::InvalidData, error.to_string());
    let (start, length) = guarded(|| Ok(row_group.column(leaf).byte_range())).map_err(damaged)?;
    let mut file = file;
    file.seek(SeekFrom::Start(start))?;
    // A damaged footer may say anything: memory is taken for bytes that are there.
    let there = file.metadata()?.len().saturating_sub(start);
    let mut buffer = Vec::with_capacity(length.min(there) as usize);
    let read = file.take(length).read_to_end(&mut buffer)?;
    if (read as u64) < length {
        return Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the file is shorter than its footer says"));
    }
    Ok((start, buffer.into()))
}

/// blake3 (hexadecimal) of a file's footer, which holds the places, sizes and statistics of all that lies before it: a
/// file that is written anew hardly ever keeps its own.
pub(crate) fn footer_digest(file: &File) -> std::io::Result<String> {
    let start = footer_start(file)?;
    let mut file = file;
    file.seek(SeekFrom::Start(start))?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file)?;
    Ok(hasher.finalize().to_hex().to_string())
}

fn footer_start(file: &File) -> std::io::Result<u64> {
    /// The footer's length and the magic number.
    const TAIL: u64 = 8;
    let mut file = file;
    let length = file.metadata()?.len();
    let mut tail = [0; TAIL as usize];
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    file.read_exact(&mut tail)?;
    let [a, b, c, d, ..] = tail;
    Ok(length.saturating_sub(u64::from(u32::from_le_bytes([a, b, c, d])) + TAIL))
}

/// blake3 (hexadecimal) of what of a file is neither a column chunk nor the footer (the magic number at its beginning, page
/// indexes, gaps), and how many bytes that is.
pub(super) fn rest_digest(file: &File, metadata: &ParquetMetaData) -> std::io::Result<(String, u64)> {
    let damaged = |error: ParquetError| std::io::Error::new(std::io::ErrorKind::InvalidData, error.to_string());
    let columns = metadata.row_groups().iter().flat_map(RowGroupMetaData::columns);
    let mut chunks: Vec<(u64, u64)> =
        guarded(|| Ok(columns.map(|column| column.byte_range()).collect())).map_err(damaged)?;
    chunks.sort_unstable();
    let (mut hasher, mut bytes, mut end) = (blake3::Hasher::new(), 0, 0);
    let mut file = file;
    for (start, length) in chunks.into_iter().chain([(footer_start(file)?, 0)]) {
        if start > end {
            file.seek(SeekFrom::Start(end))?;
            hasher.update_reader(file.take(start - end))?;
            bytes += start - end;
        }
        end = end.max(start.saturating_add(length));
    }
    Ok((hasher.finalize().to_hex().to_string(), bytes))
}

/// The digest that a manifest keeps for the chunks of one column in one row group.
pub(super) fn digest<'a>(chunks: impl Iterator<Item = &'a Bytes>) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    chunks.for_each(|chunk| {
        hasher.update(chunk);
    });
    hasher.finalize()
}

impl Chunks {
    fn slice(&self, start: u64, length: Option<usize>) -> Result<Bytes> {
        let Self::Checked { chunks, .. } = self else { return Err(ParquetError::General("not in memory".to_owned())) };
        let outside = || ParquetError::General(format!("byte {start} lies outside of the chunks that were read"));
        let (offset, bytes) = chunks
            .iter()
            .find(|(offset, bytes)| (*offset..*offset + bytes.len() as u64).contains(&start))
            .ok_or_else(outside)?;
        let from = (start - offset) as usize;
        let to = length.map_or(bytes.len(), |length| from + length);
        if to > bytes.len() {
            return Err(outside());
        }
        Ok(bytes.slice(from..to))
    }
}

/// Chunks that are copied whole: read in large pieces.
pub(super) struct Whole<'a>(pub(super) &'a Chunks);

/// How much of a file is copied at once.
pub(super) const COPIED_BYTES: usize = 256 << 10;

impl Length for Whole<'_> {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl ChunkReader for Whole<'_> {
    type T = Box<dyn Read + Send>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let Chunks::File(file) = self.0 else { return self.0.get_read(start) };
        let mut file = file.try_clone()?;
        file.seek(SeekFrom::Start(start))?;
        Ok(Box::new(BufReader::with_capacity(COPIED_BYTES, file)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        self.0.get_bytes(start, length)
    }
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        match self {
            Self::Checked { length, .. } => *length,
            Self::File(file) => Length::len(file),
        }
    }
}

impl ChunkReader for Chunks {
    type T = Box<dyn Read + Send>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        match self {
            Self::Checked { .. } => Ok(Box::new(Cursor::new(self.slice(start, None)?))),
            Self::File(file) => Ok(Box::new(file.get_read(start)?)),
        }
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        match self {
            Self::Checked { .. } => self.slice(start, Some(length)),
            Self::File(file) => file.get_bytes(start, length),
        }
    }
}
