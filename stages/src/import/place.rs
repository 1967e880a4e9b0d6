//! How a place in an input file is named in messages.

use super::scan::Container;

/// `runs.jsonl:17`, or `runs.json, element 3 (line 120)`. Lines count from 1, elements from 0 like the row index
/// in a trajectory's id.
pub(super) fn place(file: &str, container: Container, element: u64, line: u64) -> String {
    match container {
        Container::Lines => format!("{file}:{line}"),
        Container::Array => format!("{file}, element {element} (line {line})"),
    }
}
