//! Makes rows of copies: what was recorded stays, what the relabeller says is put in, and what stages computed for the old
//! goal is null. Not concerned with where the rows go.

use std::borrow::Cow;
use std::fmt::Display;
use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, BooleanArray, Float32Array, ListArray, RecordBatch, StringArray, StructArray, UInt64Array,
    new_null_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::take;
use arrow::datatypes::{DataType, Field};

use super::batch::TrajectoryBatch;
use super::builder::Status;
use super::relabelled::Relabelled;
use super::schema::{TrajectorySchema, imported_schema};
use crate::column::{ColumnPath, TURNS};
use crate::error::StageError;

/// Digits of what tells one goal from another within a group.
const GOAL_DIGITS: usize = 12;

/// A copy and which one of its trajectory's it is, from 1.
pub(crate) struct NumberedCopy<'a> {
    pub(crate) copy: &'a Relabelled,
    pub(crate) number: usize,
}

/// Numbers the copies of each row, which are neighbours.
pub(crate) fn numbered(copies: &[Relabelled]) -> Vec<NumberedCopy<'_>> {
    let of_rows = copies.chunk_by(|left, right| left.row == right.row);
    of_rows.flat_map(|of_row| of_row.iter().zip(1..).map(|(copy, number)| NumberedCopy { copy, number })).collect()
}

/// Rows of this schema. `stage`: who makes them. `rows` have all columns of the dataset that they are copies of.
///
/// # Errors
/// If a column is of another type than the trajectory schema says.
pub(crate) fn copies_of(
    rows: &TrajectoryBatch,
    copies: &[NumberedCopy<'_>],
    stage: &str,
    schema: &TrajectorySchema,
) -> Result<RecordBatch, StageError> {
    let making = Making { rows, copies, stage, recorded: imported_schema() };
    let turns = making.turn_indices();
    let indices: UInt64Array = copies.iter().map(|one| Some(one.copy.row as u64)).collect();
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(schema.arrow().fields().len());
    for field in schema.arrow().fields() {
        arrays.push(match field.name().as_str() {
            TURNS => making.turns(schema, field, &turns)?,
            name => match making.changed(name)? {
                Some(changed) => changed,
                None => making.as_recorded(&ColumnPath::new(name), field, &indices)?,
            },
        });
    }
    Ok(RecordBatch::try_new(Arc::clone(schema.arrow()), arrays)?)
}

struct Making<'a> {
    rows: &'a TrajectoryBatch,
    copies: &'a [NumberedCopy<'a>],
    stage: &'a str,
    /// The columns of a recording, which do not depend on the goal.
    recorded: TrajectorySchema,
}

impl<'a> Making<'a> {
    /// How many turns a copy has.
    fn turn_count(&self, copy: &Relabelled) -> usize {
        let all = self.rows.turns_of(copy.row).len();
        copy.keep_turns.map_or(all, |keep| keep.min(all))
    }

    /// The turn at which the copy ends before its original does.
    fn cut(&self, copy: &Relabelled) -> Option<usize> {
        let turns = self.rows.turns_of(copy.row);
        let kept = self.turn_count(copy);
        (kept < turns.len()).then_some(turns.start + kept)
    }

    fn turn_indices(&self) -> UInt64Array {
        let of_copy = |one: &NumberedCopy<'_>| self.rows.turns_of(one.copy.row).take(self.turn_count(one.copy));
        self.copies.iter().flat_map(of_copy).map(|turn| Some(turn as u64)).collect()
    }

    /// The values of a column that was recorded, or nulls.
    fn as_recorded(&self, path: &ColumnPath, field: &Field, indices: &UInt64Array) -> Result<ArrayRef, StageError> {
        // A reward of a turn is for what was wanted then; tokens and weights are not.
        let stays = match path.as_str() {
            "turns.reward" => false,
            "turns.action_tokens" | "turns.weight" => true,
            name => self.recorded.has(name),
        };
        match self.rows.column(path.as_str()).filter(|_| stays) {
            Some(array) => Ok(take(array, indices, None)?),
            None => Ok(new_null_array(field.data_type(), indices.len())),
        }
    }

