//! Which keys of a stage's parts differ between two runs, and in what.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use crate::store::{Key, KeyRecord};

/// One way in which keys differ, and the parts of work that it concerns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyChange {
    /// What of the keys differs: `options`, `column reward`. Empty for parts that only the later run has.
    pub differing: Vec<String>,
    /// What the parts cover, in the order of the work.
    pub labels: Vec<String>,
}

/// What of `now` has a key that is not among those of `before`. A part is compared with the one that covers the same,
/// else with the one at its place.
pub fn key_changes(before: &[KeyRecord], now: &[KeyRecord]) -> Vec<KeyChange> {
    let known: HashSet<&Key> = before.iter().map(|record| &record.key).collect();
    let mut by_label: HashMap<&str, &KeyRecord> = HashMap::new();
    for record in before {
        by_label.entry(&record.label).or_insert(record);
    }
    let mut concerned: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    for (position, record) in now.iter().enumerate().filter(|(_, record)| !known.contains(&record.key)) {
        let old = by_label.get(record.label.as_str()).copied().or_else(|| before.get(position));
        let differing = old.map(|old| record.parts.differing(&old.parts)).unwrap_or_default();
        concerned.entry(differing).or_default().push(record.label.clone());
    }
    concerned.into_iter().map(|(differing, labels)| KeyChange { differing, labels }).collect()
}
