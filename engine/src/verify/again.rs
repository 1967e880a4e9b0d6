//! Compares what a run came to with what comes out when it is computed again.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::Path;

use serde::Serialize;

use crate::artifact::Artifact;
use crate::compare::{KeyChange, key_changes};
use crate::dataset::{Dataset, Shard};
use crate::event::StageResult;
use crate::run::{Job, PlannedStage};
use crate::stage::ExportedFile;
use crate::store::{KeyRecord, Store, StoreError};

/// What was compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Again {
    /// Stages.
    pub stages: u64,
    /// Shards of their datasets.
    pub shards: u64,
    /// Columns of these shards, by the digests of their contents.
    pub columns: u64,
    /// Exported files, by their digests.
    pub exported: u64,
    /// What came out otherwise, in the order of the stages.
    pub differences: Vec<Difference>,
}

/// Something that came out otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The stage.
    pub stage: String,
    /// What.
    pub message: String,
}

/// The inputs of a run that are no longer what they were: by the stage that reads them, how the keys of what it finds
/// now differ, and what it does not find any more; and for other stages the files that their options name. `planned`: the
/// run's stages on a store without results.
pub fn changed_inputs(
    before: &[KeyRecord],
    planned: &[PlannedStage],
    jobs: &[Job<'_>],
) -> BTreeMap<String, Vec<KeyChange>> {
    let sources = planned.iter().filter(|stage| stage.from.is_empty());
    let changes = sources.map(|stage| {
        let known: Vec<KeyRecord> = before.iter().filter(|record| record.stage == stage.stage).cloned().collect();
        let mut changes = key_changes(&known, &stage.keys);
        let there: HashSet<&str> = stage.keys.iter().map(|record| record.label.as_str()).collect();
        let labels: Vec<String> =
            known.into_iter().map(|record| record.label).filter(|label| !there.contains(label.as_str())).collect();
        if !labels.is_empty() {
            changes.push(KeyChange { differing: vec!["missing".to_owned()], labels });
        }
        (stage.stage.clone(), changes)
    });
    let files = jobs.iter().map(|job| {
        let known = before.iter().find(|record| record.stage == job.name);
        let files = job.stage.files().into_iter().filter_map(|file| {
            let part = format!("file {}", file.name);
            let digest = known?.parts.iter().find(|(name, _)| *name == part)?.1;
            let change = || KeyChange { differing: vec!["contents".to_owned()], labels: vec![file.name.clone()] };
            (digest != file.digest).then(change)
        });
        (job.name.to_owned(), files.collect())
    });
    let mut changed: BTreeMap<String, Vec<KeyChange>> = changes.collect();
    for (stage, files) in files {
        // A source's files are in its keys, which were compared.
        changed.entry(stage).or_insert(files);
    }
    changed.retain(|_, changes| !changes.is_empty());
    changed
}

/// Compares results with those of the same stages computed on another store.
///
/// # Errors
/// If a manifest cannot be read.
pub fn compare_results(
    (store, before): (&Store, &[StageResult]),
    (other, after): (&Store, &[StageResult]),
) -> Result<Again, StoreError> {
    let mut again = Again::default();
    for result in before {
        again.stages += 1;
        let differs = |message: String| Difference { stage: result.stage.clone(), message };
        let Some(now) = after.iter().find(|now| now.stage == result.stage) else {
            again.differences.push(differs("has no result".to_owned()));
            continue;
        };
        let mut messages = Vec::new();
        if result.rows != now.rows {
            messages.push(format!("{} trajectories, before {}", now.rows, result.rows));
        }
        if result.metrics != now.metrics || result.highlights != now.highlights {
            messages.push("its figures or highlights are others".to_owned());
        }
        let manifests = [(&result.dataset, &now.dataset), (&result.quarantine, &now.quarantine)];
        for (before, now) in manifests {
            match (before, now) {
                (Some(before), Some(now)) => {
                    let (before, now) = (store.dataset(before)?, other.dataset(now)?);
                    again.compare_datasets(&before, &now, &mut messages);
                }
                (None, None) => {}
                _ => messages.push("trajectories were put aside in one case and not in the other".to_owned()),
            }
        }
        for before in &result.outputs {
            let Some(now) = now.outputs.iter().find(|now| now.name == before.name) else {
                messages.push(format!("its output `{}` is missing", before.name));
                continue;
            };
            let is_same = match (store.artifact(&before.manifest)?, other.artifact(&now.manifest)?) {
                (Artifact::Dataset(before), Artifact::Dataset(now)) => {
                    again.compare_datasets(&before, &now, &mut messages);
                    true
                }
                (Artifact::Policy(before), Artifact::Policy(now)) => before.digest() == now.digest(),
                (Artifact::Table(before), Artifact::Table(now)) => before.digest == now.digest,
                _ => false,
            };
            if !is_same {
                messages.push(format!("its output `{}` is another", before.name));
            }
        }
        again.compare_files(&result.files, &now.files, &mut messages);
        again.differences.extend(messages.into_iter().map(differs));
    }
    Ok(again)
}

impl Again {
    fn compare_datasets(&mut self, before: &Dataset, now: &Dataset, messages: &mut Vec<String>) {
        if before.schema.arrow() != now.schema.arrow() {
            messages.push("its columns are others".to_owned());
        }
        if before.shards.len() != now.shards.len() {
            messages.push(format!("{} shards, before {}", now.shards.len(), before.shards.len()));
        }
        for (before, now) in before.shards.iter().zip(&now.shards) {
            self.shards += 1;
            self.compare_shards(before, now, messages);
        }
    }

    fn compare_shards(&mut self, before: &Shard, now: &Shard, messages: &mut Vec<String>) {
        let label = &before.label;
        if before.row_groups != now.row_groups {
            messages.push(format!("shard `{label}`: its row groups are others"));
        }
        if before.selection != now.selection {
            messages.push(format!("shard `{label}`: other trajectories are selected"));
        }
        for column in before.columns.keys() {
            self.columns += 1;
            if before.digest_of(column) != now.digest_of(column) {
                messages.push(format!("shard `{label}`: column `{column}` has other contents"));
            }
        }
    }

    fn compare_files(&mut self, before: &[ExportedFile], now: &[ExportedFile], messages: &mut Vec<String>) {
        let name = |file: &ExportedFile| file.path.file_name().map(OsStr::to_owned).unwrap_or_default();
        let named: HashMap<OsString, &ExportedFile> = now.iter().map(|file| (name(file), file)).collect();
        for file in before {
            self.exported += 1;
            let now = named.get(&name(file));
            if now.is_none_or(|now| now.digest != file.digest) {
                let name = Path::new(&name(file)).display().to_string();
                messages
                    .push(format!("exported file `{name}`: {}", if now.is_some() { "other bytes" } else { "missing" }));
            }
        }
    }
}
