//! One Parquet file of a shard, open: its footer, the columns that are wanted of it, and errors that say what to do if it
//! is not as it was written.

use std::fs::File;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::RowGroupMetaData;

use super::chunks::{Chunks, digest, footer_digest, read_chunk};
use super::guard::guarded;
use super::leaves::leaves_of;
use super::shard::{DataFile, FilePath, path_of};
use crate::column::ColumnPath;
use crate::failure::system_error;
use crate::stage::StageError;
use crate::store::forget_damaged;

/// A Parquet file of a shard, open, with the columns that are wanted of it.
pub(super) struct OpenFile {
    root: PathBuf,
    pub(super) path: PathBuf,
    file: File,
    pub(super) metadata: ArrowReaderMetadata,
    mask: ProjectionMask,
    /// With their leaves.
    pub(super) wanted: Vec<(ColumnPath, Range<usize>)>,
    pub(super) description: DataFile,
}

impl OpenFile {
    pub(super) fn open(root: &Path, description: &DataFile, columns: Vec<ColumnPath>) -> Result<Self, StageError> {
        let path = path_of(root, description);
        let file = File::open(&path).map_err(|error| StageError::file("open", &path, &error))?;
        if let Some(expected) = &description.footer {
            let found = footer_digest(&file).map_err(|error| not_read(root, description, &error))?;
            match description.path {
                _ if found == *expected => {}
                FilePath::Store(_) => {
                    let error = StageError::new("the footer is not the one that was written");
                    return Err(damaged(root, description, error.place(path.display().to_string())));
                }
                FilePath::Outside(_) => {
                    return Err(StageError::new(format!("`{}` was changed since it was imported", path.display()))
                        .help("run the pipeline again: it imports the file as it is now"));
                }
            }
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
        Ok(Self { root: root.to_owned(), path, file, mask, metadata, wanted, description: description.clone() })
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
        let Some(group) = self.metadata.metadata().row_groups().get(self.description.first_row_group + row_group)
        else {
            return 0;
        };
        let leaves = self.wanted.iter().flat_map(|(_, leaves)| leaves.clone());
        leaves
            .map(|leaf| {
                let column = group.column(leaf);
                // A dictionary can make a chunk far smaller than its text.
                column.uncompressed_size().max(column.unencoded_byte_array_data_bytes().unwrap_or(0)).max(0) as u64
            })
            // A damaged footer may say anything.
            .fold(0, u64::saturating_add)
    }

    pub(super) fn compressed_bytes(&self, row_group: usize) -> u64 {
        let Some(group) = self.metadata.metadata().row_groups().get(self.description.first_row_group + row_group)
        else {
            return 0;
        };
        let leaves = self.wanted.iter().flat_map(|(_, leaves)| leaves.clone());
        leaves.map(|leaf| group.column(leaf).compressed_size().max(0) as u64).sum()
    }

    pub(super) fn read_row_group(
        &self,
        row_group: usize,
        rows: u64,
        batch_size: usize,
    ) -> Result<ParquetRecordBatchReader, StageError> {
        let chunks = self.chunks(row_group, rows)?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(chunks, self.metadata.clone())
            .with_projection(self.mask.clone())
            .with_row_groups(vec![self.description.first_row_group + row_group])
            .with_batch_size(batch_size);
        guarded(|| builder.build()).map_err(|error| self.unreadable(&error))
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
            let first = chunks.len();
            for leaf in leaves.clone() {
                let chunk = read_chunk(&self.file, group, leaf);
                chunks.push(chunk.map_err(|error| not_read(&self.root, &self.description, &error))?);
            }
            let expected = self.description.digests.get(column).and_then(|digests| digests.get(row_group));
            if expected != Some(&digest(chunks[first..].iter().map(|(_, bytes)| bytes))) {
                let index = self.description.first_row_group + row_group;
                let message =
                    format!("column `{column}`, row group {index}: the bytes are not those that were written");
                return Err(damaged(&self.root, &self.description, self.error(message)));
            }
        }
        let length = self.file.metadata().map_err(|error| StageError::file("read", &self.path, &error))?.len();
        Ok(Chunks::Checked { length, chunks })
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

fn unreadable(root: &Path, description: &DataFile, error: &(dyn std::error::Error + 'static)) -> StageError {
    let path = path_of(root, description);
    let told = StageError::new(format!("cannot read `{}` as Parquet: {error}", path.display()));
    match system_error(error) {
        // The disk, not the file: what it holds may be well.
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
