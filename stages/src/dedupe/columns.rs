//! The columns that are compared: which there are, and their values. What makes two rows duplicates is not known here.

use std::borrow::Cow;
use std::ops::Range;

use arrow::array::{Array as _, ArrayRef, AsArray as _, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, Rows, SortField};
use sternlight_engine::column::ColumnPath;
use sternlight_engine::problem::{Problem, Segment};
use sternlight_engine::stage::StageError;
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectorySchema};

/// What a trajectory says, unless told otherwise: all that was shown and done.
const SAID: [&str; 6] =
    ["prompt", "turns.observation", "turns.action", "turns.tool_name", "turns.tool_arguments", "final_observation"];

/// The columns to compare over an input of this schema.
///
/// # Errors
/// If one of those that are named cannot be compared.
pub(super) fn compared(
    named: Option<&[ColumnPath]>,
    input: &TrajectorySchema,
    texts_only: bool,
) -> Result<Vec<ColumnPath>, Vec<Problem>> {
    let Some(named) = named else {
        return Ok(SAID.into_iter().filter(|path| input.has(path)).map(ColumnPath::from).collect());
    };
    let unfit = |(index, path): (usize, &ColumnPath)| {
        let field = input.field(path)?;
        let found = field.data_type();
        let place: [Segment; 2] = ["columns".into(), index.into()];
        if texts_only && !is_text(found) {
            let message = format!("`{path}` is {found}, expected texts: `by: near` compares their words");
            return Some(Problem::at(place, message).help("leave it out, or write `by: exact`"));
        }
        let comparable = is_text(found) || RowConverter::supports_fields(&[SortField::new(found.clone())]);
        (!comparable).then(|| Problem::at(place, format!("`{path}` is {found}, whose values cannot be compared")))
    };
    let problems: Vec<Problem> = named.iter().enumerate().filter_map(unfit).collect();
    if problems.is_empty() { Ok(named.to_vec()) } else { Err(problems) }
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, value) => is_text(value),
        _ => false,
    }
}

/// The values of one column of a batch.
pub(super) struct Column<'a> {
    values: Values<'a>,
    of_turns: bool,
}

enum Values<'a> {
    Texts(Cow<'a, StringArray>),
    /// Each in a form that is equal where they are.
    Others(Rows),
}

impl<'a> Column<'a> {
    /// The columns of a batch at these paths.
    ///
    /// # Errors
    /// If one was not read.
    pub(super) fn of(batch: &'a TrajectoryBatch, paths: &[ColumnPath]) -> Result<Vec<Self>, StageError> {
        let column = |path: &ColumnPath| {
            let array = batch.column(path.as_str());
            let array = array.ok_or_else(|| StageError::new(format!("column `{path}` was not read")))?;
            Ok(Self { values: Values::of(array)?, of_turns: path.turn_name().is_some() })
        };
        paths.iter().map(column).collect()
    }

    /// Where its values of a trajectory lie.
    pub(super) fn places(&self, batch: &TrajectoryBatch, row: usize) -> Range<usize> {
        if self.of_turns { batch.turns_of(row) } else { row..row + 1 }
    }

    /// The bytes of a value; none if it is null.
    pub(super) fn bytes(&self, place: usize) -> Option<&[u8]> {
        match &self.values {
            Values::Texts(texts) => texts.is_valid(place).then(|| texts.value(place).as_bytes()),
            Values::Others(rows) => Some(rows.row(place).data()),
        }
    }

    /// A text; none if it is null, or not a text.
    pub(super) fn text(&self, place: usize) -> Option<&str> {
        match &self.values {
            Values::Texts(texts) => texts.is_valid(place).then(|| texts.value(place)),
            Values::Others(_) => None,
        }
    }
}

impl<'a> Values<'a> {
    fn of(array: &'a ArrayRef) -> Result<Self, StageError> {
        if let Some(texts) = array.as_string_opt::<i32>() {
            return Ok(Self::Texts(Cow::Borrowed(texts)));
        }
        if is_text(array.data_type()) {
            return Ok(Self::Texts(Cow::Owned(cast(array, &DataType::Utf8)?.as_string().clone())));
        }
        let converter = RowConverter::new(vec![SortField::new(array.data_type().clone())])?;
        Ok(Self::Others(converter.convert_columns(std::slice::from_ref(array))?))
    }
}
