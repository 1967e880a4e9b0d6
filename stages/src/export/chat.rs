//! Writes trajectories as chat messages, one JSON object a line.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray as _, BooleanArray, Float32Array, StringArray};
use arrow::datatypes::UInt64Type;
use serde::Serialize;
use serde_json::{Value, json};
use sternlight_engine::column::ColumnPath;
use sternlight_engine::dataset::{BatchLimit, Dataset, Shard};
use sternlight_engine::stage::StageError;
use sternlight_engine::trajectory::TrajectoryBatch;

use super::destination::Compression;
use super::findings::PROGRESS;
use super::messages::{Chat, Message, Messages, TurnColumns};
use super::unfit::Unfit;
use crate::recorded::Recorded;

/// Columns that every chat is made of.
pub(super) const REQUIRED: [&str; 4] = ["trajectory_id", "group_id", "turns.observation", "turns.action"];

/// Columns that add to it where they are there.
const OPTIONAL: [&str; 17] = [
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
    "turns.tool_answered",
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
    /// The messages of the final observation, where its text does not say all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    final_messages: Vec<Message<'a>>,
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
                let (chat, found) = chats.conversation(row);
                unfit.add(found);
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
    answered: Option<&'a BooleanArray>,
}

impl<'a> Chats<'a> {
    fn of(batch: &'a TrajectoryBatch) -> Result<Self, StageError> {
        let has = |path: &str| batch.column(path).is_some();
        Ok(Self {
            batch,
            observations: batch.text("turns.observation")?,
            actions: batch.text("turns.action")?,
            advantages: has("turns.advantage").then(|| batch.float("turns.advantage")).transpose()?,
            answered: has("turns.tool_answered").then(|| batch.boolean("turns.tool_answered")).transpose()?,
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

    fn conversation(&self, row: usize) -> (Conversation<'a>, Unfit) {
        let chat = self.chat(row);
        let text = |path: &str| self.text(path, row);
        let turns = self.batch.turns_of(row);
        let conversation = Conversation {
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
            tools: text("tools").map(tools_of),
            messages: chat.messages,
            advantages: self
                .advantages
                .map(|all| turns.map(|turn| all.is_valid(turn).then(|| all.value(turn))).collect()),
            final_observation: text("final_observation").filter(|text| !text.is_empty()),
            final_messages: chat.last,
        };
        (conversation, chat.unfit)
    }

    fn chat(&self, row: usize) -> Chat<'a> {
        let text = |path: &str| self.text(path, row).unwrap_or_default();
        let recorded = Recorded::of(text("extra"));
        let mut messages = Messages::new(&recorded, text("prompt"));
        for index in self.batch.turns_of(row) {
            messages.turn(TurnColumns {
                observation: self.observations.value(index),
                action: self.actions.value(index),
                tool_name: self.text("turns.tool_name", index),
                tool_arguments: self.text("turns.tool_arguments", index),
                answered: self.answered.filter(|all| all.is_valid(index)).map(|all| all.value(index)),
                weight: self.weight(index),
            });
        }
        messages.finish(text("final_observation"))
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

/// Tools as OpenAI's interface describes them. Those of Anthropic's name what a call must have `input_schema`; those
/// that its servers offer have a type of their own.
fn tools_of(tools: &str) -> Value {
    let mut tools: Value = serde_json::from_str(tools).unwrap_or_else(|_| Value::String(tools.to_owned()));
    for tool in tools.as_array_mut().into_iter().flatten() {
        let Some(fields) = tool.as_object().filter(|fields| !fields.contains_key("function")) else { continue };
        let is_served = fields.get("type").and_then(Value::as_str).is_some_and(|kind| kind != "function");
        let Some(name) = fields.get("name").filter(|_| is_served || fields.contains_key("input_schema")) else {
            continue;
        };
        let mut function = json!({ "name": name });
        for (from, to) in [("description", "description"), ("input_schema", "parameters")] {
            if let Some(value) = fields.get(from) {
                function[to] = value.clone();
            }
        }
        *tool = json!({ "type": "function", "function": function });
    }
    tools
}
