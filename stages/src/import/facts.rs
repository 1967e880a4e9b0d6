//! What a record says of its run beside what was said and done: which task and policy it was, how it ended, and what it
//! was worth. Not concerned with messages.

use std::borrow::Cow;

use serde_json::value::RawValue;
use sternlight_engine::trajectory::Status;

use super::columns::{Columns, FieldPath};
use super::extra::ObjectText;
use super::json::{Fault, Fields, kind, label, text};
use super::options::{FailedReward, Options};
use super::row::{Notes, Origin, Reward, group_id, reward, success};
use super::status::ending;

/// The longest word of a status that is told.
const LONGEST_WORD: usize = 40;

/// What a record says of its run.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) trajectory_id: String,
    pub(super) group_id: String,
    pub(super) task_id: Option<String>,
    pub(super) env: String,
    pub(super) policy: String,
    pub(super) seed: Option<u64>,
    pub(super) reward: Option<f32>,
    pub(super) success: Option<bool>,
    pub(super) status: Status,
    pub(super) error: Option<String>,
    pub(super) notes: Notes,
}

impl Facts {
    /// Takes the facts out of a record. What an option overrules, or a column cannot hold, stays there, and so does what
    /// `columns` names. `environment`: what the environment is called if nothing names one; `task`: the task of a record
    /// that names none.
    pub(super) fn take(
        record: &mut Fields<'_>,
        (origin, options): (Origin<'_>, &Options),
        environment: &str,
        task: impl FnOnce() -> Option<String>,
        extra: &mut ObjectText,
    ) -> Result<Self, Fault> {
        let mut notes = Notes::default();
        let columns = options.columns.as_ref();
        let mut reading = Reading { record, columns, notes: &mut notes };
        let recorded = reading.field("reward", |columns| &columns.reward, &["reward", "score"])?;
        let value = recorded.map(|found| found.read(reward)).transpose()?;
        let told = reading.field("success", |columns| &columns.success, &["success"])?;
        let mut success = told.map(|found| found.read(success)).transpose()?;
        let (error, has_error) = reading.error()?;
        let status = reading.status(has_error)?;
        let is_kept = status != Status::Failed || options.failed_reward == Some(FailedReward::Recorded);
        let kept = value.filter(|_| is_kept);
        if let Some(Field { value: recorded, .. }) = recorded
            && kept.is_none_or(|kept| !kept.exact)
        {
            extra.raw("recorded_reward", recorded)?;
        }
        if !is_kept && let Some(success) = success.take() {
            extra.json("recorded_success", if success { "true" } else { "false" });
        }
        reading.notes.failed_without_error = !is_kept && value.is_some() && !has_error;
        reading.notes.close = kept.and_then(Reward::close);
        let seed = reading.seed()?;
        let trajectory_id = reading.id("trajectory_id", |columns| &columns.trajectory_id, &["trajectory_id"])?;
        let trajectory_id = trajectory_id.unwrap_or_else(|| origin.trajectory_id());
        let task_id = reading.id("task_id", |columns| &columns.task_id, &["task_id", "id"])?.or_else(task);
        let env = match &options.env {
            Some(env) => Some(env.clone()),
            None => reading.name("env", |columns| &columns.env, &["env"])?,
        };
        let env = env.unwrap_or_else(|| environment.to_owned());
        let policy = match &options.policy {
            Some(policy) => Some(policy.clone()),
            None => reading.name("policy", |columns| &columns.policy, &["policy", "model"])?,
        };
        let is_named_by_file = policy.is_none();
        let policy = policy.unwrap_or_else(|| origin.file.policy.clone());
        let is_mapped = columns.is_some_and(|columns| columns.group_id.is_some());
        let recorded_group = match (options.group_by, &task_id) {
            (Some(_), Some(_)) if !is_mapped => None,
            _ => reading.id("group_id", |columns| &columns.group_id, &["group_id"])?,
        };
        notes.is_named_by_file = is_named_by_file && recorded_group.is_none() && task_id.is_some();
        let group_id = match (recorded_group, &task_id) {
            (Some(group), _) => group,
            (None, Some(task)) => group_id(options, &env, task, &policy),
            (None, None) => trajectory_id.clone(),
        };
        let reward = kept.map(|kept| kept.value);
        Ok(Self { trajectory_id, group_id, task_id, env, policy, seed, reward, success, status, error, notes })
    }
}

/// A field that was found, and what it is called.
#[derive(Clone, Copy, Debug)]
struct Field<'a, 'n> {
    name: Name<'n>,
    value: &'a RawValue,
}

#[derive(Clone, Copy, Debug)]
enum Name<'n> {
    Ours(&'static str),
    Mapped(&'n FieldPath),
}

impl<'a> Field<'a, '_> {
    fn read<T>(self, read: impl FnOnce(&'a RawValue) -> Result<T, Fault>) -> Result<T, Fault> {
        read(self.value).map_err(|fault| match self.name {
            Name::Ours(name) => fault.within(name),
            Name::Mapped(path) => fault.within(&path.to_string()),
        })
    }
}

/// A record whose facts are read.
struct Reading<'a, 'r, 'o> {
    record: &'r mut Fields<'a>,
    columns: Option<&'o Columns>,
    notes: &'r mut Notes,
}

impl<'a, 'o> Reading<'a, '_, 'o> {
    /// The field that fills a column: the one that `columns` names, which stays where it is, or else the first of these
    /// names that is there, which is taken.
    fn field(
        &mut self,
        column: &'static str,
        of: impl FnOnce(&'o Columns) -> &'o Option<FieldPath>,
        names: &[&'static str],
    ) -> Result<Option<Field<'a, 'o>>, Fault> {
        match self.mapped(column, of)? {
            Some(found) => Ok(found),
            None => {
                let name = names.iter().find(|name| self.record.get(name).is_some());
                Ok(name.and_then(|name| Some(Field { name: Name::Ours(name), value: self.record.take(name)? })))
            }
        }
    }

    /// What `columns` says of a column, if anything.
    fn mapped(
        &mut self,
        column: &'static str,
        of: impl FnOnce(&'o Columns) -> &'o Option<FieldPath>,
    ) -> Result<Option<Option<Field<'a, 'o>>>, Fault> {
        let Some(path) = self.columns.and_then(|columns| of(columns).as_ref()) else { return Ok(None) };
        let found = path.value(self.record)?;
        if found.is_some() {
            self.notes.mapped.push(column);
        }
        Ok(Some(found.map(|value| Field { name: Name::Mapped(path), value })))
    }

    /// An id. An empty one names nothing and stays in `extra`: rows that share it have nothing in common.
    fn id(
        &mut self,
        column: &'static str,
        of: impl Fn(&'o Columns) -> &'o Option<FieldPath>,
        names: &[&'static str],
    ) -> Result<Option<String>, Fault> {
        let is_ours = self.columns.is_none_or(|columns| of(columns).is_none());
        let name = names.iter().find(|name| self.record.get(name).is_some());
        if is_ours && name.is_some_and(|name| self.record.get(name).is_some_and(|id| id.get() == "\"\"")) {
            return Ok(None);
        }
        Ok(self.name(column, of, names)?.filter(|id| !id.is_empty()))
    }

    /// A name: a text, or a number.
    fn name(
        &mut self,
        column: &'static str,
        of: impl FnOnce(&'o Columns) -> &'o Option<FieldPath>,
        names: &[&'static str],
    ) -> Result<Option<String>, Fault> {
        let found = self.field(column, of, names)?;
        Ok(found.map(|found| found.read(label)).transpose()?.map(Cow::into_owned))
    }

    /// Why the run failed, if that is a text, and whether anything was recorded of it. Any other value stays in `extra`, as
    /// people put all sorts of things there.
    fn error(&mut self) -> Result<(Option<String>, bool), Fault> {
        let (recorded, is_ours) = match self.mapped("error", |columns| &columns.error)? {
            Some(found) => (found.map(|found| found.value), false),
            None => (self.record.get("error"), true),
        };
        let Some(recorded) = recorded else { return Ok((None, false)) };
        let error = text(recorded).ok().map(Cow::into_owned);
        if is_ours && error.is_some() {
            self.record.take("error");
        }
        Ok((error, !matches!(recorded.get(), "\"\"" | "false" | "0" | "{}" | "[]")))
    }

    /// A seed that the column can hold; any other stays in `extra`.
    fn seed(&mut self) -> Result<Option<u64>, Fault> {
        if let Some(found) = self.mapped("seed", |columns| &columns.seed)? {
            return Ok(found.and_then(|found| label(found.value).ok()?.parse().ok()));
        }
        let seed = self.record.get("seed").and_then(|seed| seed.get().parse().ok());
        if seed.is_some() {
            self.record.take("seed");
        }
        Ok(seed)
    }

    /// How the run ended. Words that are not ours stay in `extra`.
    fn status(&mut self, has_error: bool) -> Result<Status, Fault> {
        let (recorded, is_ours) = match self.mapped("status", |columns| &columns.status)? {
            Some(found) => (found.map(|found| found.value), false),
            None => (self.record.get("status"), true),
        };
        let Some(recorded) = recorded else {
            self.notes.error_without_status = has_error;
            return Ok(Status::Done);
        };
        let word = text(recorded).unwrap_or_else(|_| match kind(recorded) {
            found @ ("an object" | "a list") => Cow::Borrowed(found),
            _ => Cow::Borrowed(recorded.get()),
        });
        match ending(&word) {
            Some(ending) => {
                let status = ending.status(has_error);
                if is_ours && status.as_str() == word {
                    self.record.take("status");
                }
                Ok(status)
            }
            None => {
                self.notes.unknown_status = Some(word.chars().take(LONGEST_WORD).collect());
                Ok(Status::Done)
            }
        }
    }
}
