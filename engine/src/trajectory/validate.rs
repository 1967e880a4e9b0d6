//! Checks that a batch holds the trajectory schema's promises, naming row and column where it does not.

use std::collections::BTreeMap;
use std::fmt;

use arrow::array::Array as _;
use arrow::datatypes::DataType;

use super::batch::TrajectoryBatch;
use super::schema::{canonical_type, is_required};
use crate::column::{ColumnPath, TURNS};

/// One broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Row in the batch, from 0; `None` if the whole column is at fault.
    pub row: Option<usize>,
    /// The column.
    pub column: ColumnPath,
    /// What was expected and what was found.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row {
            Some(row) => write!(formatter, "row {row}, column `{}`: {}", self.column, self.message),
            None => write!(formatter, "column `{}`: {}", self.column, self.message),
        }
    }
}

impl Violation {
    /// Whether it is about a number that is none, of a column that may hold only finite ones.
    pub(crate) fn is_of_number(&self) -> bool {
        self.row.is_some() && canonical_type(&self.column) == Some(DataType::Float32)
    }
}

/// The rows of a batch with a number that is none, where the schema promises finite ones: each once, with a column and
/// what it is.
pub(crate) fn rows_without_number(batch: &TrajectoryBatch) -> BTreeMap<usize, (ColumnPath, f32)> {
    let schema = super::TrajectorySchema::new(batch.record_batch().schema());
    let mut found = BTreeMap::new();
    for path in schema.paths().into_iter().filter(|path| canonical_type(path) == Some(DataType::Float32)) {
        let Ok(numbers) = batch.float(path.as_str()) else { continue };
        // Nearly always all are finite, which one pass tells.
        if numbers.values().iter().all(|number| number.is_finite()) {
            continue;
        }
        let offsets = path.turn_name().map(|_| batch.turn_offsets());
        for (index, number) in numbers.iter().enumerate() {
            let Some(number) = number.filter(|number| !number.is_finite()) else { continue };
            let row = match &offsets {
                None => index,
                Some(offsets) => offsets.partition_point(|offset| *offset <= index).saturating_sub(1),
            };
            found.entry(row).or_insert((path.clone(), number));
        }
    }
    found
}

/// Columns whose values may be wrong though their type is right.
pub(crate) fn has_judged_values(path: &ColumnPath) -> bool {
    path.as_str() == "status" || canonical_type(path) == Some(DataType::Float32)
}

