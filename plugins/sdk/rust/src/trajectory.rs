//! Trajectories and turns as plugins see them: views into the batch that was sent. Nothing is copied.
//!
//! A column that the plugin does not read was not sent: it has no value, or "" where there is always one.

use crate::arrow::{Batch, Column};
use crate::error::{Error, Result};

/// The columns of a batch, found once for all of its rows.
pub(crate) struct Rows<'a> {
    batch: &'a Batch<'a>,
    id: Column<'a>,
    group: Column<'a>,
    task: Column<'a>,
    prompt: Column<'a>,
    final_observation: Column<'a>,
    reward: Column<'a>,
    success: Column<'a>,
    seed: Column<'a>,
    status: Column<'a>,
    turns: Column<'a>,
    observation: Column<'a>,
    action: Column<'a>,
    tool_name: Column<'a>,
    tool_arguments: Column<'a>,
    tool_error: Column<'a>,
    turn_reward: Column<'a>,
    verdict: Column<'a>,
    diagnosis: Column<'a>,
    action_tokens: Column<'a>,
    action_logprobs: Column<'a>,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(batch: &'a Batch<'a>) -> Result<Self> {
        let column = |path: &str, expected: &str| -> Result<Column<'a>> {
            let Some(column) = batch.column(path) else { return Ok(Column::absent()) };
            let found = column.type_name();
            if found != expected && found != "null" {
                return Err(Error::new(format!("column `{path}` has type {found}, expected {expected}")));
            }
            Ok(column.clone())
        };
        Ok(Self {
            batch,
            id: column("trajectory_id", "utf8")?,
            group: column("group_id", "utf8")?,
            task: column("task_id", "utf8")?,
            prompt: column("prompt", "utf8")?,
            final_observation: column("final_observation", "utf8")?,
            reward: column("reward", "float32")?,
            success: column("success", "bool")?,
            seed: column("seed", "uint64")?,
            status: column("status", "utf8")?,
            turns: batch.column("turns").cloned().unwrap_or_else(Column::absent),
            observation: column("turns.observation", "utf8")?,
            action: column("turns.action", "utf8")?,
            tool_name: column("turns.tool_name", "utf8")?,
            tool_arguments: column("turns.tool_arguments", "utf8")?,
            tool_error: column("turns.tool_error", "bool")?,
            turn_reward: column("turns.reward", "float32")?,
            verdict: column("turns.verdict", "utf8")?,
            diagnosis: column("turns.diagnosis", "utf8")?,
            action_tokens: column("turns.action_tokens", "list<int32>")?,
            action_logprobs: column("turns.action_logprobs", "list<float32>")?,
        })
    }

    #[inline]
    pub(crate) fn trajectories(&'a self) -> impl ExactSizeIterator<Item = Trajectory<'a>> {
        (0..self.batch.rows()).map(|row| Trajectory { rows: self, row })
    }
}

/// One episode.
#[derive(Clone, Copy)]
pub struct Trajectory<'a> {
    rows: &'a Rows<'a>,
    row: usize,
}

