//! The cells of a `matrix`: the whole pipeline once for each choice of a value of every axis.

use std::fmt;

use serde_yaml::Value;

use super::report::Report;
use crate::problem::{Problem, Segment};

/// Cells that a matrix may have.
const MOST_CELLS: usize = 1000;

/// A choice of a value of every axis, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell(Vec<(String, Value)>);

impl Cell {
    /// The value of an axis.
    pub fn get(&self, axis: &str) -> Option<&Value> {
        self.0.iter().find(|(name, _)| name == axis).map(|(_, value)| value)
    }

    /// The axes.
    pub(super) fn axes(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

/// As `seed=2, method=grpo`.
impl fmt::Display for Cell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.0.iter().enumerate() {
            let before = if index == 0 { "" } else { ", " };
            // What cannot be written as JSON is no value of YAML either.
            let value = match value {
                Value::String(text) => text.clone(),
                other => serde_json::to_string(other).unwrap_or_default(),
            };
            write!(formatter, "{before}{name}={value}")?;
        }
        Ok(())
    }
}

/// All cells of a matrix, the last axis running fastest; none if it is at fault.
pub(super) fn cells(matrix: &Value, report: &mut Report<'_>) -> Vec<Cell> {
    let path = [Segment::from("matrix")];
    let fault = |report: &mut Report<'_>, path: &[Segment], message: String, help: &str| {
        report.problems(path, None, vec![Problem::new(message).help(help)]);
        Vec::new()
    };
    let example = "as in `matrix: {seed: [1, 2, 3]}`";
    let Some(axes) = matrix.as_mapping().filter(|axes| !axes.is_empty()) else {
        return fault(report, &path, "a matrix maps axes to lists of values".to_owned(), example);
    };
    let mut cells = vec![Cell::default()];
    for (name, values) in axes {
        let name = name.as_str().unwrap_or_default();
        let path = [Segment::from("matrix"), name.into()];
        let Some(values) = values.as_sequence().filter(|values| !values.is_empty()) else {
            return fault(report, &path, format!("the axis `{name}` is no list of values"), example);
        };
        if name == "seed" && values.iter().any(|value| value.as_u64().is_none()) {
            return fault(report, &path, "the axis `seed` has whole numbers of at least 0".to_owned(), example);
        }
        if cells.len().saturating_mul(values.len()) > MOST_CELLS {
            let message = format!("a matrix of more than {MOST_CELLS} cells");
            return fault(report, &path, message, "leave an axis out, or run it for a part of its values at a time");
        }
        let with = |cell: &Cell, value: &Value| {
            Cell(cell.0.iter().cloned().chain([(name.to_owned(), value.clone())]).collect())
        };
        cells = cells.iter().flat_map(|cell| values.iter().map(move |value| with(cell, value))).collect();
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::super::scan::scan;
    use super::*;

    fn read(yaml: &str) -> Result<Vec<String>, String> {
        let (document, _) = scan(&format!("matrix: {yaml}"), "p.yaml").map_err(|error| error.message)?;
        let mut report = Report::new(&document);
        let cells = cells(&serde_yaml::from_str(yaml).unwrap(), &mut report);
        match report.diagnostics.first() {
            Some(diagnostic) => Err(diagnostic.message.clone()),
            None => Ok(cells.iter().map(ToString::to_string).collect()),
        }
    }

    #[test]
    fn cells_are_all_choices() {
        let expected = ["seed=1, method=grpo", "seed=1, method=rloo", "seed=2, method=grpo", "seed=2, method=rloo"];
        assert_eq!(read("{seed: [1, 2], method: [grpo, rloo]}").unwrap(), expected);
        assert_eq!(read("{deep: [[1, 2], {a: true}]}").unwrap(), ["deep=[1,2]", "deep={\"a\":true}"]);
    }

    #[test]
    fn what_is_no_matrix_is_told() {
        assert_eq!(read("3").unwrap_err(), "a matrix maps axes to lists of values");
        assert_eq!(read("{seed: 3}").unwrap_err(), "the axis `seed` is no list of values");
        assert_eq!(read("{seed: [-1]}").unwrap_err(), "the axis `seed` has whole numbers of at least 0");
        let axis = format!("[{}]", vec!["1"; 100].join(", "));
        assert_eq!(read(&format!("{{a: {axis}, b: {axis}}}")).unwrap_err(), "a matrix of more than 1000 cells");
    }
}