    /// The values of a column of trajectories that a copy changes.
    fn changed(&self, name: &str) -> Result<Option<ArrayRef>, StageError> {
        let column = |name| self.rows.column(name).map(|_| self.rows.text(name)).transpose();
        let stage = self.stage;
        let changed: ArrayRef = match name {
            "trajectory_id" => self.texts(column(name)?, |one, id| Some(named(id?, stage, one.number).into())),
            "source_trajectory_id" => self.texts(column("trajectory_id")?, |_, id| id.map(Cow::Borrowed)),
            "group_id" => self.texts(column(name)?, |one, id| Some(named(id?, stage, goal(one.copy)).into())),
            "task_id" => self.texts(column(name)?, |one, id| match &one.copy.task {
                Some(task) => Some(task.as_str().into()),
                None => Some(named(id?, stage, goal(one.copy)).into()),
            }),
            "prompt" => self.texts(column(name)?, |one, old| one.copy.prompt.as_deref().or(old).map(Cow::Borrowed)),
            "final_observation" => {
                let observations = column("turns.observation")?;
                self.texts(column(name)?, |one, last| match self.cut(one.copy) {
                    Some(turn) => text_at(observations, turn).map(Cow::Borrowed),
                    None => last.map(Cow::Borrowed),
                })
            }
            // What came of the original afterwards is not the copy's.
            "status" => self.texts(column(name)?, |one, status| match self.cut(one.copy) {
                Some(_) => Some(Status::Done.as_str().into()),
                None => status.map(Cow::Borrowed),
            }),
            "error" => self.texts(column(name)?, |one, error| match self.cut(one.copy) {
                Some(_) => None,
                None => error.map(Cow::Borrowed),
            }),
            "relabelled" => Arc::new(BooleanArray::from(vec![true; self.copies.len()])),
            "relabel_confidence" => {
                Arc::new(self.copies.iter().map(|one| one.copy.confidence).collect::<Float32Array>())
            }
            "reward" => {
                let old = self.rows.column(name).map(|_| self.rows.float(name)).transpose()?;
                let reward = |one: &NumberedCopy<'_>| one.copy.reward.or_else(|| number_at(old, one.copy.row));
                Arc::new(self.copies.iter().map(reward).collect::<Float32Array>())
            }
            "success" => {
                let old = self.rows.column(name).map(|_| self.rows.boolean(name)).transpose()?;
                let known = |row: usize| old.filter(|old| old.is_valid(row)).map(|old| old.value(row));
                let success = |one: &NumberedCopy<'_>| one.copy.success.or_else(|| known(one.copy.row));
                Arc::new(self.copies.iter().map(success).collect::<BooleanArray>())
            }
            _ => return Ok(None),
        };
        Ok(Some(changed))
    }

    /// One text a copy, made from that of its original.
    fn texts<'s>(
        &'s self,
        column: Option<&'s StringArray>,
        text: impl Fn(&'s NumberedCopy<'a>, Option<&'s str>) -> Option<Cow<'s, str>>,
    ) -> ArrayRef {
        let texts = self.copies.iter().map(|one| text(one, text_at(column, one.copy.row)));
        Arc::new(texts.collect::<StringArray>())
    }

    fn turns(&self, schema: &TrajectorySchema, field: &Field, indices: &UInt64Array) -> Result<ArrayRef, StageError> {
        let fields = schema.turn_fields();
        let mut arrays = Vec::with_capacity(fields.len());
        for turn in &fields {
            let path = ColumnPath::of_turn(turn.name());
            let base = self.as_recorded(&path, turn, indices)?;
            arrays.push(match path.as_str() {
                "turns.reward" | "turns.weight" => self.edited(path.as_str(), &base)?,
                _ => base,
            });
        }
        let DataType::List(element) = field.data_type() else {
            return Err(StageError::new(format!("column `turns` has type {}", field.data_type())));
        };
        let structs = match arrays.is_empty() {
            true => StructArray::new_empty_fields(indices.len(), None),
            false => StructArray::try_new(fields, arrays, None)?,
        };
        let offsets = OffsetBuffer::from_lengths(self.copies.iter().map(|one| self.turn_count(one.copy)));
        Ok(Arc::new(ListArray::try_new(Arc::clone(element), offsets, Arc::new(structs), None)?))
    }

    /// Numbers of turns, with what the copies say of them.
    fn edited(&self, path: &str, base: &ArrayRef) -> Result<ArrayRef, StageError> {
        let wrong = || StageError::new(format!("column `{path}` has type {}, expected Float32", base.data_type()));
        let base = base.as_any().downcast_ref::<Float32Array>().ok_or_else(wrong)?;
        let mut numbers: Vec<Option<f32>> = base.iter().collect();
        let mut start = 0;
        for NumberedCopy { copy, .. } in self.copies {
            let count = self.turn_count(copy);
            for edit in copy.turns.iter().filter(|edit| edit.turn < count) {
                let given = if path == "turns.reward" { edit.reward } else { edit.weight };
                if let (Some(number), Some(given)) = (numbers.get_mut(start + edit.turn), given) {
                    *number = Some(given);
                }
            }
            start += count;
        }
        Ok(Arc::new(Float32Array::from(numbers)))
    }
}

