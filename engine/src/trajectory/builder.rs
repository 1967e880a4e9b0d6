//! Builds batches of trajectories row by row, for importers and whoever else makes rows from records.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Float32Builder, ListArray, RecordBatch, StringBuilder, StructArray, UInt64Builder,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field};

use super::batch::TrajectoryBatch;
use super::schema::imported_schema;
use crate::column::TURNS;
use crate::error::StageError;

/// How an episode ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// It came to its own end.
    #[default]
    Done,
    /// It was cut by a limit.
    Truncated,
    /// It broke for reasons outside the policy.
    Failed,
}

impl Status {
    /// The text in the `status` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Truncated => "truncated",
            Self::Failed => "failed",
        }
    }
}

/// One trajectory, as an importer hands it over. Meanings: the trajectory schema's columns of the same names.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the columns of the trajectory schema, described there")]
pub struct TrajectoryRow {
    pub trajectory_id: String,
    pub group_id: String,
    pub task_id: Option<String>,
    pub env: Option<String>,
    pub policy: Option<String>,
    pub prompt: Option<String>,
    pub tools: Option<String>,
    pub seed: Option<u64>,
    pub turns: Vec<TurnRow>,
    pub final_observation: Option<String>,
    pub reward: Option<f32>,
    pub success: Option<bool>,
    pub status: Status,
    pub error: Option<String>,
    pub source: Option<String>,
    pub extra: Option<String>,
}

/// One turn of a [`TrajectoryRow`].
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the columns of the trajectory schema, described there")]
pub struct TurnRow {
    pub observation: String,
    pub action: String,
    pub tool_name: Option<String>,
    pub tool_arguments: Option<String>,
    pub tool_error: Option<bool>,
    pub tool_answered: Option<bool>,
    pub reward: Option<f32>,
}

/// Text columns of a row, in the order of [`TrajectoryBuilder::push`].
const ROW_TEXT: [&str; 12] = [
    "trajectory_id",
    "group_id",
    "task_id",
    "env",
    "policy",
    "prompt",
    "tools",
    "final_observation",
    "status",
    "error",
    "source",
    "extra",
];

/// Text columns of a turn, in the order of [`TrajectoryBuilder::push`].
const TURN_TEXT: [&str; 4] = ["observation", "action", "tool_name", "tool_arguments"];

/// Collects rows into one batch of [`imported_schema`].
#[derive(Debug, Default)]
pub struct TrajectoryBuilder {
    row_text: [StringBuilder; ROW_TEXT.len()],
    seed: UInt64Builder,
    reward: Float32Builder,
    success: BooleanBuilder,
    turn_text: [StringBuilder; TURN_TEXT.len()],
    turn_error: BooleanBuilder,
    turn_answered: BooleanBuilder,
    turn_reward: Float32Builder,
    turn_counts: Vec<usize>,
    bytes: usize,
}

impl TrajectoryBuilder {
    /// An empty builder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.turn_counts.len()
    }

    /// Bytes of text so far: what batches are cut by.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a row.
    pub fn push(&mut self, row: &TrajectoryRow) {
        let text = [
            Some(row.trajectory_id.as_str()),
            Some(row.group_id.as_str()),
            row.task_id.as_deref(),
            row.env.as_deref(),
            row.policy.as_deref(),
            row.prompt.as_deref(),
            row.tools.as_deref(),
            row.final_observation.as_deref(),
            Some(row.status.as_str()),
            row.error.as_deref(),
            row.source.as_deref(),
            row.extra.as_deref(),
        ];
        self.bytes += append(&mut self.row_text, text);
        self.seed.append_option(row.seed);
        self.reward.append_option(row.reward);
        self.success.append_option(row.success);
        self.turn_counts.push(row.turns.len());
        for turn in &row.turns {
            let text = [
                Some(turn.observation.as_str()),
                Some(turn.action.as_str()),
                turn.tool_name.as_deref(),
                turn.tool_arguments.as_deref(),
            ];
            self.bytes += append(&mut self.turn_text, text);
            self.turn_error.append_option(turn.tool_error);
            self.turn_answered.append_option(turn.tool_answered);
            self.turn_reward.append_option(turn.reward);
        }
    }

    /// The batch of the rows so far; the builder is empty afterwards.
    ///
    /// # Errors
    /// If the columns do not fit the schema, which would be a defect of this builder.
    pub fn finish(&mut self) -> Result<TrajectoryBatch, StageError> {
        let schema = imported_schema();
        let offsets = OffsetBuffer::from_lengths(std::mem::take(&mut self.turn_counts));
        let mut turns: Vec<(&str, ArrayRef)> = Vec::new();
        for (name, builder) in TURN_TEXT.iter().zip(&mut self.turn_text) {
            turns.push((name, Arc::new(builder.finish())));
        }
        turns.push(("tool_error", Arc::new(self.turn_error.finish())));
        turns.push(("tool_answered", Arc::new(self.turn_answered.finish())));
        turns.push(("reward", Arc::new(self.turn_reward.finish())));
        let turn_fields = schema.turn_fields();
        let turn_arrays = in_order(turn_fields.iter().map(|field| field.name().as_str()), &turns)?;
        let element = Arc::new(Field::new("element", DataType::Struct(turn_fields.clone()), false));
        let list = ListArray::try_new(
            element,
            offsets,
            Arc::new(StructArray::try_new(turn_fields, turn_arrays, None)?),
            None,
        )?;

        let mut columns: Vec<(&str, ArrayRef)> = vec![(TURNS, Arc::new(list))];
        for (name, builder) in ROW_TEXT.iter().zip(&mut self.row_text) {
            columns.push((name, Arc::new(builder.finish())));
        }
        columns.push(("seed", Arc::new(self.seed.finish())));
        columns.push(("reward", Arc::new(self.reward.finish())));
        columns.push(("success", Arc::new(self.success.finish())));
        let arrays = in_order(schema.arrow().fields().iter().map(|field| field.name().as_str()), &columns)?;
        self.bytes = 0;
        TrajectoryBatch::new(RecordBatch::try_new(Arc::clone(schema.arrow()), arrays)?)
    }
}

/// Appends one value to each builder and returns the bytes of text added.
fn append<const N: usize>(builders: &mut [StringBuilder; N], values: [Option<&str>; N]) -> usize {
    let mut bytes = 0;
    for (builder, value) in builders.iter_mut().zip(values) {
        builder.append_option(value);
        bytes += value.map_or(0, str::len);
    }
    bytes
}

fn in_order<'a>(
    names: impl Iterator<Item = &'a str>,
    arrays: &[(&str, ArrayRef)],
) -> Result<Vec<ArrayRef>, StageError> {
    names
        .map(|name| {
            arrays
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, array)| Arc::clone(array))
                .ok_or_else(|| StageError::new(format!("the row builder has no column `{name}`")))
        })
        .collect()
}
