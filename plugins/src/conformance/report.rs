//! What a check did and found.

use serde::Serialize;

use crate::text::printable;

/// More faults of one check are only counted.
const SHOWN: usize = 4;

/// One promise of the contract, tried.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// How it went.
    pub verdict: Verdict,
    /// What was tried, in words.
    pub did: String,
    /// What looks odd, and breaks no promise.
    pub notes: Vec<String>,
    /// What is wrong: with which trajectory, what was expected, what was found.
    pub faults: Vec<String>,
    /// What to do about the faults.
    pub help: Option<String>,
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The promise held.
    Passed,
    /// It did not.
    Failed,
    /// There was nothing to try.
    Skipped,
}

impl Check {
    /// A check that has found nothing yet.
    pub(super) fn new(name: &'static str, did: impl Into<String>) -> Self {
        let (notes, faults) = (Vec::new(), Vec::new());
        Self { name, verdict: Verdict::Passed, did: did.into(), notes, faults, help: None }
    }

    /// Nothing to try, for this reason.
    pub(super) fn skipped(name: &'static str, reason: impl Into<String>) -> Self {
        Self { verdict: Verdict::Skipped, ..Self::new(name, reason) }
    }

    /// Says what is wrong, and what to do. Of many faults the first are kept.
    pub(super) fn fail(&mut self, fault: impl Into<String>, help: &str) {
        self.verdict = Verdict::Failed;
        if self.faults.len() < SHOWN {
            self.faults.push(printable(&fault.into()));
        } else if self.faults.len() == SHOWN {
            self.faults.push("and more of the kind".to_owned());
        }
        self.help.get_or_insert_with(|| help.to_owned());
    }

    /// Says what looks odd.
    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(printable(&note.into()));
    }
}

/// A number and what it counts.
pub(super) fn counted(count: usize, one: &str, several: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {several}"),
    }
}

/// So many trajectories.
pub(super) fn trajectories(count: usize) -> String {
    counted(count, "trajectory", "trajectories")
}
