//! Which leaves of a Parquet file belong to a column of ours, however the file's writer named its list levels.

use std::ops::Range;

use arrow::datatypes::{DataType, Field, Schema};

use crate::column::{ColumnPath, TURNS};

/// The Parquet leaves of a column: consecutive, in the file's order. `None` if the file has no such column.
pub fn leaves_of(schema: &Schema, path: &ColumnPath) -> Option<Range<usize>> {
    let root = if path.turn_name().is_some() { TURNS } else { path.as_str() };
    let (before, field) = find(schema.fields().iter().map(AsRef::as_ref), root)?;
    let Some(name) = path.turn_name() else { return Some(before..before + leaf_count(field.data_type())) };
    let DataType::List(element) = field.data_type() else { return None };
    let DataType::Struct(turn) = element.data_type() else { return None };
    let (inside, field) = find(turn.iter().map(AsRef::as_ref), name)?;
    Some(before + inside..before + inside + leaf_count(field.data_type()))
}

fn find<'a>(fields: impl Iterator<Item = &'a Field>, name: &str) -> Option<(usize, &'a Field)> {
    let mut before = 0;
    for field in fields {
        if field.name() == name {
            return Some((before, field));
        }
        before += leaf_count(field.data_type());
    }
    None
}

fn leaf_count(data_type: &DataType) -> usize {
    match data_type {
        DataType::Struct(fields) => fields.iter().map(|field| leaf_count(field.data_type())).sum(),
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => leaf_count(field.data_type()),
        _ => 1,
    }
}
