//! Runs an import as the engine does, for the tests of this folder.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use arrow::array::{Array as _, AsArray as _};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Float32Type, UInt64Type};
use serde_json::{Map, Value, json};
use sternlight_engine::contract::InputTypes;
use sternlight_engine::stage::{BuildContext, Context, Memo, Source as _, Stage as _, StageKind, Survey, TaskContext};
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectorySchema, validate};

use super::files::InputFile;
use super::options::Options;
use super::policy_names::policies;
use super::stage::Import;

/// A file of this name, as if it were the only one; nothing lies there.
pub(super) fn input_file(name: &str) -> InputFile {
    let file = InputFile { path: name.into(), name: name.to_owned(), shown: name.to_owned(), policy: String::new() };
    let policy = policies(&[file.stem()]).remove(0);
    InputFile { policy, ..file }
}

/// A memo of one run.
#[derive(Default)]
pub(super) struct Notes(pub(super) Mutex<BTreeMap<String, Vec<u8>>>);

impl Memo for Notes {
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.0.lock().unwrap().get(key).cloned()
    }

    fn put(&self, key: &str, value: &[u8]) {
        self.0.lock().unwrap().insert(key.to_owned(), value.to_owned());
    }
}

/// What an import gave.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) survey: Survey,
    pub(super) rows: Vec<Value>,
    pub(super) context: Context,
}

/// Builds the stage. Errors are text: the place below `with`, the message, the help.
pub(super) fn stage(directory: &Path, options: &str, shard_bytes: u64) -> Result<Import, String> {
    let context = BuildContext::new(directory, directory);
    StageKind::of::<Import>()
        .build(serde_yaml::from_str(options).unwrap(), &context)
        .map_err(|problems| problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>().join("\n"))?;
    let options: Options = serde_yaml::from_str(options).unwrap();
    Ok(Import::new(options, &context, shard_bytes))
}

/// Imports everything, in shards of about so many bytes.
pub(super) fn import_in_shards(directory: &Path, options: &str, shard_bytes: u64) -> Result<Outcome, String> {
    let (mut rows, mut context) = (Vec::new(), Context::default());
    let survey = read(directory, options, shard_bytes, &mut |batch, seen| {
        assert_eq!(validate(&batch), []);
        rows.extend(rows_of(&batch));
        context.absorb(&seen);
    })?;
    Ok(Outcome { survey, rows, context })
}

/// Imports everything as one batch.
pub(crate) fn imported(directory: &Path, options: &str) -> TrajectoryBatch {
    let mut batches = Vec::new();
    let mut take = |batch: TrajectoryBatch, _| batches.push(batch.record_batch().clone());
    read(directory, options, super::survey::SHARD_BYTES, &mut take).unwrap();
    TrajectoryBatch::new(concat_batches(&batches[0].schema(), &batches).unwrap()).unwrap()
}

/// Reads every shard, those of one stream together.
fn read(
    directory: &Path,
    options: &str,
    shard_bytes: u64,
    take: &mut dyn FnMut(TrajectoryBatch, Context),
) -> Result<Survey, String> {
    let stage = stage(directory, options, shard_bytes)?;
    stage
        .contract(&InputTypes::from(&TrajectorySchema::empty()))
        .map_err(|problems| problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>().join("\n"))?;
    let survey = stage.survey(&Notes::default()).map_err(|error| error.to_string())?;
    let mut first = 0;
    while first < survey.shards.len() {
        let stream = survey.shards[first].stream;
        let same = |shard: &&sternlight_engine::stage::SourceShard| stream.is_some() && shard.stream == stream;
        let count = survey.shards[first..].iter().take_while(same).count().max(1);
        let shards: Vec<usize> = (first..first + count).collect();
        stage
            .read(&survey, &shards, &TaskContext::alone(), &mut |_: usize, batch: TrajectoryBatch, context: Context| {
                take(batch, context);
                Ok(())
            })
            .map_err(|error| error.to_string())?;
        first += count;
    }
    Ok(survey)
}

/// Imports everything.
pub(super) fn import(directory: &Path, options: &str) -> Result<Outcome, String> {
    import_in_shards(directory, options, super::survey::SHARD_BYTES)
}

/// Rows as JSON values.
pub(crate) fn rows_of(batch: &TrajectoryBatch) -> Vec<Value> {
    let schema = TrajectorySchema::new(batch.record_batch().schema());
    let cell = |path: &str, index: usize| -> Value {
        let array = batch.column(path).unwrap();
        match array.data_type() {
            _ if array.is_null(index) => Value::Null,
            DataType::Utf8 => json!(array.as_string::<i32>().value(index)),
            DataType::Boolean => json!(array.as_boolean().value(index)),
            DataType::Float32 => json!(array.as_primitive::<Float32Type>().value(index)),
            DataType::UInt64 => json!(array.as_primitive::<UInt64Type>().value(index)),
            other => panic!("unexpected type {other}"),
        }
    };
    (0..batch.rows())
        .map(|row| {
            let mut object = Map::new();
            let turns = batch.turns_of(row).map(|turn| {
                let fields = schema.turn_fields();
                let cells =
                    fields.iter().map(|field| (field.name().clone(), cell(&format!("turns.{}", field.name()), turn)));
                Value::Object(cells.collect())
            });
            object.insert("turns".to_owned(), turns.collect());
            for path in schema.paths().iter().filter(|path| path.turn_name().is_none()) {
                object.insert(path.to_string(), cell(path.as_str(), row));
            }
            Value::Object(object)
        })
        .collect()
}