impl<'a> Trajectory<'a> {
    /// Column `trajectory_id`.
    pub fn id(&self) -> &'a str {
        self.rows.id.text(self.row).unwrap_or("")
    }

    /// Column `group_id`.
    pub fn group(&self) -> &'a str {
        self.rows.group.text(self.row).unwrap_or("")
    }

    /// Column `task_id`.
    pub fn task(&self) -> Option<&'a str> {
        self.rows.task.text(self.row)
    }

    /// The instruction that the agent was given.
    #[inline]
    pub fn prompt(&self) -> Option<&'a str> {
        self.rows.prompt.text(self.row)
    }

    /// What came back after the last action.
    #[inline]
    pub fn final_observation(&self) -> Option<&'a str> {
        self.rows.final_observation.text(self.row)
    }

    /// The reward; `None`: not scored, which is not 0.
    pub fn reward(&self) -> Option<f32> {
        self.rows.reward.number(self.row).map(|reward| reward as f32)
    }

    /// Whether the agent reached its goal, where that is known.
    pub fn success(&self) -> Option<bool> {
        self.rows.success.boolean(self.row)
    }

    /// What the episode was sampled with.
    pub fn seed(&self) -> Option<u64> {
        self.rows.seed.integer(self.row).and_then(|seed| seed.try_into().ok())
    }

    /// `done`, `truncated` or `failed`.
    pub fn status(&self) -> Option<&'a str> {
        self.rows.status.text(self.row)
    }

    /// The decisions, in order. Empty if no column of `turns` is read.
    #[inline]
    pub fn turns(&self) -> impl DoubleEndedIterator<Item = Turn<'a>> + ExactSizeIterator + use<'a> {
        let rows = self.rows;
        rows.turns.list(self.row).unwrap_or_default().map(move |row| Turn { rows, row })
    }

    /// A further column by name, if it is text.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.rows.batch.column(name)?.text(self.row)
    }

    /// A further column by name, if it holds numbers.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.rows.batch.column(name)?.number(self.row)
    }

    /// A further column by name, if it is of type bool.
    pub fn boolean(&self, name: &str) -> Option<bool> {
        self.rows.batch.column(name)?.boolean(self.row)
    }
}

/// One decision: what was observed, what was done.
#[derive(Clone, Copy)]
pub struct Turn<'a> {
    rows: &'a Rows<'a>,
    row: usize,
}

impl<'a> Turn<'a> {
    /// What the agent saw.
    #[inline]
    pub fn observation(&self) -> &'a str {
        self.rows.observation.text(self.row).unwrap_or("")
    }

    /// What it did.
    #[inline]
    pub fn action(&self) -> &'a str {
        self.rows.action.text(self.row).unwrap_or("")
    }

    /// The tool that it called.
    #[inline]
    pub fn tool_name(&self) -> Option<&'a str> {
        self.rows.tool_name.text(self.row)
    }

    /// The arguments as the model wrote them: JSON, if it wrote JSON.
    pub fn tool_arguments(&self) -> Option<&'a str> {
        self.rows.tool_arguments.text(self.row)
    }

    /// Whether the record marks the result of this turn as an error.
    pub fn tool_error(&self) -> Option<bool> {
        self.rows.tool_error.boolean(self.row)
    }

    /// The reward of this turn.
    pub fn reward(&self) -> Option<f32> {
        self.rows.turn_reward.number(self.row).map(|reward| reward as f32)
    }

    /// What a reflection said about this turn, in a word.
    pub fn verdict(&self) -> Option<&'a str> {
        self.rows.verdict.text(self.row)
    }

    /// What a reflection said about this turn.
    pub fn diagnosis(&self) -> Option<&'a str> {
        self.rows.diagnosis.text(self.row)
    }

    /// The tokens of the action, as sampled.
    pub fn action_tokens(&self) -> Option<Vec<i32>> {
        let tokens = &self.rows.action_tokens;
        let items = tokens.items()?;
        tokens.list(self.row)?.map(|row| items.integer(row).and_then(|token| token.try_into().ok())).collect()
    }

    /// The log-probabilities of these tokens.
    pub fn action_logprobs(&self) -> Option<Vec<f32>> {
        let logprobs = &self.rows.action_logprobs;
        let items = logprobs.items()?;
        logprobs.list(self.row)?.map(|row| items.number(row).map(|logprob| logprob as f32)).collect()
    }

    /// A further column of `turns` by name, if it is text.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.column(name)?.text(self.row)
    }

    /// A further column of `turns` by name, if it holds numbers.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.column(name)?.number(self.row)
    }

    /// A further column of `turns` by name, if it is of type bool.
    pub fn boolean(&self, name: &str) -> Option<bool> {
        self.column(name)?.boolean(self.row)
    }

    fn column(&self, name: &str) -> Option<&'a Column<'a>> {
        self.rows.turns.items()?.field(name)
    }
}
