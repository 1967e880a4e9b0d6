//! One Parquet file of a shard, open: its footer, the columns that are wanted of it, and errors that say what to do if it
//! is not as it was written.

use std::fs::File;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::error::ArrowError;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::{FieldLevels, ProjectionMask};
use parquet::basic::Type;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};

use super::chunks::{Chunks, digest, footer_digest, read_chunk, rest_digest};
use super::foreign::{Gated, RowGroupReader, levels_of, rows_behind};
use super::gate::{Closed, Pace, row_limit};
use super::guard::guarded;
use super::leaves::leaves_of;
use super::shard::{DataFile, FilePath, path_of};
use super::stamp::{FileStamp, changed_since};
use crate::column::ColumnPath;
use crate::error::StageError;
use crate::failure::{own_reason, system_error};
use crate::place::is_linked;
use crate::regular_file;
use crate::store::forget_damaged;

/// A Parquet file of a shard, open, with the columns that are wanted of it.
pub(super) struct OpenFile {
    root: PathBuf,
    pub(super) path: PathBuf,
    file: File,
    pub(super) metadata: ArrowReaderMetadata,
    mask: ProjectionMask,
    /// What is read of a file that is somebody else's.
    levels: Option<FieldLevels>,
    /// With their leaves.
    pub(super) wanted: Vec<(ColumnPath, Range<usize>)>,
    pub(super) description: DataFile,
}

