//! A column of trajectories by which rows are ranked: numbers, or yes before no. What the rank decides is the stage's
//! concern.

use arrow::array::AsArray as _;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use sternlight_engine::column::ColumnPath;
use sternlight_engine::problem::{Problem, Segment};
use sternlight_engine::stage::StageError;
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectorySchema};

/// What is wrong with ranking rows by a column that the option `key` names. That it is missing is for the engine to say.
pub(crate) fn unranked(column: &str, key: &str, input: &TrajectorySchema) -> Option<Problem> {
    let path = ColumnPath::from(column);
    let place: [Segment; 1] = [key.into()];
    if path.turn_name().is_some() || path.is_turn_counts() {
        let message = format!("`{column}` has a value for each turn, expected a column of trajectories");
        return Some(Problem::at(place, message).help(format!(
            "make one value of it before: `select` with `derive: {{{}: last_turn({column})}}`",
            path.turn_name().map_or("length".to_owned(), |name| format!("last_{name}"))
        )));
    }
    let field = input.field(&path)?;
    let found = field.data_type();
    (!(found.is_numeric() || *found == DataType::Boolean)).then(|| {
        Problem::at(place, format!("`{column}` is {found}, expected numbers, or true and false"))
            .help("rows are ranked by a number: `reward`, `success`, or one that `select` derives")
    })
}

/// The number by which each row is ranked; null where there is none, NaN included.
///
/// # Errors
/// If the column was not read, or holds no numbers.
pub(crate) fn ranks(batch: &TrajectoryBatch, column: &str) -> Result<Vec<Option<f64>>, StageError> {
    let array = batch.column(column).ok_or_else(|| StageError::new(format!("column `{column}` was not read")))?;
    let numbers = cast(array, &DataType::Float64)?;
    Ok(numbers.as_primitive::<Float64Type>().iter().map(|number| number.filter(|number| !number.is_nan())).collect())
}
