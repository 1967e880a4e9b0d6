//! Rows in memory: a source that gives them, and columns that importers do not fill.

use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, Float32Array, Float32Builder, Int32Builder, ListArray, ListBuilder,
    RecordBatch, StringArray, StructArray,
};
use arrow::datatypes::{DataType, Field, Fields, Schema};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use sternlight_engine::column::{ColumnPath, TURNS};
use sternlight_engine::contract::{Contract, Effect, InputTypes, Scope};
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{
    Context, Memo, Receiver, ShardContent, Source, SourceShard, Stage, StageError, Survey, TaskContext, Work,
};
use sternlight_engine::trajectory::{
    TrajectoryBatch, TrajectoryBuilder, TrajectoryRow, TrajectorySchema, TurnRow, turns_field,
};

/// Gives batches that stand in memory, a shard each.
pub(crate) struct Rows {
    pub(crate) schema: TrajectorySchema,
    pub(crate) shards: Vec<RecordBatch>,
}

impl Rows {
    /// The rows in shards of at most so many.
    pub(crate) fn cut(&self, rows: usize) -> Self {
        let cut = |batch: &RecordBatch| -> Vec<RecordBatch> {
            let starts = (0..batch.num_rows()).step_by(rows);
            starts.map(|start| batch.slice(start, rows.min(batch.num_rows() - start))).collect()
        };
        Self { schema: self.schema.clone(), shards: self.shards.iter().flat_map(cut).collect() }
    }
}

impl Stage for Rows {
    fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
        Ok(Contract { reads: Vec::new(), scope: Scope::Trajectory, effect: Effect::Source(self.schema.clone()) })
    }

    fn work(&self) -> Work<'_> {
        Work::Source(self)
    }
}

impl Source for Rows {
    fn survey(&self, _: &dyn Memo) -> Result<Survey, StageError> {
        let shard = |index: usize| SourceShard {
            label: format!("rows {index}"),
            key: vec![("shards".to_owned(), self.shards.len().to_string()), ("shard".to_owned(), index.to_string())],
            stream: None,
            content: ShardContent::Decoded(Arc::new(())),
        };
        Ok(Survey { shards: (0..self.shards.len()).map(shard).collect(), warnings: Vec::new() })
    }

    fn read(
        &self,
        _: &Survey,
        shards: &[usize],
        _: &TaskContext<'_>,
        receiver: &mut dyn Receiver,
    ) -> Result<(), StageError> {
        shards.iter().try_for_each(|index| {
            receiver.rows(*index, TrajectoryBatch::new(self.shards[*index].clone())?, Context::default())
        })
    }
}

/// A turn that calls a tool.
pub(crate) fn turn(observation: &str, action: &str, reward: Option<f32>) -> TurnRow {
    TurnRow {
        observation: observation.to_owned(),
        action: action.to_owned(),
        tool_name: Some("refund".to_owned()),
        tool_arguments: Some("{\"x\": 1}".to_owned()),
        tool_error: Some(false),
        tool_answered: Some(true),
        reward,
    }
}

