//! Tables that stand in the pipeline: a list of maps, whose values decide the types of the columns.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, RecordBatchOptions, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use serde_json::{Map, Value};
use sternlight_engine::problem::{Problem, Segment};

/// The rows of a list of maps. The columns are those of all maps, in the order in which they come up; what a map does not
/// have is null.
pub(super) fn rows_of(maps: &[Map<String, Value>]) -> Result<RecordBatch, Vec<Problem>> {
    let mut names: Vec<&str> = Vec::new();
    for name in maps.iter().flat_map(Map::keys) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let (mut fields, mut columns, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for name in names {
        match column(name, maps) {
            Ok((data_type, array)) => {
                fields.push(Field::new(name, data_type, true));
                columns.push(array);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(maps.len()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
        .map_err(|error| vec![Problem::new(error.to_string())])
}

/// What all values of a column are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Truth,
    Whole,
    Number,
    Text,
}

impl Kind {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(_) => Some(Self::Truth),
            Value::Number(number) if number.as_i64().is_some() => Some(Self::Whole),
            Value::Number(_) => Some(Self::Number),
            Value::String(_) => Some(Self::Text),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// The narrowest that has values of both.
    fn joined(self, other: Self) -> Option<Self> {
        match (self, other) {
            (one, other) if one == other => Some(one),
            (Self::Whole, Self::Number) | (Self::Number, Self::Whole) => Some(Self::Number),
            _ => None,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Truth => "`true` or `false`",
            Self::Whole => "a whole number",
            Self::Number => "a number",
            Self::Text => "text",
        }
    }
}

fn column(name: &str, maps: &[Map<String, Value>]) -> Result<(DataType, ArrayRef), Problem> {
    let values: Vec<&Value> = maps.iter().map(|map| map.get(name).unwrap_or(&Value::Null)).collect();
    let mut kind: Option<Kind> = None;
    for (row, value) in values.iter().enumerate().filter(|(_, value)| !value.is_null()) {
        let at = || [Segment::from("rows"), row.into(), name.into()];
        let Some(own) = Kind::of(value) else {
            let problem =
                Problem::at(at(), format!("`{name}` is a list or a map, expected text, a number or a truth value"));
            return Err(problem.help("a table has plain values; write one column for each"));
        };
        kind = match kind {
            None => Some(own),
            Some(before) => Some(before.joined(own).ok_or_else(|| {
                let (before, own) = (before.words(), own.words());
                Problem::at(at(), format!("`{name}` is {own} here and {before} before"))
                    .help("give all values of a column one type")
            })?),
        };
    }
    Ok(match kind {
        // A column of nulls could be anything.
        None | Some(Kind::Text) => {
            (DataType::Utf8, Arc::new(values.iter().map(|value| value.as_str()).collect::<StringArray>()))
        }
        Some(Kind::Truth) => {
            (DataType::Boolean, Arc::new(values.iter().map(|value| value.as_bool()).collect::<BooleanArray>()))
        }
        Some(Kind::Whole) => {
            (DataType::Int64, Arc::new(values.iter().map(|value| value.as_i64()).collect::<Int64Array>()))
        }
        Some(Kind::Number) => {
            (DataType::Float64, Arc::new(values.iter().map(|value| value.as_f64()).collect::<Float64Array>()))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maps(json: &str) -> Vec<Map<String, Value>> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn types_come_from_values_and_what_is_missing_is_null() {
        let rows = rows_of(&maps(r#"[{"a": 1, "b": "x"}, {"a": 1.5, "c": true}, {"d": null}]"#)).unwrap();
        let columns: Vec<String> = rows
            .schema()
            .fields()
            .iter()
            .zip(rows.columns())
            .map(|(field, array)| format!("{} {} {}", field.name(), field.data_type(), array.null_count()))
            .collect();
        assert_eq!(columns, ["a Float64 1", "b Utf8 2", "c Boolean 2", "d Utf8 3"]);
        assert_eq!(rows_of(&[]).unwrap().num_rows(), 0);
    }

    #[test]
    fn values_that_do_not_go_together_are_named_with_their_place() {
        let problem = rows_of(&maps(r#"[{"a": 1}, {"a": "x"}]"#)).unwrap_err().remove(0);
        assert_eq!(problem.message, "`a` is text here and a whole number before");
        assert_eq!(problem.path, [Segment::from("rows"), 1.into(), "a".into()]);
        let problem = rows_of(&maps(r#"[{"a": [1]}]"#)).unwrap_err().remove(0);
        assert!(problem.message.starts_with("`a` is a list or a map"));
    }
}
