//! Reads a file of a shard for its digests' sake: no value is decoded.

use super::open_file::OpenFile;
use super::shard::{Dataset, Shard};
use crate::column::ColumnPath;
use crate::error::StageError;

impl Dataset {
    /// Compares the footer, every column chunk and all the rest of a shard's file with its digest: every byte of a file of
    /// the store. For each of them the bytes that were read, or what is wrong. Of a file outside of the store only the
    /// footer is known.
    pub(crate) fn check_file(&self, shard: &Shard, index: usize) -> Vec<Result<u64, StageError>> {
        let Some(file) = shard.files.get(index) else { return Vec::new() };
        let columns = file.digests.columns();
        // The footer is read once, which may be long: it describes every chunk of every row group.
        let open = match OpenFile::open(&self.root, file, columns.to_vec()) {
            Ok(open) => open,
            Err(error) => return vec![Err(error)],
        };
        let check = |column: &ColumnPath| {
            let groups = shard.row_groups.iter().enumerate();
            groups.map(|(group, rows)| open.check_chunk(column, group, *rows)).collect::<Vec<_>>()
        };
        columns.iter().flat_map(check).chain([open.check_rest()]).collect()
    }
}