#[cfg(test)]
thread_local! {
    /// How many files this thread opened: cost is tested by counting.
    pub(super) static OPENED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

impl OpenFile {
    pub(super) fn open(root: &Path, description: &DataFile, columns: Vec<ColumnPath>) -> Result<Self, StageError> {
        #[cfg(test)]
        OPENED.set(OPENED.get() + 1);
        let path = path_of(root, description);
        if matches!(description.path, FilePath::Store(_)) && is_linked(root, &path) {
            let error = StageError::new("a link leads to it, and a store leads nowhere out of itself");
            return Err(damaged(root, description, error.place(path.display().to_string())));
        }
        let file = regular_file::open(&path).map_err(|error| StageError::file("open", &path, &error))?;
        if let Some(expected) = &description.footer {
            let found = footer_digest(&file).map_err(|error| not_read(root, description, &error))?;
            match description.path {
                _ if found == *expected => {}
                FilePath::Store(_) => {
                    let error = StageError::new("the footer is not the one that was written");
                    return Err(damaged(root, description, error.place(path.display().to_string())));
                }
                FilePath::Outside(_) => return Err(changed_since(&path)),
            }
        }
        if let Some(known) = &description.known
            && !known.is_of(&FileStamp::of(&path).map_err(|error| StageError::file("read", &path, &error))?)
        {
            return Err(changed_since(&path));
        }
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let metadata = guarded(|| ArrowReaderMetadata::load(&file, options))
            .map_err(|error| unreadable(root, description, &error))?;
        let wanted = columns
            .into_iter()
            .map(|column| match leaves_of(metadata.schema(), &column) {
                Some(leaves) => Ok((column, leaves)),
                None => Err(StageError::new(format!("`{}` has no column `{column}`", path.display()))),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let leaves = wanted.iter().flat_map(|(_, leaves)| leaves.clone());
        let mask = ProjectionMask::leaves(metadata.parquet_schema(), leaves);
        let levels = match description.path {
            FilePath::Store(_) => None,
            FilePath::Outside(_) => Some(levels_of(&metadata, &mask)?),
        };
        let (root, description) = (root.to_owned(), description.clone());
        Ok(Self { root, path, file, mask, levels, metadata, wanted, description })
    }

    /// Compares what is neither a column chunk nor the footer with what was written, if that is known; its bytes.
    pub(super) fn check_rest(&self) -> Result<u64, StageError> {
        let Some(expected) = &self.description.rest else { return Ok(0) };
        let found = rest_digest(&self.file, self.metadata.metadata());
        match found.map_err(|error| not_read(&self.root, &self.description, &error))? {
            (digest, bytes) if digest == *expected => Ok(bytes),
            _ => {
                let message = "outside of columns and footer, the bytes are not those that were written";
                Err(damaged(&self.root, &self.description, self.error(message.to_owned())))
            }
        }
    }

    /// Whether it is somebody else's.
    pub(super) fn is_outside(&self) -> bool {
        matches!(self.description.path, FilePath::Outside(_))
    }

    /// Whether its values may break what the schema promises.
    pub(super) fn holds_foreign_values(&self) -> bool {
        self.is_outside() || self.description.amends
    }

    pub(super) fn error(&self, message: String) -> StageError {
        StageError::new(message).place(self.path.display().to_string())
    }

    pub(super) fn unreadable(&self, error: &(dyn std::error::Error + 'static)) -> StageError {
        unreadable(&self.root, &self.description, error)
    }

    /// Rows of the file that lie before the shard's.
    pub(super) fn rows_before(&self) -> u64 {
        let groups = self.metadata.metadata().row_groups().iter().take(self.description.first_row_group);
        groups.fold(0, |rows, group| rows.saturating_add(group.num_rows() as u64))
    }

    pub(super) fn decoded_bytes(&self, row_group: usize) -> u64 {
        // A dictionary can make a chunk far smaller than its text.
        self.sum(row_group, |column| {
            column.uncompressed_size().max(column.unencoded_byte_array_data_bytes().unwrap_or(0)).max(0) as u64
        })
    }

    /// Of the wanted columns of a row group.
    fn sum(&self, row_group: usize, bytes: impl Fn(&ColumnChunkMetaData) -> u64) -> u64 {
        let group = self.metadata.metadata().row_groups().get(self.description.first_row_group + row_group);
        let leaves = self.wanted.iter().flat_map(|(_, leaves)| leaves.clone());
        // A damaged footer may say anything.
        group.map_or(0, |group| leaves.map(|leaf| bytes(group.column(leaf))).fold(0, u64::saturating_add))
    }

    pub(super) fn compressed_bytes(&self, row_group: usize) -> u64 {
        self.sum(row_group, |column| column.compressed_size().max(0) as u64)
    }

    /// Decodes the wanted columns of one of the shard's row groups from one of its rows on.
    pub(super) fn read_row_group(
        &self,
        row_group: usize,
        rows: u64,
        pace: Pace,
        skipped: u64,
    ) -> Result<RowGroupReader, StageError> {
        let chunks = self.chunks(row_group, rows)?;
        let index = self.description.first_row_group + row_group;
        let skipped = (skipped > 0).then(|| rows_behind(skipped as usize, rows as usize));
        let Some(levels) = &self.levels else {
            let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(chunks, self.metadata.clone())
                .with_projection(self.mask.clone())
                .with_row_groups(vec![index])
                .with_batch_size(pace.rows);
            if let Some(skipped) = skipped {
                builder = builder.with_row_selection(skipped);
            }
            let batches = guarded(|| builder.build()).map_err(|error| self.unreadable(&error))?;
            return Ok(RowGroupReader { batches, gate: None });
        };
        let place = self.path.display().to_string();
        // Told by the footer, if that is honest.
        let least = if rows == 1 { self.sum(row_group, least_bytes) } else { 0 };
        if least > row_limit(self.description.surveyed.memory()) {
            return Err(self.gated(&place).too_large((index, 0), None, least));
        }
        let begun = self.gated(&place).read(levels, (Arc::new(chunks), index), pace, skipped);
        begun.map_err(|error| self.unreadable(&error))
    }

    /// Why a row group cannot be read any further: what its gate says, or the error itself.
    pub(super) fn ended(&self, row_group: usize, closed: Option<Closed>, error: &ArrowError) -> StageError {
        let place = self.path.display().to_string();
        let refused = self.gated(&place).refused(self.description.first_row_group + row_group, closed);
        refused.unwrap_or_else(|| self.unreadable(error))
    }

    fn gated<'a>(&'a self, place: &'a str) -> Gated<'a> {
        Gated { file: &self.file, metadata: &self.metadata, place, memory: self.description.surveyed.memory() }
    }

    /// The chunks of the wanted columns in one of the shard's row groups.
    pub(super) fn chunks(&self, row_group: usize, rows: u64) -> Result<Chunks, StageError> {
        let group = self.row_group(row_group, rows)?;
        if self.description.digests.is_empty() {
            let file = self.file.try_clone().map_err(|error| StageError::file("read", &self.path, &error))?;
            return Ok(Chunks::File(file));
        }
        let mut chunks = Vec::new();
        for (column, leaves) in &self.wanted {
            chunks.extend(self.checked_chunks(column, leaves.clone(), (row_group, group))?);
        }
        let length = self.file.metadata().map_err(|error| StageError::file("read", &self.path, &error))?.len();
        Ok(Chunks::Checked { length, chunks })
    }

    /// Compares the chunks of one wanted column in one of the shard's row groups with their digest; the bytes that were
    /// read.
    pub(super) fn check_chunk(&self, column: &ColumnPath, row_group: usize, rows: u64) -> Result<u64, StageError> {
        let group = self.row_group(row_group, rows)?;
        let Some((_, leaves)) = self.wanted.iter().find(|(wanted, _)| wanted == column) else { return Ok(0) };
        let chunks = self.checked_chunks(column, leaves.clone(), (row_group, group))?;
        Ok(chunks.iter().map(|(_, bytes)| bytes.len() as u64).sum())
    }

    fn checked_chunks(
        &self,
        column: &ColumnPath,
        leaves: Range<usize>,
        (row_group, group): (usize, &RowGroupMetaData),
    ) -> Result<Vec<(u64, Bytes)>, StageError> {
        let read = |leaf| read_chunk(&self.file, group, leaf);
        let chunks = leaves.map(read).collect::<std::io::Result<Vec<_>>>();
        let chunks = chunks.map_err(|error| not_read(&self.root, &self.description, &error))?;
        let expected = self.description.digests.of(column).and_then(|digests| digests.get(row_group));
        if expected == Some(&digest(chunks.iter().map(|(_, bytes)| bytes))) {
            return Ok(chunks);
        }
        let index = self.description.first_row_group + row_group;
        let message = format!("column `{column}`, row group {index}: the bytes are not those that were written");
        Err(damaged(&self.root, &self.description, self.error(message)))
    }

    /// What the footer says of one of the shard's row groups, which must have this many rows.
    pub(super) fn row_group(&self, row_group: usize, rows: u64) -> Result<&RowGroupMetaData, StageError> {
        let index = self.description.first_row_group + row_group;
        let groups = self.metadata.metadata().row_groups();
        groups.get(index).filter(|group| group.num_rows() as u64 == rows).ok_or_else(|| {
            self.error(format!("row group {index} does not have the {rows} rows that the manifest says"))
        })
    }
}

/// What the values of a chunk take once they are decoded, texts themselves left out.
fn least_bytes(column: &ColumnChunkMetaData) -> u64 {
    let width = match column.column_descr().physical_type() {
        Type::BYTE_ARRAY => 0,
        Type::FIXED_LEN_BYTE_ARRAY => u64::try_from(column.column_descr().type_length()).unwrap_or(0),
        Type::INT96 | Type::INT64 | Type::DOUBLE => 8,
        Type::INT32 | Type::FLOAT | Type::BOOLEAN => 4,
    };
    let texts = column.unencoded_byte_array_data_bytes().unwrap_or(0).max(0) as u64;
    let values = u64::try_from(column.num_values()).unwrap_or(0);
    values.saturating_mul(4 + width).saturating_add(texts)
}

fn unreadable(root: &Path, description: &DataFile, error: &(dyn std::error::Error + 'static)) -> StageError {
    let path = path_of(root, description);
    let told = StageError::new(format!("cannot read `{}` as Parquet: {error}", path.display()));
    match system_error(error) {
        // The disk, not the file: what it holds may be well.
        Some(cause) if own_reason(cause).is_some() => StageError::file("read", &path, error),
        Some(cause) if cause.kind() != ErrorKind::UnexpectedEof => told.caused_by(Some(cause)),
        _ => damaged(root, description, told),
    }
}

/// A file that is shorter than it was is damaged; all else that keeps it from being read is not its own fault.
fn not_read(root: &Path, description: &DataFile, error: &std::io::Error) -> StageError {
    match error.kind() {
        ErrorKind::UnexpectedEof => unreadable(root, description, error),
        _ => StageError::file("read", &path_of(root, description), error),
    }
}

/// An error about a file that is not what it should be, with what to do. What the store holds can be made again.
fn damaged(root: &Path, description: &DataFile, error: StageError) -> StageError {
    error.help(match &description.path {
        FilePath::Store(relative) => forget_damaged(root, relative),
        FilePath::Outside(_) => "the file is damaged: have it written anew, or leave it out",
    })
}
