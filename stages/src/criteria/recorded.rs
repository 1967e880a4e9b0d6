//! Criteria that a dataset brings: in the column `criteria`, a list of structs or JSON, or in the field of that name that
//! an import kept in `extra`.

use arrow::array::{Array as _, StringArray};
use arrow::datatypes::DataType;
use serde::Deserialize;
use serde_json::value::RawValue;
use sternlight_engine::stage::StageError;
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectorySchema};

use super::column::{Lists, is_list_of_criteria};
use super::criterion::Criterion;
use super::{CRITERIA, json};

const EXTRA: &str = "extra";

/// The column of a dataset that criteria may stand in.
///
/// # Errors
/// If there is none, or none that could hold criteria: what was found.
pub(crate) fn recorded_in(input: &TrajectorySchema) -> Result<&'static str, String> {
    match input.field(&CRITERIA.into()) {
        Some(field) if *field.data_type() == DataType::Utf8 || is_list_of_criteria(field.data_type()) => Ok(CRITERIA),
        Some(field) => Err(format!(
            "column `{CRITERIA}` has type {}, expected a list of structs with `text` or `id`, and `satisfied`; or JSON",
            field.data_type()
        )),
        None if input.has(EXTRA) => Ok(EXTRA),
        None => Err(format!("the input has no column `{CRITERIA}`, and no `{EXTRA}` that could hold them")),
    }
}

/// The criteria of a batch's rows.
pub(crate) enum RecordedCriteria<'a> {
    Lists(Box<Lists<'a>>),
    Json(&'a StringArray),
    Extra(&'a StringArray),
}

#[derive(Deserialize)]
struct Extra<'a> {
    #[serde(default, borrow)]
    criteria: Option<&'a RawValue>,
}

impl<'a> RecordedCriteria<'a> {
    /// Of a batch that has the column which [`recorded_in`] names.
    ///
    /// # Errors
    /// If the column has another type.
    pub(crate) fn of(batch: &'a TrajectoryBatch) -> Result<Self, StageError> {
        match batch.column(CRITERIA) {
            None => Ok(Self::Extra(batch.text(EXTRA)?)),
            Some(column) if *column.data_type() == DataType::Utf8 => Ok(Self::Json(batch.text(CRITERIA)?)),
            Some(column) => Ok(Self::Lists(Box::new(Lists::of(column)?))),
        }
    }

    /// The criteria of a row; `None` if it has none.
    ///
    /// # Errors
    /// If what stands there are no criteria: what of it.
    pub(crate) fn row(&self, row: usize) -> Result<Option<Vec<Criterion<'static>>>, String> {
        let text = |column: &'a StringArray| column.is_valid(row).then(|| column.value(row));
        let read = |json: &str| json::criteria(json).map_err(|fault| format!("`{CRITERIA}`: {fault}"));
        let criteria = match self {
            Self::Lists(lists) => lists.row(row),
            Self::Json(column) => text(column).map(read).transpose()?.flatten(),
            Self::Extra(column) => {
                // What is no object has no such field.
                let extra = text(column).and_then(|extra| serde_json::from_str::<Extra<'_>>(extra).ok());
                extra.and_then(|extra| extra.criteria).map(|json| read(json.get())).transpose()?.flatten()
            }
        };
        let faults = criteria.iter().flatten().enumerate().filter_map(|(index, one)| Some((index, one.fault()?)));
        match faults.into_iter().next() {
            Some((index, fault)) => Err(format!("`{CRITERIA}`: criterion {}, counted from 1, {fault}", index + 1)),
            None => Ok(criteria),
        }
    }
}

#[cfg(test)]
mod tests {
    use sternlight_engine::trajectory::{TrajectoryBuilder, TrajectoryRow};

    use super::*;

    fn of_extra(extra: &str) -> Result<Option<usize>, String> {
        let mut builder = TrajectoryBuilder::new();
        builder.push(&TrajectoryRow { extra: Some(extra.to_owned()), ..TrajectoryRow::default() });
        let batch = builder.finish().unwrap();
        let criteria = RecordedCriteria::of(&batch).unwrap().row(0)?;
        Ok(criteria.map(|criteria| criteria.len()))
    }

    #[test]
    fn a_field_of_the_record_is_found_in_what_was_left_over() {
        assert_eq!(of_extra(r#"{"turns": {}, "criteria": [{"id": "a", "satisfied": 1}]}"#), Ok(Some(1)));
        for nothing in ["", "7", "{}", r#"{"criteria": null}"#] {
            assert_eq!(of_extra(nothing), Ok(None), "{nothing}");
        }
        insta::assert_snapshot!(of_extra(r#"{"criteria": [{"id": "a"}, {"id": "b", "satisfied": -1}]}"#).unwrap_err(), @"`criteria`: criterion 2, counted from 1, is satisfied to -1, expected a number from 0 to 1, or null where it is unclear");
        insta::assert_snapshot!(of_extra(r#"{"criteria": {}}"#).unwrap_err(), @"`criteria`: expected a list of objects, found an object");
    }
}
