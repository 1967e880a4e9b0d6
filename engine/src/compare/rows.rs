//! The trajectories of two datasets, matched by id: which only one has, and where those of both lie.

use std::collections::HashMap;

use serde::Serialize;

use crate::column::ColumnPath;
use crate::dataset::{BatchLimit, Dataset};
use crate::stage::StageError;

/// Trajectories that are named of those that only one run has.
const NAMED: usize = 3;

/// Which trajectories a stage of each run has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RowChanges {
    /// Trajectories that both have.
    pub in_both: u64,
    /// How many only the first has.
    pub only_first: u64,
    /// Some of them, by id.
    pub named_first: Vec<String>,
    /// How many only the second has.
    pub only_second: u64,
    /// Some of them, by id.
    pub named_second: Vec<String>,
}

/// First 16 bytes of blake3: ids are compared by digest, so that millions of them fit in memory.
type Digest = [u8; 16];

fn short_digest(text: &str) -> Digest {
    let mut short = Digest::default();
    short.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
    short
}

/// The second dataset's trajectories, each with its row in the first if it is there, and the groups of the first.
pub(super) struct Matched {
    pub(super) changes: RowChanges,
    /// For each row of the second dataset, the first's.
    pub(super) rows: Vec<Option<u32>>,
    /// For each row of the first dataset, the number of its group.
    pub(super) groups: Vec<u32>,
    /// Names of the groups.
    pub(super) group_names: Vec<String>,
}

impl Matched {
    pub(super) fn new(first: &Dataset, second: &Dataset) -> Result<Self, StageError> {
        let mut index: HashMap<Digest, u32> = HashMap::new();
        let mut group_numbers: HashMap<String, u32> = HashMap::new();
        let (mut groups, mut group_names) = (Vec::new(), Vec::new());
        for_each_row(first, |id, group| {
            index.insert(short_digest(id), groups.len() as u32);
            let known = group_numbers.get(group).copied();
            groups.push(known.unwrap_or_else(|| {
                let number = group_names.len() as u32;
                group_names.push(group.to_owned());
                group_numbers.insert(group.to_owned(), number);
                number
            }));
        })?;
        let mut changes = RowChanges::default();
        let mut rows = Vec::new();
        let mut is_matched = vec![false; groups.len()];
        for_each_row(second, |id, _| {
            let row = index.get(&short_digest(id)).copied();
            rows.push(row);
            match row {
                Some(row) => is_matched[row as usize] = true,
                None => add(&mut changes.only_second, &mut changes.named_second, id),
            }
        })?;
        changes.in_both = is_matched.iter().filter(|matched| **matched).count() as u64;
        if changes.in_both < groups.len() as u64 {
            let mut is_matched = is_matched.iter();
            for_each_row(first, |id, _| {
                if is_matched.next() == Some(&false) {
                    add(&mut changes.only_first, &mut changes.named_first, id);
                }
            })?;
        }
        Ok(Self { changes, rows, groups, group_names })
    }
}

fn add(count: &mut u64, named: &mut Vec<String>, id: &str) {
    *count += 1;
    if named.len() < NAMED {
        named.push(id.to_owned());
    }
}

/// Calls with the id and the group of every row.
fn for_each_row(dataset: &Dataset, mut call: impl FnMut(&str, &str)) -> Result<(), StageError> {
    let columns = ["trajectory_id", "group_id"].map(ColumnPath::from);
    for shard in &dataset.shards {
        for batch in dataset.read(shard, &columns, BatchLimit::default())? {
            let batch = batch?;
            let (ids, groups) = (batch.text("trajectory_id")?, batch.text("group_id")?);
            ids.iter().zip(groups).for_each(|(id, group)| call(id.unwrap_or_default(), group.unwrap_or_default()));
        }
    }
    Ok(())
}
