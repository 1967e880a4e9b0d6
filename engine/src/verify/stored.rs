//! Reads everything that a run's datasets are made of, and compares it with the digests that were taken when it was
//! written.

use std::collections::BTreeSet;
use std::path::PathBuf;

use rayon::prelude::*;
use serde::Serialize;

use crate::artifact::Artifact;
use crate::dataset::{Dataset, FilePath, Shard};
use crate::event::StageResult;
use crate::run::is_as_written;
use crate::store::Store;

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stored {
    /// Manifests of datasets.
    pub manifests: u64,
    /// Data files of the store.
    pub files: u64,
    /// Bytes that were read of them.
    pub bytes: u64,
    /// Files outside of the store that datasets refer to, of which the footer was read.
    pub outside: u64,
    /// Exported files.
    pub exported: u64,
    /// What is not as it was written.
    pub damaged: Vec<Damage>,
}

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Damage {
    /// The stage that made it.
    pub stage: String,
    /// The file, column and row group, and what is wrong.
    pub message: String,
}

/// Files that were read, each with the first of its row groups that were.
type Seen = BTreeSet<(PathBuf, usize)>;

/// Checks what the stages of a run came to. A result that is damaged is forgotten on the way, so that the next run
/// computes it anew.
pub fn check_stored(store: &Store, results: &[StageResult]) -> Stored {
    let mut stored = Stored::default();
    let mut seen = Seen::new();
    for result in results {
        let damage = |message: String| Damage { stage: result.stage.clone(), message };
        for file in &result.files {
            stored.exported += 1;
            if !is_as_written(file) {
                stored.damaged.push(damage(format!("`{}` is not as it was exported", file.path.display())));
            }
        }
        let others = result.outputs.iter().map(|output| &output.manifest);
        for manifest in [&result.dataset, &result.quarantine].into_iter().flatten().chain(others) {
            stored.manifests += u64::from(seen.insert((manifest.clone(), 0)));
            match store.artifact(manifest) {
                Ok(Artifact::Dataset(dataset)) => stored.check_dataset(&dataset, &mut seen, &damage),
                Ok(Artifact::Policy(policy)) => {
                    if seen.insert((policy.directory(), 0)) {
                        stored.add(policy.check(), (policy.files.len(), &policy.place), &damage);
                    }
                }
                Ok(Artifact::Table(table)) => {
                    if seen.insert((table.path(), 0)) {
                        stored.add(table.check(), (1, &table.place), &damage);
                    }
                }
                Err(error) => stored.damaged.push(damage(error.to_string())),
            }
        }
    }
    stored
}

impl Stored {
    /// Adds what was read of an artifact, and what is wrong with it.
    fn add(
        &mut self,
        (bytes, messages): (u64, Vec<String>),
        (files, place): (usize, &FilePath),
        damage: &dyn Fn(String) -> Damage,
    ) {
        match place {
            FilePath::Store(_) => self.files += files as u64,
            FilePath::Outside(_) => self.outside += files as u64,
        }
        self.bytes += bytes;
        self.damaged.extend(messages.into_iter().map(damage));
    }

    /// What a stage passes on from those before it was checked there.
    fn check_dataset(&mut self, dataset: &Dataset, seen: &mut Seen, damage: &dyn Fn(String) -> Damage) {
        let mut files: Vec<(&Shard, usize)> = Vec::new();
        for shard in &dataset.shards {
            for (index, file) in shard.files.iter().enumerate() {
                if seen.insert((dataset.path_of(file), file.first_row_group)) {
                    files.push((shard, index));
                    match file.path {
                        FilePath::Store(_) => self.files += 1,
                        FilePath::Outside(_) => self.outside += 1,
                    }
                }
            }
        }
        let checked: Vec<(u64, Vec<String>)> =
            files.par_iter().map(|(shard, index)| check_file(dataset, shard, *index)).collect();
        for (bytes, messages) in checked {
            self.bytes += bytes;
            self.damaged.extend(messages.into_iter().map(damage));
        }
    }
}

/// Bytes that were read, and what is wrong.
fn check_file(dataset: &Dataset, shard: &Shard, index: usize) -> (u64, Vec<String>) {
    let (mut bytes, mut messages) = (0, Vec::new());
    for checked in dataset.check_file(shard, index) {
        match checked {
            Ok(read) => bytes += read,
            Err(error) => messages.push(error.to_string()),
        }
    }
    messages.dedup();
    (bytes, messages)
}
