//! What the engine hands to a stage besides batches: a place for metrics, highlights, warnings and log lines, and a small
//! memory for facts about inputs.

use std::collections::HashSet;

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

/// How much a line of a log matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// To whoever wants to know what goes on.
    Info,
    /// To everybody: something looks wrong.
    Warning,
    /// To everybody: something is wrong.
    Error,
}

/// What a stage said while it worked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// What it said.
    pub message: String,
}

/// Lines of a part, and of a stage, that are kept: the first.
const LOG_LINES: usize = 256;

/// Stands for the lines that are not.
const MORE_LINES: &str = "what it said further is left out";

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
    /// What it said, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<LogLine>,
}

impl Context {
    /// Adds a line to what the stage said. Of many lines the first are kept.
    pub fn say(&mut self, level: LogLevel, message: impl Into<String>) {
        match self.log.len() {
            LOG_LINES => self.log.push(LogLine { level: LogLevel::Info, message: MORE_LINES.to_owned() }),
            kept if kept < LOG_LINES => self.log.push(LogLine { level, message: message.into() }),
            _ => {}
        }
    }

    /// Adds what the next batch or part counted. A warning that was given before is not repeated.
    pub fn absorb(&mut self, next: &Self) {
        let known: HashSet<&str> = self.warnings.iter().map(String::as_str).collect();
        let new: Vec<String> = next.warnings.iter().filter(|one| !known.contains(one.as_str())).cloned().collect();
        self.add(next, new);
    }

    /// What many parts counted, in order: as if one after the other were absorbed.
    pub(crate) fn of_all<'a>(parts: impl Iterator<Item = &'a Self>) -> Self {
        let (mut all, mut known) = (Self::default(), HashSet::new());
        for part in parts {
            let new = part.warnings.iter().filter(|warning| known.insert(warning.as_str())).cloned().collect();
            all.add(part, new);
        }
        all
    }

    fn add(&mut self, next: &Self, warnings: Vec<String>) {
        self.metrics.merge(&next.metrics);
        self.highlights.extend(next.highlights.iter().cloned());
        self.warnings.extend(warnings);
        for LogLine { level, message } in &next.log {
            self.say(*level, message);
        }
    }
}

/// Remembers small facts about inputs between runs (where a file's shards begin). Losing it costs time only.
pub trait Memo: Send + Sync {
    /// The remembered bytes.
    fn get(&self, key: &str) -> Option<Vec<u8>>;
    /// Remembers; a failure to do so is no error.
    fn put(&self, key: &str, value: &[u8]);
    /// Bytes that whoever finds such facts out may use: what takes more must be refused, with the place.
    fn memory(&self) -> u64 {
        u64::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_lines_the_first_are_kept() {
        let (mut stage, mut part) = (Context::default(), Context::default());
        (0..LOG_LINES - 1).for_each(|line| part.say(LogLevel::Info, line.to_string()));
        stage.absorb(&part);
        stage.absorb(&part);
        stage.absorb(&part);
        let messages: Vec<&str> = stage.log.iter().map(|line| line.message.as_str()).collect();
        assert_eq!((messages.len(), messages[254], messages[255], messages[256]), (257, "254", "0", MORE_LINES));
    }
}