/// Copies of one group that have the same goal answer the same task: they are a group.
fn goal(copy: &Relabelled) -> String {
    let mut digest = blake3::Hasher::new();
    for text in [&copy.task, &copy.prompt] {
        match text {
            None => digest.update(b"-"),
            Some(text) => digest.update(format!("{} {text}", text.len()).as_bytes()),
        };
    }
    digest.finalize().to_hex().as_str()[..GOAL_DIGITS].to_owned()
}

fn text_at(array: Option<&StringArray>, index: usize) -> Option<&str> {
    array.filter(|array| index < array.len() && array.is_valid(index)).map(|array| array.value(index))
}

fn number_at(array: Option<&Float32Array>, index: usize) -> Option<f32> {
    array.filter(|array| index < array.len() && array.is_valid(index)).map(|array| array.value(index))
}

/// What a copy, its group or its task is called. The name of a stage has no `#`, and neither a number nor a digest a `-`, so
/// that the parts can be told from the end: no two are called alike, whatever the original's name holds.
fn named(original: &str, stage: &str, which: impl Display) -> String {
    format!("{original}#{stage}-{which}")
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray as _;
    use arrow::datatypes::Schema;

    use super::super::builder::{TrajectoryBuilder, TrajectoryRow, TurnRow};
    use super::super::relabelled::{TurnEdit, lacking_columns};
    use super::*;
    use crate::trajectory::validate;

    /// A failed episode of three turns, and one of none; the first has an advantage and tokens.
    fn rows() -> TrajectoryBatch {
        let turn = |index: usize| TurnRow {
            observation: format!("o{index}"),
            action: format!("a{index}"),
            reward: Some(-1.0),
            tool_answered: [Some(true), None, Some(false)][index],
            ..TurnRow::default()
        };
        let mut builder = TrajectoryBuilder::new();
        builder.push(&TrajectoryRow {
            trajectory_id: "t".to_owned(),
            group_id: "g".to_owned(),
            task_id: Some("book".to_owned()),
            prompt: Some("Book it.".to_owned()),
            turns: (0..3).map(turn).collect(),
            final_observation: Some("lost".to_owned()),
            reward: Some(0.0),
            success: Some(false),
            status: Status::Failed,
            error: Some("gone".to_owned()),
            ..TrajectoryRow::default()
        });
        builder.push(&TrajectoryRow {
            trajectory_id: "u".to_owned(),
            group_id: "g".to_owned(),
            ..TrajectoryRow::default()
        });
        let batch = builder.finish().unwrap();
        let schema = TrajectorySchema::new(batch.record_batch().schema());
        let computed = Field::new("computed", DataType::Float32, true);
        let turn = |name: &str| Field::new(name, DataType::Float32, true);
        let schema = schema.with(&"computed".into(), computed).with(&"turns.advantage".into(), turn("advantage"));
        let schema = schema.with(&"turns.weight".into(), turn("weight"));
        let fields = schema.turn_fields();
        let list = batch.turns_list().unwrap();
        let mut turns: Vec<ArrayRef> = list.values().as_struct().columns().to_vec();
        turns.extend([vec![0.5; 3], vec![2.0; 3]].map(|numbers| Arc::new(Float32Array::from(numbers)) as ArrayRef));
        let turns = StructArray::new(fields, turns, None);
        let DataType::List(element) = schema.field(&TURNS.into()).unwrap().data_type().clone() else { panic!() };
        let turns: ArrayRef = Arc::new(ListArray::new(element, list.offsets().clone(), Arc::new(turns), None));
        let mut columns = batch.record_batch().columns().to_vec();
        columns[8] = turns;
        columns.push(Arc::new(Float32Array::from(vec![7.0, 7.0])));
        TrajectoryBatch::new(RecordBatch::try_new(Arc::clone(schema.arrow()), columns).unwrap()).unwrap()
    }

    fn made(copies: &[Relabelled]) -> TrajectoryBatch {
        let rows = rows();
        let input = TrajectorySchema::new(rows.record_batch().schema());
        let lacking = lacking_columns(&input);
        let schema = lacking.iter().fold(input, |schema, column| schema.with(&column.path, column.field()));
        let made = TrajectoryBatch::new(copies_of(&rows, &numbered(copies), "again", &schema).unwrap()).unwrap();
        assert_eq!(validate(&made), []);
        made
    }

    fn text(batch: &TrajectoryBatch, path: &str) -> Vec<Option<String>> {
        batch.text(path).unwrap().iter().map(|text| text.map(str::to_owned)).collect()
    }

    fn numbers(batch: &TrajectoryBatch, path: &str) -> Vec<Option<f32>> {
        batch.float(path).unwrap().iter().collect()
    }

    fn some(texts: &[&str]) -> Vec<Option<String>> {
        texts.iter().map(|text| Some((*text).to_owned())).collect()
    }

    proptest::proptest! {
        #[test]
        fn copies_are_called_alike_only_if_they_are_the_same(
            names in proptest::collection::vec(("[a#1-]{0,4}(#[ab]-1)?", "[a-b][ab1-]{0,3}", 1..3u32), 2..50),
        ) {
            let mut seen = std::collections::BTreeMap::new();
            for name in &names {
                let (original, stage, number) = name;
                let other = seen.insert(named(original, stage, number), name);
                proptest::prop_assert!(other.is_none_or(|other| other == name), "{:?} and {:?}", other, name);
            }
        }
    }

    #[test]
    fn what_was_recorded_stays_and_what_was_computed_goes() {
        let copy = Relabelled::default();
        let made = made(&[copy.clone(), Relabelled { row: 1, ..copy }]);
        assert_eq!(text(&made, "trajectory_id"), some(&["t#again-1", "u#again-1"]));
        assert_eq!(text(&made, "source_trajectory_id"), some(&["t", "u"]));
        assert_eq!(text(&made, "turns.action"), some(&["a0", "a1", "a2"]));
        assert_eq!(text(&made, "final_observation")[0], Some("lost".to_owned()));
        assert_eq!(text(&made, "prompt"), [Some("Book it.".to_owned()), None]);
        assert_eq!(text(&made, "status"), some(&["failed", "done"]));
        assert_eq!(
            (numbers(&made, "reward"), numbers(&made, "relabel_confidence")),
            (vec![Some(0.0), None], vec![None, None])
        );
        assert_eq!(numbers(&made, "turns.weight"), [Some(2.0); 3]);
        for gone in ["computed", "turns.advantage", "turns.reward"] {
            assert!(numbers(&made, gone).iter().all(Option::is_none), "{gone}");
        }
        assert_eq!(made.boolean("relabelled").unwrap().true_count(), 2);
        // Another goal is another task, though nobody says which.
        let tasks = text(&made, "task_id");
        assert!(tasks[0].as_ref().unwrap().starts_with("book#again-") && tasks[1].is_none(), "{tasks:?}");
    }

    #[test]
    fn a_copy_that_is_cut_ends_there() {
        let copy = Relabelled {
            task: Some("find".to_owned()),
            prompt: Some("Find it.".to_owned()),
            reward: Some(1.0),
            success: Some(true),
            keep_turns: Some(2),
            confidence: Some(0.5),
            turns: vec![
                TurnEdit { turn: 0, weight: Some(0.0), ..TurnEdit::default() },
                TurnEdit { turn: 1, reward: Some(1.0), ..TurnEdit::default() },
                TurnEdit { turn: 2, reward: Some(9.0), weight: Some(9.0) },
            ],
            ..Relabelled::default()
        };
        let nothing = Relabelled { keep_turns: Some(0), ..Relabelled::default() };
        let made = made(&[copy, nothing]);
        assert_eq!(made.turn_offsets(), [0, 2, 2]);
        assert_eq!(text(&made, "final_observation"), some(&["o2", "o0"]));
        assert_eq!((text(&made, "status"), text(&made, "error")), (some(&["done", "done"]), vec![None, None]));
        assert_eq!(numbers(&made, "turns.reward"), [None, Some(1.0)]);
        assert_eq!(numbers(&made, "turns.weight"), [Some(0.0), Some(2.0)]);
        // What answered the last turn that is left is still what comes next.
        assert_eq!(made.boolean("turns.tool_answered").unwrap().iter().collect::<Vec<_>>(), [Some(true), None]);
        assert_eq!(numbers(&made, "reward"), [Some(1.0), Some(0.0)]);
        assert_eq!(text(&made, "trajectory_id"), some(&["t#again-1", "t#again-2"]));
        assert_eq!(text(&made, "task_id")[0], Some("find".to_owned()));
    }

    #[test]
    fn copies_of_the_same_goal_are_a_group_of_their_own() {
        let prompted = |row, prompt: &str| Relabelled { row, prompt: Some(prompt.to_owned()), ..Relabelled::default() };
        let made = made(&[prompted(0, "find"), prompted(0, "pay"), prompted(1, "find")]);
        let groups = text(&made, "group_id");
        assert!(groups[0] == groups[2] && groups[0] != groups[1], "{groups:?}");
        assert!(groups.iter().all(|group| group.as_ref().unwrap().starts_with("g#again-")), "{groups:?}");
    }

    #[test]
    fn columns_that_a_dataset_lacks_are_added() {
        let bare = TrajectorySchema::new(Arc::new(Schema::empty()))
            .with(&"reward".into(), Field::new("reward", DataType::Float32, true));
        let lacking = lacking_columns(&bare);
        assert!(lacking.len() == 9 && lacking.iter().all(|column| column.path.as_str() != "reward"));
    }
}
