//! Reads a file of a shard for its digests' sake: no value is decoded.

use super::chunks::Chunks;
use super::open_file::OpenFile;
use super::shard::{Dataset, Shard};
use crate::column::ColumnPath;
use crate::stage::StageError;

impl Dataset {
    /// Compares the footer, every column chunk and all the rest of a shard's file with its digest: every byte of a file of
    /// the store. For each of them the bytes that were read, or what is wrong. Of a file outside of the store only the
    /// footer is known.
    pub(crate) fn check_file(&self, shard: &Shard, index: usize) -> Vec<Result<u64, StageError>> {
        let Some(file) = shard.files.get(index) else { return Vec::new() };
        let rest = match OpenFile::open(&self.root, file, Vec::new()) {
            Ok(file) => file.check_rest(),
            Err(error) => return vec![Err(error)],
        };
        let columns = file.digests.keys().flat_map(|column| self.check_column(shard, index, column));
        columns.chain([rest]).collect()
    }

    fn check_column(&self, shard: &Shard, index: usize, column: &ColumnPath) -> Vec<Result<u64, StageError>> {
        let file = match OpenFile::open(&self.root, &shard.files[index], vec![column.clone()]) {
            Ok(file) => file,
            Err(error) => return vec![Err(error)],
        };
        let groups = shard.row_groups.iter().enumerate();
        groups
            .map(|(group, rows)| match file.chunks(group, *rows)? {
                Chunks::Checked { chunks, .. } => Ok(chunks.iter().map(|(_, bytes)| bytes.len() as u64).sum()),
                Chunks::File(_) => Ok(0),
            })
            .collect()
    }
}
