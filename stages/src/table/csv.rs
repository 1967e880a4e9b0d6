//! Tables as CSV: read with types found from the values, and written.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow_csv::reader::Format;
use arrow_csv::{ReaderBuilder, WriterBuilder};
use sternlight_engine::stage::StageError;

/// The rows of a CSV file, whose first line has the names of the columns. A column is as narrow as all its values allow:
/// truth values, whole numbers, numbers, times, or text; an empty value is null.
///
/// # Errors
/// If it is not CSV, with the line.
pub(super) fn rows_of(text: &[u8]) -> Result<RecordBatch, StageError> {
    let format = Format::default().with_header(true);
    let (schema, _) = format.infer_schema(Cursor::new(text), None)?;
    let schema = Arc::new(schema);
    let reader = ReaderBuilder::new(Arc::clone(&schema)).with_header(true).build(Cursor::new(text))?;
    let batches = reader.collect::<Result<Vec<_>, _>>()?;
    Ok(concat_batches(&schema, &batches)?)
}

/// Rows as CSV, with the names of the columns in the first line; null is an empty value.
///
/// # Errors
/// If a column holds what CSV cannot: lists or structures.
pub fn csv_text(rows: &RecordBatch) -> Result<String, StageError> {
    let mut writer = WriterBuilder::new().with_header(true).build(Vec::new());
    writer.write(rows)?;
    String::from_utf8(writer.into_inner()).map_err(|error| StageError::new(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_again() {
        let text = "policy,rows,reward,done,note\nalder,3,0.5,true,\"a, b\"\nbirch,4,,false,\n";
        let rows = rows_of(text.as_bytes()).unwrap();
        let types: Vec<String> = rows.schema().fields().iter().map(|field| field.data_type().to_string()).collect();
        assert_eq!(types, ["Utf8", "Int64", "Float64", "Boolean", "Utf8"]);
        assert_eq!(rows.column(2).null_count(), 1);
        assert_eq!(csv_text(&rows).unwrap(), text);
        assert_eq!(rows_of(b"a,b\n").unwrap().num_rows(), 0);
    }

    #[test]
    fn a_line_with_another_number_of_values_is_named() {
        let error = rows_of(b"a,b\n1,2\n1,2,3\n").unwrap_err().message;
        assert!(error.contains("line 3"), "{error}");
    }
}
