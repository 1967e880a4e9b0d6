//! What both record formats share: where a record comes from, what the options say about it, and the row that
//! becomes of it.

use std::borrow::Cow;

use serde_json::value::RawValue;
use sternlight_engine::stage::Context;
use sternlight_engine::trajectory::{Status, TrajectoryRow};

use super::files::InputFile;
use super::json::{Fault, boolean, kind, number};
use super::options::{GroupBy, Options};
use super::seen::Seen;

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
    pub(super) notes: Notes,
}

/// Things about what a record says of its run that are worth a metric or a warning.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Notes {
    /// Whether the name of its file decides which group it is in.
    pub(super) is_named_by_file: bool,
    /// Its word for a status, if that is not known.
    pub(super) unknown_status: Option<String>,
    /// Whether it has an error, and nothing that says that it failed.
    pub(super) error_without_status: bool,
    /// Whether it is said to have failed, without an error, and its reward does not count.
    pub(super) failed_without_error: bool,
    /// The recorded reward, if another may be the same number in the column.
    pub(super) close: Option<f64>,
    /// Columns whose field, named by the option `columns`, it has.
    pub(super) mapped: Vec<&'static str>,
}

/// Things about a conversation that are worth a metric or a warning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// Parts of contents that are no words.
    pub(super) seen: Seen,
}

impl Counts {
    /// Adds another conversation's counts.
    pub(super) fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.text_and_call += other.text_and_call;
        self.results_without_call += other.results_without_call;
        self.late_results += other.late_results;
        self.calls_without_result += other.calls_without_result;
        self.seen.add(&other.seen);
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
        self.counts.seen.measure(metrics);
    }
}

/// The group of a run of a task. Of its parts only the environment may hold a `/`: names that do are escaped, so that no
/// two groups are called alike.
pub(super) fn group_id(options: &Options, env: &str, task: &str, policy: &str) -> String {
    match options.group_by.unwrap_or_default() {
        GroupBy::Policy => format!("{env}/{}/{}", escaped(task), last(policy)),
        GroupBy::Task => format!("{env}/{}", last(task)),
    }
}

/// A name as a part of an id: `%2F` for `/`, and `%25` for `%`.
fn escaped(name: &str) -> Cow<'_, str> {
    match name.contains(['/', '%']) {
        true => Cow::Owned(name.replace('%', "%25").replace('/', "%2F")),
        false => Cow::Borrowed(name),
    }
}

/// A name as the last part of a group. One that ends as the ids of trajectories do, which name the groups of those
/// without a task, is escaped there too: `%233` for `#3`.
fn last(name: &str) -> Cow<'_, str> {
    let name = escaped(name);
    match name.rsplit_once('#') {
        Some((before, number)) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => {
            Cow::Owned(format!("{before}%23{number}"))
        }
        _ => name,
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
    /// The recorded number.
    pub(super) recorded: f64,
}

impl Reward {
    /// The recorded number, if another may be the same in the column.
    pub(super) fn close(self) -> Option<f64> {
        is_close(self.value, self.recorded).then_some(self.recorded)
    }
}

/// From here on, numbers that people write apart may be the same in 32 bits: `5000.0001` and `5000.0002`.
const LARGE_REWARD: f32 = 1024.0;

/// Whether another recorded number may become the same float.
pub(super) fn is_close(value: f32, recorded: f64) -> bool {
    value.abs() >= LARGE_REWARD || !is_exact(value, recorded)
}

/// Reads a reward.
pub(super) fn reward(recorded: &RawValue) -> Result<Reward, Fault> {
    let exactly = number(recorded).map_err(|fault| match kind(recorded) {
        "true or false" => fault.help("call the field `success`, or say `columns: { success: … }`"),
        "text" => fault.help("write it as a number, without quotes"),
        _ => fault,
    })?;
    let value = exactly as f32;
    if !value.is_finite() {
        return Err(Fault::new(format!("{} is out of the range of a reward", recorded.get())));
    }
    let exact = is_exact(value, exactly);
    Ok(Reward { value, is_success: (exactly - 1.0).abs() <= SUCCESS_TOLERANCE, exact, recorded: exactly })
}

/// Whether a float, written out, is the number that was recorded.
fn is_exact(value: f32, recorded: f64) -> bool {
    f64::from(value) == recorded || value.to_string().parse::<f64>().is_ok_and(|written| written == recorded)
}

/// Reads whether a task was done.
pub(super) fn success(recorded: &RawValue) -> Result<bool, Fault> {
    boolean(recorded).map_err(|fault| match kind(recorded) {
        "a number" => fault.help("call the field `reward`, or say `columns: { reward: … }`"),
        "text" => fault.help("write it as true or false, without quotes"),
        _ => fault,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Names of all sorts, those with separators and escapes among them, give groups of their own; other names are
        /// spelled as they are.
        #[test]
        fn groups_are_called_alike_only_if_they_are_the_same(
            names in prop::collection::vec(("[ab/%]{0,3}(%2F)?", "[ab/%25F]{1,4}(#1|%231)?", "[ab/%25F]{1,4}(#1|%231)?"), 2..40),
            by_task in any::<bool>(),
        ) {
            let group_by = if by_task { "task" } else { "policy" };
            let options: Options = serde_yaml::from_str(&format!("{{files: x, group_by: {group_by}}}")).unwrap();
            let mut seen = BTreeMap::new();
            for (env, task, policy) in &names {
                let group = group_id(&options, env, task, policy);
                let policy = if by_task { "" } else { policy };
                prop_assert_eq!(seen.insert(group.clone(), (env, task, policy)).unwrap_or((env, task, policy)), (env, task, policy));
                let is_plain = |name: &str| !name.contains(['/', '%', '#']);
                prop_assert!(!group.ends_with("#1"), "{} is called like a trajectory", group);
                if !by_task && is_plain(task) && is_plain(policy) {
                    prop_assert_eq!(group, format!("{env}/{task}/{policy}"));
                }
            }
        }
    }
}
