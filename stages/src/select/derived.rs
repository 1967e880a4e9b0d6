//! Columns that are made of expressions: what type they have, and their values. The language is that of `filter`.

use arrow::array::{Array as _, ArrayRef, AsArray as _};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type};
use sternlight_engine::column::ColumnPath;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::StageError;
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectorySchema, canonical_type};

use crate::filter::{Evaluation, Form, Formula, Kind};

/// A column that is made of an expression.
#[derive(Debug)]
pub(super) struct Derived {
    path: ColumnPath,
    formula: Formula,
}

/// A derived column at work.
#[derive(Debug)]
pub(super) struct Deriving<'a> {
    path: &'a ColumnPath,
    evaluation: Evaluation<'a>,
}

impl Derived {
    /// The column of this name.
    ///
    /// # Errors
    /// If the text is no expression.
    pub(super) fn new(name: &str, text: &str) -> Result<Self, Problem> {
        let path = ColumnPath::from(name);
        let form = if path.turn_name().is_some() { Form::OfTurn } else { Form::OfTrajectory };
        Ok(Self { path, formula: Formula::parse(text, form, ["derive", name])? })
    }

    pub(super) fn path(&self) -> &ColumnPath {
        &self.path
    }

    /// Its type over the columns of an input, and what must be read for it.
    ///
    /// # Errors
    /// Every fault in the expression; a type that the column cannot have.
    pub(super) fn over(&self, input: &TrajectorySchema) -> Result<(DataType, Vec<ColumnPath>), Vec<Problem>> {
        let meaning = self.formula.over(input)?;
        let data_type = type_of(&self.path, meaning.kind)?;
        Ok((data_type, meaning.reads))
    }

    /// Begins work on batches.
    pub(super) fn begin(&self) -> Deriving<'_> {
        Deriving { path: &self.path, evaluation: self.formula.begin() }
    }
}

impl Deriving<'_> {
    /// The column's values: one a trajectory, or one a turn.
    ///
    /// # Errors
    /// If a number does not fit, naming the trajectory.
    pub(super) fn values(&mut self, batch: &TrajectoryBatch) -> Result<ArrayRef, StageError> {
        let found = self.evaluation.values(batch)?;
        let expected = canonical_type(self.path).unwrap_or_else(|| match found.data_type() {
            DataType::Decimal128(..) => DataType::Int64,
            other => other.clone(),
        });
        if *found.data_type() == expected && expected != DataType::Float32 {
            return Ok(found);
        }
        let values = cast(&found, &expected)?;
        // Arrow casts what does not fit to null, which would mean that it is not known.
        let lost = (0..values.len()).find(|index| values.is_null(*index) && found.is_valid(*index));
        let unfit = lost.or_else(|| not_finite(&values).filter(|_| canonical_type(self.path).is_some()));
        match unfit {
            None => Ok(values),
            Some(index) => Err(self.unfit(batch, index, &found, &expected)),
        }
    }

    fn unfit(&self, batch: &TrajectoryBatch, index: usize, values: &ArrayRef, expected: &DataType) -> StageError {
        let text = cast(&values.slice(index, 1), &DataType::Utf8).ok();
        let text = text.as_ref().and_then(|texts| texts.as_string_opt::<i32>()).map_or("", |texts| texts.value(0));
        let (row, turn) = match self.path.turn_name() {
            None => (index, String::new()),
            Some(_) => {
                let row = batch.turn_offsets().partition_point(|offset| *offset <= index).saturating_sub(1);
                (row, format!("turn {}: ", index - batch.turns_of(row).start))
            }
        };
        let (what, help) = match expected {
            DataType::Float32 => ("a finite number or null", "bring it into the range of float32, or make it null"),
            _ => ("a whole number that fits 64 bits", "multiply it by 1.0: floats have a larger range"),
        };
        StageError::new(format!("{turn}`{}` is {text}, expected {what}", self.path))
            .trajectory(batch.name_of(row))
            .help(help)
    }
}

/// The type of a column with values of this kind: that of the schema, if it knows the column.
fn type_of(path: &ColumnPath, kind: Kind) -> Result<DataType, Problem> {
    let problem = |message: String| Problem::at(["derive", path.as_str()], message);
    let own = match kind {
        Kind::Boolean => DataType::Boolean,
        Kind::Text => DataType::Utf8,
        Kind::Integer => DataType::Int64,
        Kind::Single => DataType::Float32,
        Kind::Double => DataType::Float64,
        Kind::Null => {
            return Err(problem(format!("`{path}` would be null everywhere, expected a value"))
                .help("leave the column out: what is not there is not known"));
        }
        Kind::List | Kind::Opaque => {
            let message = "the expression is a whole column that is neither number, text, nor true or false";
            return Err(
                problem(message.to_owned()).help("`rename` gives it another name; of a list, take its `length(…)`")
            );
        }
    };
    match canonical_type(path) {
        None => Ok(own),
        Some(known) if known == own => Ok(known),
        Some(known) if known == DataType::Float32 && kind.is_number() => Ok(known),
        Some(known) if known == DataType::UInt64 && kind == Kind::Integer => Ok(known),
        Some(known) => {
            let message = format!("the expression is {kind}, but `{path}` is a column of type {known}");
            Err(problem(message).help("give the column another name"))
        }
    }
}

fn not_finite(values: &ArrayRef) -> Option<usize> {
    let numbers = values.as_primitive_opt::<Float32Type>()?;
    (0..numbers.len()).find(|index| numbers.is_valid(*index) && !numbers.value(*index).is_finite())
}
