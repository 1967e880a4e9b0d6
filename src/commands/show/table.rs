//! A table: aligned for people, as JSON or CSV for programs.

use arrow::array::{Array as _, ArrayRef, RecordBatch};
use arrow::json::LineDelimitedWriter;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use sternlight_engine::artifact::Table;
use sternlight_engine::printable::printable_line;
use sternlight_engine::stage::StageError;
use sternlight_stages::table::csv_text;
use unicode_width::UnicodeWidthStr as _;

use crate::Outcome;
use crate::common::Common;
use crate::output::{self, outln};
use crate::style;

/// Decimal places of numbers, for people.
const PLACES: usize = 4;

pub(super) fn show(name: &str, table: &Table, as_csv: bool, common: &Common) -> Outcome {
    let rows = table.read()?;
    if as_csv {
        output::out_raw(&csv_text(&rows)?);
        return Ok(());
    }
    if common.json {
        let mut writer = LineDelimitedWriter::new(Vec::new());
        writer.write(&rows).and_then(|()| writer.finish()).map_err(StageError::from)?;
        output::json_text(&String::from_utf8_lossy(&writer.into_inner()));
        return Ok(());
    }
    outln!("{}: {} rows\n", style::title(name), rows.num_rows());
    for (number, line) in aligned(&rows)?.iter().enumerate() {
        match number {
            0 => outln!("{}", style::dim(line)),
            _ => outln!("{line}"),
        }
    }
    Ok(())
}

/// The rows of a table with their names above, each column as wide as its widest value; numbers stand to the right.
fn aligned(rows: &RecordBatch) -> Result<Vec<String>, StageError> {
    let schema = rows.schema();
    let mut lines = vec![String::new(); rows.num_rows() + 1];
    for (field, array) in schema.fields().iter().zip(rows.columns()) {
        let values = values(array)?;
        let cells: Vec<String> = [field.name().to_owned()].into_iter().chain(values).collect();
        let width = cells.iter().map(|cell| cell.width()).max().unwrap_or(0);
        for (line, cell) in lines.iter_mut().zip(&cells) {
            let space = " ".repeat(width - cell.width());
            line.push_str("  ");
            match array.data_type().is_numeric() {
                true => line.extend([space.as_str(), cell.as_str()]),
                false => line.extend([cell.as_str(), space.as_str()]),
            }
        }
    }
    Ok(lines.into_iter().map(|line| line.trim_end().to_owned()).collect())
}

fn values(array: &ArrayRef) -> Result<Vec<String>, StageError> {
    let options = FormatOptions::default().with_null("-");
    let formatter = ArrayFormatter::try_new(array, &options)?;
    let is_floating = array.data_type().is_floating();
    let value = |row: usize| {
        let text = formatter.value(row).try_to_string()?;
        Ok(match text.parse::<f64>() {
            Ok(number) if is_floating && array.is_valid(row) => short(number),
            _ => printable_line(&text).into_owned(),
        })
    };
    (0..array.len()).map(value).collect()
}

/// A number with few places; one that would vanish, or is huge, with its exponent.
fn short(number: f64) -> String {
    let size = number.abs();
    if number != 0.0 && !(1e-3..1e7).contains(&size) {
        return format!("{number:.3e}");
    }
    let text = format!("{number:.PLACES$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, StringArray, UInt64Array};
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    #[test]
    fn columns_are_aligned_and_what_is_null_is_a_dash() {
        let schema = Schema::new(vec![
            Field::new("policy", DataType::Utf8, true),
            Field::new("rows", DataType::UInt64, true),
            Field::new("reward", DataType::Float64, true),
        ]);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(vec![Some("alder"), None, Some("b\u{1b}[31m")])),
            Arc::new(UInt64Array::from(vec![7, 1200, 30])),
            Arc::new(Float64Array::from(vec![Some(0.25), None, Some(0.000_012_3)])),
        ];
        let rows = RecordBatch::try_new(Arc::new(schema), columns).unwrap();
        insta::assert_snapshot!(aligned(&rows).unwrap().join("\n"), @r"
        policy       rows    reward
        alder           7      0.25
        -            1200         -
        b\u{1b}[31m    30  1.230e-5
        ");
    }
}
