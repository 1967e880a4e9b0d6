//! What both record formats share: where a record comes from, what the options say about it, and the row that
//! becomes of it.

use sternlight_engine::stage::Context;
use sternlight_engine::trajectory::{Status, TrajectoryRow};

use super::files::InputFile;
use super::json::{Fault, number};
use super::options::{GroupBy, Options};
use serde_json::value::RawValue;

/// How close to 1 a reward must be to count as success, where the format says so.
const SUCCESS_TOLERANCE: f64 = 1e-6;

/// Where a record lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin<'a> {
    /// Its file.
    pub(super) file: &'a InputFile,
    /// Its index in the file, from 0.
    pub(super) index: u64,
    /// The environment that the file as a whole tells.
    pub(super) environment: Option<&'a str>,
}

impl Origin<'_> {
    /// The id of the row: trial numbers collide in real files, positions do not.
    pub(super) fn trajectory_id(&self) -> String {
        format!("{}#{}", self.file.stem(), self.index)
    }

    /// The `source` column.
    pub(super) fn source(&self) -> String {
        format!("{}#{}", self.file.name, self.index)
    }
}

/// A row, and what was counted while it was made.
#[derive(Clone, Debug, Default)]
pub(super) struct Imported {
    pub(super) row: TrajectoryRow,
    pub(super) counts: Counts,
}

/// Things about a conversation that are worth a metric or a warning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Tool calls.
    pub(super) calls: u64,
    /// Turns with text beside a call.
    pub(super) text_and_call: u64,
    /// Tool results that answer no call.
    pub(super) results_without_call: u64,
    /// Tool results that come behind a later message of the agent.
    pub(super) late_results: u64,
    /// Calls that no result answers.
    pub(super) calls_without_result: u64,
}

impl Counts {
    /// Adds another conversation's counts.
    pub(super) fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.text_and_call += other.text_and_call;
        self.results_without_call += other.results_without_call;
        self.late_results += other.late_results;
        self.calls_without_result += other.calls_without_result;
    }
}

impl Imported {
    /// Counts the row into the stage's metrics.
    pub(super) fn measure(&self, context: &mut Context) {
        let metrics = &mut context.metrics;
        metrics.count("trajectories", 1);
        metrics.count("turns", self.row.turns.len() as u64);
        metrics.count("scored", u64::from(self.row.reward.is_some()));
        metrics.count("successes", u64::from(self.row.success == Some(true)));
        for status in [Status::Done, Status::Truncated, Status::Failed] {
            metrics.count(format!("status.{}", status.as_str()), u64::from(self.row.status == status));
        }
        metrics.count("turns_with_text_and_call", self.counts.text_and_call);
        metrics.count("tool_calls", self.counts.calls);
    }
}

/// The group of a run of a task.
pub(super) fn group_id(options: &Options, env: &str, task: &str, policy: &str) -> String {
    match options.group_by.unwrap_or_default() {
        GroupBy::Policy => format!("{env}/{task}/{policy}"),
        GroupBy::Task => format!("{env}/{task}"),
    }
}

/// A recorded reward, as the column can hold it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reward {
    /// The value of the column.
    pub(super) value: f32,
    /// Whether the outcome is a success by the rule "1 within a tolerance".
    pub(super) is_success: bool,
    /// Whether the column's value, written out, is the recorded number.
    pub(super) exact: bool,
}

/// Reads a reward.
pub(super) fn reward(recorded: &RawValue) -> Result<Reward, Fault> {
    let exactly = number(recorded)?;
    let value = exactly as f32;
    if !value.is_finite() {
        return Err(Fault::new(format!("{} is out of the range of a reward", recorded.get())));
    }
    let exact = value.to_string().parse::<f64>().is_ok_and(|written| written == exactly);
    Ok(Reward { value, is_success: (exactly - 1.0).abs() <= SUCCESS_TOLERANCE, exact })
}
