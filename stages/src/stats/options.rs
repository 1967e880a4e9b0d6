//! Options of the `stats` stage.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What rows of the table stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StatsBy {
    /// Tasks.
    Task,
    /// Groups.
    Group,
    /// Policies.
    Policy,
    /// Environments.
    Env,
    /// Statuses.
    Status,
}

impl StatsBy {
    /// The column that is told apart by.
    pub(super) fn column(self) -> &'static str {
        match self {
            Self::Task => "task_id",
            Self::Group => "group_id",
            Self::Policy => "policy",
            Self::Env => "env",
            Self::Status => "status",
        }
    }
}

/// Options of `stats`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatsOptions {
    /// What the rows of the table stand for: any of `task`, `group`, `policy`, `env`, `status`. Without any, the table has one
    /// row for all.
    #[serde(default)]
    pub by: Vec<StatsBy>,
    /// The largest k of pass^k, the chance that all of k attempts at a task succeed: a column for each up to it.
    #[serde(default = "four")]
    #[schemars(range(min = 0, max = 64))]
    pub pass: u64,
    /// How sure the intervals are, between 0 and 1.
    #[serde(default = "usual")]
    pub confidence: f64,
}

fn four() -> u64 {
    4
}

fn usual() -> f64 {
    0.95
}
