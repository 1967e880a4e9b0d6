//! `--limit N`: narrows a source to its first N groups, in order of first appearance.

use std::collections::HashSet;

use super::compose::narrowed;
use crate::column::ColumnPath;
use crate::dataset::{BaseReader, BatchLimit, Dataset, Selection};
use crate::stage::StageError;

/// The rows of the first groups. Everything imported stays in the store, so that a later run without the limit
/// imports nothing again.
pub(crate) fn first_groups(dataset: Dataset, groups: u64) -> Result<Dataset, StageError> {
    let columns = [ColumnPath::from("group_id")];
    let mut wanted: HashSet<String> = HashSet::new();
    let mut selections = Vec::new();
    for shard in &dataset.shards {
        let mut selection = Selection::default();
        for base in BaseReader::open(&dataset.root, &dataset.schema, shard, &columns, BatchLimit::default())? {
            let base = base?;
            let batch = crate::trajectory::TrajectoryBatch::new(base.rows.clone())?;
            for (row, group) in batch.text("group_id")?.iter().flatten().enumerate() {
                if base.selected.as_ref().is_some_and(|mask| !mask.value(row)) {
                    continue;
                }
                if (wanted.len() as u64) < groups && !wanted.contains(group) {
                    wanted.insert(group.to_owned());
                }
                if wanted.contains(group) {
                    selection.push(base.first_row + row as u64);
                }
            }
        }
        selections.push(selection);
    }
    Ok(narrowed(dataset, selections))
}
