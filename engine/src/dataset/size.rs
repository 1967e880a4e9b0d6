//! How large columns are once decoded, as the footers of their files tell: no data is read.

use std::collections::BTreeMap;
use std::path::Path;

use super::open_file::OpenFile;
use super::shard::Shard;
use crate::column::ColumnPath;
use crate::error::StageError;
use crate::trajectory::TrajectorySchema;

/// Bytes of some columns of a shard, all its rows counted, selected or not. Depends on the files alone.
pub(crate) fn decoded_bytes(
    root: &Path,
    schema: &TrajectorySchema,
    shard: &Shard,
    columns: &[ColumnPath],
) -> Result<u64, StageError> {
    let mut wanted: BTreeMap<usize, Vec<ColumnPath>> = BTreeMap::new();
    for column in schema.project(columns).paths() {
        wanted.entry(shard.index_of(&column)?).or_default().push(column);
    }
    let mut bytes = 0;
    for (index, columns) in wanted {
        let file = shard.files.get(index).ok_or_else(|| shard.missing(&columns[0]))?;
        let open = OpenFile::open(root, file, columns)?;
        bytes += (0..shard.row_groups.len()).map(|group| open.decoded_bytes(group)).sum::<u64>();
    }
    Ok(bytes)
}
