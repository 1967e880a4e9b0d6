//! What a pipeline asks for when a stage fails. Nothing here decides a result, `on_error` apart.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What becomes of a trajectory that a stage cannot process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnError {
    /// The run stops with an error that names it.
    #[default]
    Fail,
    /// It is put aside, with stage, reason and place, in a dataset beside the stage's output, and the run goes on.
    Quarantine,
}

/// How often what may pass is tried again: errors of the network and of busy disks, and a time limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// How often at most, for each part of a stage.
    pub times: u32,
    /// How long to wait before the first; twice as long before each one after it.
    pub wait: Duration,
}

/// Waiting longer helps nobody: what has not passed in a minute is looked at once a minute.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

impl Default for Retries {
    fn default() -> Self {
        Self { times: 0, wait: Duration::from_secs(1) }
    }
}

impl Retries {
    /// How long to wait before a retry, counted from 1: doubled each time up to a minute, or `wait` if that is longer.
    pub fn wait_before(&self, retry: u32) -> Duration {
        let factor = 1u32.checked_shl(retry.saturating_sub(1)).unwrap_or(u32::MAX);
        self.wait.saturating_mul(factor).min(LONGEST_WAIT.max(self.wait))
    }
}

/// What a stage of a pipeline asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FailurePolicy {
    /// What becomes of a trajectory at fault.
    pub on_error: OnError,
    /// How often what may pass is tried again.
    pub retries: Retries,
    /// How long a part of the stage may take.
    pub timeout: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute() {
        let retries = Retries { times: 9, wait: Duration::from_secs(3) };
        let waits: Vec<u64> = (1..8).map(|retry| retries.wait_before(retry).as_secs()).collect();
        assert_eq!(waits, [3, 6, 12, 24, 48, 60, 60]);
        assert_eq!(retries.wait_before(u32::MAX).as_secs(), 60);
        let patient = Retries { times: 1, wait: Duration::from_secs(300) };
        assert_eq!(patient.wait_before(5).as_secs(), 300);
    }
}
