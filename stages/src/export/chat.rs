//! Writes trajectories as chat messages, one JSON object a line.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray as _, Float32Array, StringArray};
use arrow::datatypes::UInt64Type;
use serde::Serialize;
use serde_json::Value;
use sternlight_engine::column::ColumnPath;
use sternlight_engine::dataset::{BatchLimit, Dataset, Shard};
use sternlight_engine::stage::StageError;
use sternlight_engine::trajectory::TrajectoryBatch;

use super::destination::Compression;
use super::findings::PROGRESS;
use super::message::{Decision, Shown, decision, shown};
use crate::call_ids::RecordedIds;

/// Columns that every chat is made of.
pub(super) const REQUIRED: [&str; 4] = ["trajectory_id", "group_id", "turns.observation", "turns.action"];

/// Columns that add to it where they are there.
const OPTIONAL: [&str; 16] = [
    "task_id",
    "env",
    "policy",
    "prompt",
    "tools",
    "seed",
    "final_observation",
    "reward",
    "success",
    "status",
    "error",
    "extra",
    "turns.tool_name",
    "turns.tool_arguments",
    "turns.verdict",
    "turns.advantage",
];

/// A line.
#[derive(Debug, Serialize)]
struct Conversation<'a> {
    trajectory_id: &'a str,
    group_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    env: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reward: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    success: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<Value>,
    messages: Vec<Message<'a>>,
    /// One for each assistant message.
    #[serde(skip_serializing_if = "Option::is_none")]
    advantages: Option<Vec<Option<f32>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    final_observation: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Message<'a> {
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<String>,
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<u8>,
}

impl<'a> Message<'a> {
    fn of(role: &'static str, content: &'a str) -> Self {
        Self { role, tool_call_id: None, content: Some(content), tool_calls: Vec::new(), weight: None }
    }
}

#[derive(Debug, Serialize)]
struct ToolCall<'a> {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function<'a>,
}

#[derive(Debug, Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: String,
}

/// Chats that training services refuse, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Unfit {
    /// Without a turn, and so without a message of the assistant.
    pub(super) without_turns: u64,
    /// With a call, before the last message, that no tool message answers.
    pub(super) with_unanswered_calls: u64,
}

impl Unfit {
    fn count(&mut self, messages: &[Message<'_>]) {
        let answered: BTreeSet<&str> = messages.iter().filter_map(|message| message.tool_call_id.as_deref()).collect();
        let before_last = messages.split_last().map_or(messages, |(_, before)| before);
        let mut calls = before_last.iter().flat_map(|message| &message.tool_calls);
        self.with_unanswered_calls += u64::from(calls.any(|call| !answered.contains(call.id.as_str())));
        self.without_turns += u64::from(!messages.iter().any(|message| message.role == "assistant"));
    }

    /// Adds what another file holds.
    pub(super) fn add(&mut self, other: Self) {
        self.without_turns += other.without_turns;
        self.with_unanswered_calls += other.with_unanswered_calls;
    }

    /// Sentences about them.
    pub(super) fn warnings(self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.without_turns > 0 {
            warnings.push(format!(
                "trajectories without a turn: {}; their chats have no assistant message, which training services refuse, \
                 and a `filter` in front leaves them out",
                self.without_turns
            ));
        }
        if self.with_unanswered_calls > 0 {
            warnings.push(format!(
                "chats with a call that no tool message answers, which training services refuse: {}",
                self.with_unanswered_calls
            ));
        }
        warnings
    }
}

/// Writes the selected rows of some shards, and adds to the counts.
pub(super) fn write(
    dataset: &Dataset,
    shards: &[Shard],
    path: &Path,
    compression: Compression,
) -> Result<Unfit, StageError> {
    let unwritable = |error: std::io::Error| StageError::file("write", path, &error);
    let file = BufWriter::new(File::create_new(path).map_err(unwritable)?);
    match compression {
        Compression::None => {
            let mut out = file;
            let unfit = write_lines(dataset, shards, &mut out, &unwritable)?;
            out.flush().map_err(unwritable)?;
            Ok(unfit)
        }
        Compression::Gzip => {
            let mut out = flate2::write::GzEncoder::new(file, flate2::Compression::default());
            let unfit = write_lines(dataset, shards, &mut out, &unwritable)?;
            out.finish().and_then(|mut file| file.flush()).map_err(unwritable)?;
            Ok(unfit)
        }
        Compression::Zstandard => {
            let level = zstd::DEFAULT_COMPRESSION_LEVEL;
            let mut out = zstd::stream::write::Encoder::new(file, level).map_err(unwritable)?;
            let unfit = write_lines(dataset, shards, &mut out, &unwritable)?;
            out.finish().and_then(|mut file| file.flush()).map_err(unwritable)?;
            Ok(unfit)
        }
    }
}

fn write_lines(
    dataset: &Dataset,
    shards: &[Shard],
    out: &mut dyn Write,
    unwritable: &dyn Fn(std::io::Error) -> StageError,
) -> Result<Unfit, StageError> {
    let mut unfit = Unfit::default();
    let columns: Vec<ColumnPath> = REQUIRED
        .iter()
        .chain(OPTIONAL.iter().filter(|path| dataset.schema.has(path)))
        .map(|path| ColumnPath::from(*path))
        .collect();
    for shard in shards {
        for batch in dataset.read(shard, &columns, BatchLimit::default())? {
            let batch = batch?;
            let chats = Chats::of(&batch)?;
            for row in 0..batch.rows() {
                let chat = chats.conversation(row);
                unfit.count(&chat.messages);
                let mut line = serde_json::to_vec(&chat)
                    .map_err(|error| StageError::new(error.to_string()).trajectory(batch.name_of(row)))?;
                line.push(b'\n');
                out.write_all(&line).map_err(unwritable)?;
            }
        }
    }
    Ok(unfit)
}

/// The columns of a batch.
struct Chats<'a> {
    batch: &'a TrajectoryBatch,
    observations: &'a StringArray,
    actions: &'a StringArray,
    advantages: Option<&'a Float32Array>,
}

