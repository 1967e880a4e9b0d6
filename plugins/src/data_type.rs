//! Arrow types as the contract spells them: `utf8`, `float32`, `list<int32>`.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};

/// Lists of lists deeper than this are nobody's column.
const MAXIMUM_DEPTH: usize = 8;

const NAMES: [(&str, DataType); 12] = [
    ("bool", DataType::Boolean),
    ("float32", DataType::Float32),
    ("float64", DataType::Float64),
    ("int16", DataType::Int16),
    ("int32", DataType::Int32),
    ("int64", DataType::Int64),
    ("int8", DataType::Int8),
    ("uint16", DataType::UInt16),
    ("uint32", DataType::UInt32),
    ("uint64", DataType::UInt64),
    ("uint8", DataType::UInt8),
    ("utf8", DataType::Utf8),
];

/// The type of this name, if it is one.
pub(crate) fn parse(name: &str) -> Option<DataType> {
    parse_within(name, MAXIMUM_DEPTH)
}

fn parse_within(name: &str, depth: usize) -> Option<DataType> {
    if let Some(element) = name.strip_prefix("list<").and_then(|rest| rest.strip_suffix('>')) {
        let element = parse_within(element, depth.checked_sub(1)?)?;
        return Some(DataType::List(Arc::new(Field::new("element", element, true))));
    }
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, data_type)| data_type.clone())
}

/// The name of a type, or Arrow's own for one that the contract cannot spell.
pub(crate) fn name(data_type: &DataType) -> String {
    match data_type {
        DataType::List(element) => format!("list<{}>", name(element.data_type())),
        other => NAMES
            .iter()
            .find(|(_, known)| known == other)
            .map_or_else(|| other.to_string(), |(name, _)| (*name).to_owned()),
    }
}

/// The names that may be written, for messages.
pub(crate) fn known() -> String {
    NAMES.map(|(name, _)| format!("`{name}`")).join(", ") + " and `list<…>` of these"
}

/// Whether values are of the same type, whatever the elements of lists are called.
pub(crate) fn is_alike(left: &DataType, right: &DataType) -> bool {
    match (left, right) {
        (DataType::List(left), DataType::List(right)) => is_alike(left.data_type(), right.data_type()),
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        for written in ["utf8", "bool", "list<int32>", "list<list<float32>>"] {
            assert_eq!(parse(written).map(|parsed| name(&parsed)).as_deref(), Some(written));
        }
        for wrong in ["", "text", "list<>", "list<int32", "Utf8"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert_eq!(parse(&format!("{}utf8{}", "list<".repeat(100_000), ">".repeat(100_000))), None);
    }
}
