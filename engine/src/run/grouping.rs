//! How the groups of a dataset lie, and whether its trajectory ids are unique: one pass over two columns, remembered.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::column::ColumnPath;
use crate::dataset::{BatchLimit, Dataset, Facts};
use crate::stage::{Memo as _, StageError};
use crate::store::Store;

/// What the pass found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Grouping {
    pub(crate) rows: u64,
    pub(crate) groups: u64,
    pub(crate) facts: Facts,
}

/// First 16 bytes of blake3: ids are compared by digest, so that millions of them fit in memory.
type Digest = [u8; 16];

fn short_digest(text: &str) -> Digest {
    let mut short = Digest::default();
    short.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
    short
}

/// Finds how groups lie.
///
/// # Errors
/// If two rows have the same trajectory id, naming both places.
pub(crate) fn grouping(dataset: &Dataset, store: &Store) -> Result<Grouping, StageError> {
    let columns = [ColumnPath::from("trajectory_id"), ColumnPath::from("group_id")];
    let memo_key = memo_key(dataset, &columns);
    if let Some(known) = store.get(&memo_key).and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
        return Ok(known);
    }
    let mut trajectories: HashMap<Digest, (usize, u64)> = HashMap::new();
    // For each group the row after its last one, and the shard of its first.
    let mut groups: HashMap<Digest, (u64, usize)> = HashMap::new();
    let mut facts = Facts { adjacent: true, within_shards: true };
    let mut row = 0;
    for (index, shard) in dataset.shards.iter().enumerate() {
        let first_row = row;
        for batch in dataset.read(shard, &columns, BatchLimit::default())? {
            let batch = batch?;
            let (ids, group_ids) = (batch.text("trajectory_id")?, batch.text("group_id")?);
            for (id, group) in ids.iter().flatten().zip(group_ids.iter().flatten()) {
                if let Some((other, other_row)) = trajectories.insert(short_digest(id), (index, row - first_row)) {
                    let places = [(other, other_row), (index, row - first_row)]
                        .map(|(shard, row)| format!("row {row} of `{}`", dataset.shards[shard].label));
                    return Err(StageError::new(format!(
                        "two rows have the same trajectory id: {}",
                        places.join(" and ")
                    ))
                    .trajectory(id)
                    .help("give the records different ids, or import one of the files only"));
                }
                groups
                    .entry(short_digest(group))
                    .and_modify(|(next, first_shard)| {
                        facts.adjacent &= *next == row;
                        facts.within_shards &= *first_shard == index;
                        *next = row + 1;
                    })
                    .or_insert((row + 1, index));
                row += 1;
            }
        }
    }
    let found = Grouping { rows: row, groups: groups.len() as u64, facts };
    if let Ok(bytes) = serde_json::to_vec(&found) {
        store.put(&memo_key, &bytes);
    }
    Ok(found)
}

fn memo_key(dataset: &Dataset, columns: &[ColumnPath]) -> String {
    let mut key = String::from("grouping 1");
    for shard in &dataset.shards {
        for column in columns {
            key.push_str(&format!("\n{:?}", shard.digest_of(column)));
        }
        key.push_str(&format!(" {:?} {:?}", shard.row_groups, shard.selection));
    }
    key
}