/// The first violation of each column that the batch holds: types of known columns, nulls where none may be,
/// unknown statuses, rewards and advantages that are not finite. Columns that are not in the batch are not judged.
pub fn validate(batch: &TrajectoryBatch) -> Vec<Violation> {
    let schema = super::TrajectorySchema::new(batch.record_batch().schema());
    let mut violations = Vec::new();
    for path in schema.paths() {
        let Some(array) = batch.column(path.as_str()) else { continue };
        let row_of = |index: usize| match path.turn_name() {
            None => index,
            Some(_) => batch.turn_offsets().partition_point(|offset| *offset <= index).saturating_sub(1),
        };
        let mut report =
            |row: Option<usize>, message: String| violations.push(Violation { row, column: path.clone(), message });
        if let Some(expected) = canonical_type(&path)
            && *array.data_type() != expected
        {
            report(None, format!("has type {}, expected {expected}", array.data_type()));
            continue;
        }
        if is_required(&path)
            && array.null_count() > 0
            && let Some(index) = (0..array.len()).find(|index| array.is_null(*index))
        {
            report(Some(row_of(index)), "is null, expected a value".to_owned());
            continue;
        }
        if path.as_str() == "status"
            && let Ok(statuses) = batch.text("status")
            && let Some(row) =
                (0..statuses.len()).find(|row| !matches!(statuses.value(*row), "done" | "truncated" | "failed"))
        {
            report(Some(row), format!("is `{}`, expected `done`, `truncated` or `failed`", statuses.value(row)));
        }
        if canonical_type(&path) == Some(DataType::Float32)
            && let Ok(rewards) = batch.float(path.as_str())
            && let Some(index) =
                (0..rewards.len()).find(|index| rewards.is_valid(*index) && !rewards.value(*index).is_finite())
        {
            report(Some(row_of(index)), format!("is {}, expected a finite number or null", rewards.value(index)));
        }
    }
    if let Some(list) = batch.turns_list()
        && list.null_count() > 0
    {
        let row = (0..list.len()).find(|row| list.is_null(*row));
        violations.push(Violation {
            row,
            column: ColumnPath::from(TURNS),
            message: "is null, expected a list, which may be empty".to_owned(),
        });
    }
    violations
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float32Array, Int32Array, ListArray, RecordBatch, StringArray, StructArray};
    use arrow::buffer::{NullBuffer, OffsetBuffer};
    use arrow::datatypes::{Field, Schema};

    use super::*;
    use crate::trajectory::{TrajectoryBuilder, TrajectoryRow, TurnRow};

    fn batch(columns: Vec<(&str, ArrayRef)>) -> TrajectoryBatch {
        let fields: Vec<Field> =
            columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
        let arrays = columns.into_iter().map(|(_, array)| array).collect();
        TrajectoryBatch::new(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()).unwrap()
    }

    /// Rows with two, none and one turn; the list of the second row is null if `null_list`.
    fn turns(actions: [Option<&str>; 3], rewards: [f32; 3], null_list: bool) -> ArrayRef {
        let columns: Vec<(Arc<Field>, ArrayRef)> = vec![
            (Arc::new(Field::new("action", DataType::Utf8, true)), Arc::new(StringArray::from(actions.to_vec()))),
            (Arc::new(Field::new("reward", DataType::Float32, true)), Arc::new(Float32Array::from(rewards.to_vec()))),
        ];
        let structs = StructArray::from(columns);
        let element = Arc::new(Field::new("element", structs.data_type().clone(), true));
        let nulls = null_list.then(|| NullBuffer::from(vec![true, false, true]));
        Arc::new(ListArray::new(element, OffsetBuffer::from_lengths([2, 0, 1]), Arc::new(structs), nulls))
    }

    fn told(batch: &TrajectoryBatch) -> String {
        validate(batch).iter().map(|violation| format!("{violation}\n")).collect()
    }

    #[test]
    fn violations_name_row_and_column() {
        let ids: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), Some("b"), None]));
        let status: ArrayRef = Arc::new(StringArray::from(vec!["done", "ok", "failed"]));
        let reward: ArrayRef = Arc::new(Float32Array::from(vec![Some(1.0), None, Some(f32::NAN)]));
        let group: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 3]));
        let turns = turns([Some("x"), Some("y"), None], [0.0, f32::INFINITY, 0.0], true);
        let columns =
            vec![("trajectory_id", ids), ("group_id", group), ("status", status), ("reward", reward), ("turns", turns)];
        insta::assert_snapshot!(told(&batch(columns)), @r"
        row 2, column `trajectory_id`: is null, expected a value
        column `group_id`: has type Int32, expected Utf8
        row 1, column `status`: is `ok`, expected `done`, `truncated` or `failed`
        row 2, column `reward`: is NaN, expected a finite number or null
        row 2, column `turns.action`: is null, expected a value
        row 0, column `turns.reward`: is inf, expected a finite number or null
        row 1, column `turns`: is null, expected a list, which may be empty
        ");
    }

    #[test]
    fn what_the_builder_makes_is_valid() {
        let turn = TurnRow { action: "a".to_owned(), reward: Some(0.5), ..TurnRow::default() };
        let full = TrajectoryRow { turns: vec![turn.clone(), turn], seed: Some(7), ..TrajectoryRow::default() };
        let mut builder = TrajectoryBuilder::new();
        [full, TrajectoryRow::default()].iter().for_each(|row| builder.push(row));
        assert_eq!((builder.rows(), builder.bytes()), (2, 2 + 2 * "done".len()));
        let built = builder.finish().unwrap();
        assert_eq!(told(&built), "");
        assert_eq!(
            (built.turn_offsets(), built.turn_count(), builder.rows(), builder.bytes()),
            (vec![0, 2, 2], 2, 0, 0)
        );
    }

    #[test]
    fn a_slice_of_a_batch_has_its_own_turns() {
        let whole = batch(vec![("turns", turns([Some("x"), Some("y"), Some("z")], [1.0, 2.0, 3.0], false))]);
        let last = TrajectoryBatch::new(whole.record_batch().slice(1, 2)).unwrap();
        assert_eq!((last.turns_of(0), last.turns_of(1), last.turn_count()), (0..0, 0..1, 1));
        assert_eq!(last.text("turns.action").unwrap().value(0), "z");
        assert!(last.text("turns.reward").unwrap_err().message.contains("has type Float32, expected Utf8"));
        assert!(last.text("prompt").unwrap_err().message.contains("was not read"));
    }
}
