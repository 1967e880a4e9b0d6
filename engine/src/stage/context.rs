//! What the engine hands to a stage besides batches: a place for metrics, highlights and warnings, and a small memory for facts about inputs.

use serde::{Deserialize, Serialize};

use crate::metrics::Metrics;

/// A thing worth showing to people at the end of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Highlight {
    /// What it is, in words: `most blamed turn`.
    pub title: String,
    /// The trajectory.
    pub trajectory_id: String,
    /// The turn, from 0.
    pub turn: usize,
    /// A number that earned it the title: its advantage.
    pub value: f32,
    /// Further lines: label and text.
    pub lines: Vec<(String, String)>,
}

/// Collected over one part of a stage's work (a shard, a partition), in row order, and kept with its result.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// Counts and distributions.
    pub metrics: Metrics,
    /// Things to show.
    pub highlights: Vec<Highlight>,
    /// Sentences about what looks wrong but does not stop the work.
    pub warnings: Vec<String>,
}

impl Context {
    /// Adds what the next batch or part counted. A warning that was given before is not repeated.
    pub fn absorb(&mut self, next: &Self) {
        self.metrics.merge(&next.metrics);
        self.highlights.extend(next.highlights.iter().cloned());
        for warning in &next.warnings {
            if !self.warnings.contains(warning) {
                self.warnings.push(warning.clone());
            }
        }
    }
}

/// Remembers small facts about inputs between runs (where a file's shards begin). Losing it costs time only.
pub trait Memo: Send + Sync {
    /// The remembered bytes.
    fn get(&self, key: &str) -> Option<Vec<u8>>;
    /// Remembers; a failure to do so is no error.
    fn put(&self, key: &str, value: &[u8]);
}
