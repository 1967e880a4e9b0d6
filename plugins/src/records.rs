//! Batches as the typed worlds get them: trajectories as records that borrow from the arrays. A column that the plugin
//! does not read is not sent.

use arrow::array::{Array as _, ArrayRef, AsArray as _, PrimitiveArray, StringArray};
use arrow::datatypes::{ArrowPrimitiveType, Float32Type, Int32Type, UInt64Type};
use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::Scope;
use sternlight_engine::stage::StageError;
use sternlight_engine::trajectory::TrajectoryBatch;

use crate::bindings::sternlight::plugin::trajectories::{Trajectory, Turn};
use crate::description::PluginContract;
use crate::extra::objects;

/// Columns that have a field of their own in the records.
const FIELDS: [&str; 18] = [
    "trajectory_id",
    "group_id",
    "task_id",
    "prompt",
    "final_observation",
    "reward",
    "success",
    "seed",
    "status",
    "turns.observation",
    "turns.action",
    "turns.tool_name",
    "turns.tool_arguments",
    "turns.reward",
    "turns.verdict",
    "turns.diagnosis",
    "turns.action_tokens",
    "turns.action_logprobs",
];

/// Whether a column travels in `extra`.
pub(crate) fn is_extra(path: &ColumnPath) -> bool {
    !path.is_turn_counts() && !FIELDS.contains(&path.as_str())
}

/// Hands the rows of a batch to a function, as records.
///
/// # Errors
/// If a column is of another type than it was when the pipeline was checked.
pub(crate) fn with_records<T>(
    batch: &TrajectoryBatch,
    contract: &PluginContract,
    function: impl FnOnce(&[Trajectory<'_>]) -> T,
) -> Result<T, StageError> {
    let columns = Columns { batch, contract };
    let extras: (Vec<_>, Vec<_>) = contract
        .reads
        .iter()
        .map(|(path, _)| path)
        .filter(|path| is_extra(path))
        .filter_map(|path| Some((path, batch.column(path.as_str())?)))
        .partition(|(path, _)| path.turn_name().is_none());
    let row_extras = objects(&extras.0, batch.rows());
    let turn_extras = objects(&extras.1, batch.turn_count());
    let turns = match contract.sends_turns() {
        true => turns(&columns, &turn_extras)?,
        false => Vec::new(),
    };
    let ids = columns.text("trajectory_id")?;
    // Who sees whole groups must know where one ends.
    let groups = match contract.scope {
        Scope::Group => Some(batch.text("group_id")?),
        _ => columns.text("group_id")?,
    };
    let (tasks, prompts) = (columns.text("task_id")?, columns.text("prompt")?);
    let (last, statuses) = (columns.text("final_observation")?, columns.text("status")?);
    let rewards = columns.numbers::<Float32Type>("reward")?;
    let successes = columns.sent("success").map(|array| array.as_boolean());
    let seeds: Vec<Option<String>> = match columns.numbers::<UInt64Type>("seed")? {
        Some(seeds) => seeds.iter().map(|seed| seed.map(|seed| seed.to_string())).collect(),
        None => vec![None; batch.rows()],
    };
    let rows: Vec<Trajectory<'_>> = (0..batch.rows())
        .map(|row| Trajectory {
            id: text_at(ids, row).unwrap_or_default(),
            group: text_at(groups, row).unwrap_or_default(),
            task: text_at(tasks, row),
            prompt: text_at(prompts, row),
            turns: turns.get(batch.turns_of(row)).unwrap_or_default(),
            final_observation: text_at(last, row),
            reward: number_at(rewards, row),
            success: successes.filter(|array| array.is_valid(row)).map(|array| array.value(row)),
            seed: seeds.get(row).and_then(Option::as_deref),
            status: text_at(statuses, row),
            extra: row_extras.get(row).map(String::as_str),
        })
        .collect();
    Ok(function(&rows))
}

fn turns<'a>(columns: &Columns<'a>, extras: &'a [String]) -> Result<Vec<Turn<'a>>, StageError> {
    let (observations, actions) = (columns.text("turns.observation")?, columns.text("turns.action")?);
    let (names, arguments) = (columns.text("turns.tool_name")?, columns.text("turns.tool_arguments")?);
    let (verdicts, diagnoses) = (columns.text("turns.verdict")?, columns.text("turns.diagnosis")?);
    let rewards = columns.numbers::<Float32Type>("turns.reward")?;
    let tokens = columns.sent("turns.action_tokens");
    let logprobs = columns.sent("turns.action_logprobs");
    let turn = |index| {
        Ok(Turn {
            observation: text_at(observations, index).unwrap_or_default(),
            action: text_at(actions, index).unwrap_or_default(),
            tool_name: text_at(names, index),
            tool_arguments: text_at(arguments, index),
            reward: number_at(rewards, index),
            verdict: text_at(verdicts, index),
            diagnosis: text_at(diagnoses, index),
            action_tokens: list_at::<Int32Type>(tokens, index)?,
            action_logprobs: list_at::<Float32Type>(logprobs, index)?,
            extra: extras.get(index).map(String::as_str),
        })
    };
    (0..columns.batch.turn_count()).map(turn).collect()
}

/// The columns that the plugin reads.
struct Columns<'a> {
    batch: &'a TrajectoryBatch,
    contract: &'a PluginContract,
}

impl<'a> Columns<'a> {
    fn sent(&self, path: &str) -> Option<&'a ArrayRef> {
        self.batch.column(path).filter(|_| self.contract.sends(path))
    }

    fn text(&self, path: &str) -> Result<Option<&'a StringArray>, StageError> {
        self.sent(path).map(|_| self.batch.text(path)).transpose()
    }

    fn numbers<T: ArrowPrimitiveType>(&self, path: &str) -> Result<Option<&'a PrimitiveArray<T>>, StageError> {
        self.sent(path)
            .map(|array| {
                array.as_primitive_opt::<T>().ok_or_else(|| {
                    StageError::new(format!(
                        "column `{path}` has type {}, expected {}",
                        array.data_type(),
                        T::DATA_TYPE
                    ))
                })
            })
            .transpose()
    }
}

fn text_at(array: Option<&StringArray>, index: usize) -> Option<&str> {
    array.filter(|array| array.is_valid(index)).map(|array| array.value(index))
}

fn number_at<T: ArrowPrimitiveType>(array: Option<&PrimitiveArray<T>>, index: usize) -> Option<T::Native> {
    array.filter(|array| array.is_valid(index)).map(|array| array.value(index))
}

/// The elements of a list, where they lie; nulls among them cannot be sent.
fn list_at<T: ArrowPrimitiveType>(array: Option<&ArrayRef>, index: usize) -> Result<Option<&[T::Native]>, StageError> {
    let Some(array) = array.filter(|array| array.is_valid(index)) else { return Ok(None) };
    let wrong =
        || StageError::new(format!("a column has type {}, expected lists of {}", array.data_type(), T::DATA_TYPE));
    let list = array.as_list_opt::<i32>().ok_or_else(wrong)?;
    let values = list.values().as_primitive_opt::<T>().ok_or_else(wrong)?;
    let offsets = list.value_offsets();
    match (offsets.get(index), offsets.get(index + 1)) {
        (Some(start), Some(end)) => Ok(values.values().get(*start as usize..*end as usize)),
        _ => Ok(None),
    }
}