/// A row with these turns.
pub(crate) fn row(id: &str, group: &str, reward: Option<f32>, turns: Vec<TurnRow>) -> TrajectoryRow {
    TrajectoryRow {
        trajectory_id: id.to_owned(),
        group_id: group.to_owned(),
        task_id: Some("task".to_owned()),
        env: Some("shop".to_owned()),
        policy: Some("p".to_owned()),
        prompt: Some("Be kind.".to_owned()),
        tools: Some(r#"[{"type": "function", "function": {"name": "refund", "parameters": {}}}]"#.to_owned()),
        seed: Some(7),
        turns,
        final_observation: Some("bye".to_owned()),
        reward,
        success: reward.map(|reward| reward > 0.0),
        source: Some("memory".to_owned()),
        extra: Some("{}".to_owned()),
        ..TrajectoryRow::default()
    }
}

/// The rows with every column of the schema; of those that no importer fills some values are null, or all.
pub(crate) fn batch(rows: &[TrajectoryRow], all_null: bool) -> RecordBatch {
    let mut builder = TrajectoryBuilder::new();
    rows.iter().for_each(|row| builder.push(row));
    with_later_columns(builder.finish().unwrap().record_batch(), all_null)
}

fn with_later_columns(batch: &RecordBatch, all_null: bool) -> RecordBatch {
    let index = batch.schema().index_of(TURNS).unwrap();
    let list = batch.column(index).as_list::<i32>();
    let turns = list.values().as_struct();
    let count = turns.len();
    let texts = |values: [Option<&'static str>; 3]| -> ArrayRef {
        Arc::new((0..count).map(|turn| values[turn % 3].filter(|_| !all_null)).collect::<StringArray>())
    };
    let floats = || -> ArrayRef {
        let value = |turn: usize| (!turn.is_multiple_of(4) && !all_null).then_some((turn % 7) as f32 - 3.0);
        Arc::new((0..count).map(value).collect::<Float32Array>())
    };
    let tokens = || -> ArrayRef {
        let mut tokens = ListBuilder::new(Int32Builder::new()).with_field(Field::new("element", DataType::Int32, true));
        for turn in 0..count {
            tokens.values().append_slice(&vec![7; if all_null { 0 } else { turn % 5 + 1 }]);
            tokens.append(!all_null);
        }
        Arc::new(tokens.finish())
    };
    let logprobs = || -> ArrayRef {
        let element = Field::new("element", DataType::Float32, true);
        let mut logprobs = ListBuilder::new(Float32Builder::new()).with_field(element);
        for turn in 0..count {
            logprobs.values().append_slice(&vec![-0.5; if all_null { 0 } else { turn % 5 + 1 }]);
            logprobs.append(!all_null);
        }
        Arc::new(logprobs.finish())
    };
    let later: Vec<(&str, ArrayRef)> = vec![
        ("action_tokens", tokens()),
        ("action_logprobs", logprobs()),
        ("prompt_tokens", tokens()),
        ("verdict", texts([Some("progress"), Some("failed"), None])),
        ("diagnosis", texts([None, Some("it failed"), None])),
        ("rule", texts([None, Some("tool-error"), None])),
        ("return", floats()),
        ("advantage", floats()),
        ("weight", floats()),
    ];
    let mut fields: Vec<Arc<Field>> = turns.fields().iter().cloned().collect();
    fields.extend(later.iter().map(|(name, array)| Arc::new(Field::new(*name, array.data_type().clone(), true))));
    let arrays = turns.columns().iter().cloned().chain(later.into_iter().map(|(_, array)| array));
    let fields = Fields::from(fields);
    let turns = StructArray::new(fields.clone(), arrays.collect(), None);
    let element = Arc::new(Field::new("element", DataType::Struct(fields.clone()), false));
    let list = ListArray::new(element, list.offsets().clone(), Arc::new(turns), None);
    let mut columns = batch.columns().to_vec();
    columns[index] = Arc::new(list);
    let mut fields_of_row: Vec<Arc<Field>> = batch.schema().fields().iter().cloned().collect();
    fields_of_row[index] = Arc::new(turns_field(fields));
    RecordBatch::try_new(Arc::new(Schema::new(fields_of_row)), columns).unwrap()
}

/// Only the columns without which rows are no trajectories.
pub(crate) fn required_columns(batch: &RecordBatch) -> RecordBatch {
    let paths = ["trajectory_id", "group_id", "status", "turns.observation", "turns.action"].map(ColumnPath::from);
    let schema = TrajectorySchema::new(batch.schema()).project(&paths);
    let turns = schema.turn_fields();
    let columns = schema.arrow().fields().iter().map(|field| -> ArrayRef {
        let array = batch.column_by_name(field.name()).unwrap();
        let DataType::List(element) = field.data_type() else { return Arc::clone(array) };
        let list = array.as_list::<i32>();
        let kept = turns.iter().map(|turn| Arc::clone(list.values().as_struct().column_by_name(turn.name()).unwrap()));
        let structs = StructArray::new(turns.clone(), kept.collect(), None);
        Arc::new(ListArray::new(Arc::clone(element), list.offsets().clone(), Arc::new(structs), None))
    });
    RecordBatch::try_new(Arc::clone(schema.arrow()), columns.collect()).unwrap()
}

/// Scattered groups of four; some rows without turns, some without a reward, some that failed.
pub(crate) fn ordinary(count: usize) -> Vec<TrajectoryRow> {
    let groups = (count / 4).max(1);
    let one = |index: usize| {
        let turns = (0..index % 5).map(|turn| {
            let observation = ["hello", "Error: no", "hello", "Not allowed to do it.", "ok"][(index + turn) % 5];
            turn_of(observation, &format!("action {}", (index + turn) % 3), turn)
        });
        let reward = (index % 6 != 5).then_some((index % 3) as f32 / 2.0);
        let mut row = row(&format!("t{index:04}"), &format!("g{}", index % groups), reward, turns.collect());
        if index % 11 == 10 {
            row.status = sternlight_engine::trajectory::Status::Failed;
            row.error = Some("it broke".to_owned());
        }
        row
    };
    (0..count).map(one).collect()
}

fn turn_of(observation: &str, action: &str, index: usize) -> TurnRow {
    let mut turn = turn(observation, action, (index % 2 == 1).then_some(0.25));
    if index % 3 == 2 {
        (turn.tool_name, turn.tool_arguments) = (None, None);
        (turn.tool_error, turn.tool_answered) = (None, None);
    }
    turn
}

/// Rows as a Parquet file with small row groups.
pub(crate) fn parquet_bytes(count: usize) -> Vec<u8> {
    let batch = batch(&ordinary(count), false);
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(16)).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}
