//! What a store holds, so that two stores can be compared: data files by what is in them, without places and names of
//! attempts.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use regex::Regex;

use super::harness::Workplace;

/// What lies in a store and decides what is found in it.
pub(crate) struct StoreContents {
    /// Commits, manifests, records of exports, and whatever else there is: texts by the folder in which they lie. Data
    /// files are part of the texts that refer to them.
    pub(crate) objects: BTreeMap<String, BTreeSet<String>>,
    /// Files to which nothing refers: those of attempts that came to nothing, and temporaries.
    pub(crate) left_over: BTreeSet<String>,
}

/// Records of runs, what can be forgotten, and locks: different from run to run.
const PASSING: [&str; 2] = ["runs/", "memo/"];

impl StoreContents {
    /// The contents of the store of a place.
    pub(crate) fn of(place: &Workplace) -> Self {
        let here = place.path("").to_string_lossy().into_owned();
        let here = here.trim_end_matches('/');
        let reference = Regex::new(r#"data/[0-9a-f]{2}/[^/"]+/[^/"]+"#).unwrap();
        let files = place.files(".sternlight");
        let (data, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
            files.into_iter().partition(|(name, _)| name.starts_with("data/"));
        let mut left_over: BTreeSet<String> = data.keys().cloned().collect();
        let mut objects: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (name, bytes) in others {
            if PASSING.iter().any(|folder| name.starts_with(folder)) || name.ends_with(".lock") {
                continue;
            }
            if name.rsplit('/').next().unwrap().starts_with(".tmp") {
                left_over.insert(name);
                continue;
            }
            if name.starts_with("exchange/") {
                objects.entry("exchange".to_owned()).or_default().insert(name);
                continue;
            }
            let text = String::from_utf8(bytes).unwrap().replace(here, "HERE");
            let told = reference.replace_all(&text, |found: &regex::Captures<'_>| {
                left_over.remove(&found[0]);
                described(data.get(&found[0]).unwrap_or_else(|| panic!("{name}: {} is gone", &found[0])))
            });
            let folder = name.split('/').next().unwrap().to_owned();
            objects.entry(folder).or_default().insert(told.into_owned());
        }
        Self { objects, left_over }
    }

    /// Fails where the two differ, with the first text of one that the other does not have.
    pub(crate) fn assert_same(&self, expected: &Self, what: &str) {
        let folders = |contents: &Self| contents.objects.keys().cloned().collect::<Vec<_>>();
        assert_eq!(folders(self), folders(expected), "{what}: folders of the store");
        for (folder, texts) in &self.objects {
            let differing = texts.symmetric_difference(&expected.objects[folder]).next();
            assert!(differing.is_none(), "{what}: {folder}: {}", differing.unwrap());
        }
    }
}

fn described(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("{} bytes {:016x}", bytes.len(), hasher.finish())
}
