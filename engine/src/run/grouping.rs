//! How the groups of a dataset lie, and whether its trajectory ids are unique: found by reading two columns, and
//! remembered.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::column::ColumnPath;
use crate::dataset::{BatchLimit, Dataset, Facts, FilesRead, Shard};
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

/// About what a pass holds for each row: the hash of its id, and an entry of a hash table if it begins a group.
const ROW_BYTES: u64 = 56;

/// Finds how groups lie, in as many passes over the two columns as it takes to stay within half of `memory` bytes.
///
/// # Errors
/// If two rows have the same trajectory id, naming both places.
pub(crate) fn grouping(dataset: &Dataset, store: &Store, memory: u64) -> Result<Grouping, StageError> {
    let columns = ["trajectory_id", "group_id"].map(ColumnPath::from);
    let memo_key = memo_key(dataset, &columns);
    if let Some(known) = store.get(&memo_key).and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
        return Ok(known);
    }
    let read = FilesRead::begin(&dataset.shards)?;
    let passes = (dataset.rows() * ROW_BYTES).div_ceil((memory / 2).max(1)).max(1);
    let mut found = Grouping { rows: dataset.rows(), groups: 0, facts: Facts { adjacent: true, within_shards: true } };
    let mut suspects = HashSet::new();
    for pass in 0..passes {
        look_at(dataset, |hash| hash % passes == pass, &mut found, &mut suspects)?;
    }
    if !suspects.is_empty() {
        refuse_twins(dataset, &suspects)?;
    }
    read.unchanged()?;
    if let Ok(bytes) = serde_json::to_vec(&found) {
        store.put(&memo_key, &bytes);
    }
    Ok(found)
}

/// Hashes of a shard's ids, and of its groups in the order of its rows.
struct Hashes {
    ids: Vec<u64>,
    groups: Vec<u64>,
}

impl Hashes {
    fn of(dataset: &Dataset, shard: &Shard) -> Result<Self, StageError> {
        let columns = ["trajectory_id", "group_id"].map(ColumnPath::from);
        let mut hashes = Self { ids: Vec::new(), groups: Vec::new() };
        for batch in dataset.read(shard, &columns, BatchLimit::default())? {
            let batch = batch?;
            hashes.ids.extend(batch.text("trajectory_id")?.iter().flatten().map(hash));
            hashes.groups.extend(batch.text("group_id")?.iter().flatten().map(hash));
        }
        Ok(hashes)
    }
}

/// Follows the groups whose hash is among those of this pass. Two groups of one hash would be taken for one that is
/// scattered, which costs time and changes no result. Ids of the same hash become suspects.
fn look_at(
    dataset: &Dataset,
    is_looked_at: impl Fn(u64) -> bool,
    found: &mut Grouping,
    suspects: &mut HashSet<u64>,
) -> Result<(), StageError> {
    let mut ids: Vec<u64> = Vec::new();
    // For each group the row after its last one, and the shard of its first.
    let mut groups: HashMap<u64, (u64, usize)> = HashMap::new();
    let (mut row, mut index) = (0, 0);
    // Read by all threads; followed in order, by one.
    for shards in dataset.shards.chunks(2 * rayon::current_num_threads()) {
        let read = shards.par_iter().map(|shard| Hashes::of(dataset, shard)).collect::<Result<Vec<_>, _>>()?;
        for hashes in read {
            ids.extend(hashes.ids.into_iter().filter(|hash| is_looked_at(*hash)));
            for group in hashes.groups {
                if is_looked_at(group) {
                    let (next, first_shard) = groups.entry(group).or_insert((row, index));
                    found.facts.adjacent &= *next == row;
                    found.facts.within_shards &= *first_shard == index;
                    *next = row + 1;
                }
                row += 1;
            }
            index += 1;
        }
    }
    ids.par_sort_unstable();
    suspects.extend(ids.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]));
    found.groups += groups.len() as u64;
    Ok(())
}

/// Compares the ids of these hashes by their text.
fn refuse_twins(dataset: &Dataset, suspects: &HashSet<u64>) -> Result<(), StageError> {
    let mut places: HashMap<String, (usize, usize)> = HashMap::new();
    for (index, shard) in dataset.shards.iter().enumerate() {
        let mut row = 0;
        for batch in dataset.read(shard, &["trajectory_id".into()], BatchLimit::default())? {
            for id in batch?.text("trajectory_id")?.iter().flatten() {
                if suspects.contains(&hash(id))
                    && let Some(other) = places.insert(id.to_owned(), (index, row))
                {
                    let places = [other, (index, row)]
                        .map(|(shard, row)| format!("row {row} of `{}`", dataset.shards[shard].label));
                    return Err(StageError::new(format!(
                        "two rows have the same trajectory id: {}",
                        places.join(" and ")
                    ))
                    .trajectory(id)
                    .help("give the records different ids, or import one of the files only"));
                }
                row += 1;
            }
        }
    }
    Ok(())
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
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