impl<'a> Chats<'a> {
    fn of(batch: &'a TrajectoryBatch) -> Result<Self, StageError> {
        let has_advantages = batch.column("turns.advantage").is_some();
        Ok(Self {
            batch,
            observations: batch.text("turns.observation")?,
            actions: batch.text("turns.action")?,
            advantages: has_advantages.then(|| batch.float("turns.advantage")).transpose()?,
        })
    }

    fn text(&self, path: &str, index: usize) -> Option<&'a str> {
        let column: &StringArray = self.valid(path, index)?.as_string_opt()?;
        Some(column.value(index))
    }

    /// The column, if it has a value there.
    fn valid(&self, path: &str, index: usize) -> Option<&'a ArrayRef> {
        self.batch.column(path).filter(|column| column.is_valid(index))
    }

    fn conversation(&self, row: usize) -> Conversation<'a> {
        let text = |path: &str| self.text(path, row);
        let turns = self.batch.turns_of(row);
        Conversation {
            trajectory_id: text("trajectory_id").unwrap_or_default(),
            group_id: text("group_id").unwrap_or_default(),
            task_id: text("task_id"),
            env: text("env"),
            policy: text("policy"),
            seed: self
                .valid("seed", row)
                .and_then(|seeds| seeds.as_primitive_opt::<UInt64Type>())
                .map(|seeds| seeds.value(row)),
            status: text("status"),
            error: text("error"),
            reward: self.batch.float("reward").ok().filter(|all| all.is_valid(row)).map(|all| all.value(row)),
            success: self.batch.boolean("success").ok().filter(|all| all.is_valid(row)).map(|all| all.value(row)),
            // Written anew: a line break between two values would end the line.
            tools: text("tools")
                .map(|tools| serde_json::from_str(tools).unwrap_or_else(|_| Value::String(tools.to_owned()))),
            messages: self.messages(row),
            advantages: self
                .advantages
                .map(|all| turns.map(|turn| all.is_valid(turn).then(|| all.value(turn))).collect()),
            final_observation: text("final_observation").filter(|text| !text.is_empty()),
        }
    }

    fn messages(&self, row: usize) -> Vec<Message<'a>> {
        let mut messages = Vec::new();
        let prompt = self.text("prompt", row).filter(|prompt| !prompt.is_empty());
        messages.extend(prompt.map(|prompt| Message::of("system", prompt)));
        let recorded = self.text("extra", row).map(RecordedIds::of).unwrap_or_default();
        let mut unanswered: Vec<String> = Vec::new();
        for (turn, index) in self.batch.turns_of(row).enumerate() {
            let seen = shown(self.observations.value(index), unanswered.len());
            let answered = recorded.answered(turn, seen.len());
            for (position, message) in seen.into_iter().enumerate() {
                messages.push(match message {
                    Shown::Text(text) => Message::of("user", text),
                    Shown::Result(text) => {
                        let same = unanswered.iter().position(|id| answered.get(position) == Some(&Some(id)));
                        let call = (!unanswered.is_empty()).then(|| unanswered.remove(same.unwrap_or(0)));
                        Message { tool_call_id: call, ..Message::of("tool", text) }
                    }
                });
            }
            let name = self.text("turns.tool_name", index);
            let Decision { content, calls } =
                decision(self.actions.value(index), name, self.text("turns.tool_arguments", index));
            unanswered = recorded
                .calls(turn, calls.len())
                .unwrap_or_else(|| (0..calls.len()).map(|call| format!("call_{turn}_{call}")).collect());
            let tool_calls = calls.into_iter().zip(&unanswered).map(|(call, id)| ToolCall {
                id: id.clone(),
                kind: "function",
                function: Function { name: call.name, arguments: call.arguments.into_owned() },
            });
            messages.push(Message {
                role: "assistant",
                tool_call_id: None,
                content,
                tool_calls: tool_calls.collect(),
                weight: self.weight(index),
            });
        }
        messages
    }

    /// 0 if the turn is known to be none to learn from, 1 if it is known to be one; `None` if nothing is known.
    fn weight(&self, turn: usize) -> Option<u8> {
        let advantage = self.advantages.filter(|all| all.is_valid(turn)).map(|all| all.value(turn) > 0.0);
        let verdict = self.text("turns.verdict", turn).map(|verdict| verdict == PROGRESS);
        match (advantage, verdict) {
            (None, None) => None,
            (advantage, verdict) => Some(u8::from(advantage.unwrap_or(true) && verdict.unwrap_or(true))),
        }
    }
}
