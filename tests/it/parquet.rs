//! Exported Parquet, imported again where it lies: as the program wrote it, and as other writers would have.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::{WriterProperties, WriterVersion};
use sternlight_engine::trajectory::TrajectoryBatch;

use crate::exported::exported;
use crate::harness::{Workplace, shipped};

/// Hands on what is there, and computes the advantages once more.
const AGAIN: &str = "
version: 1
name: again
params: { files: null }
stages:
  import: { uses: import, with: { files: '${params.files}', format: sternlight } }
  copy: { uses: export, from: import, with: { to: copy.parquet } }
  advantage: { uses: advantage, from: import, with: { estimator: grpo } }
  credited: { uses: export, from: advantage, with: { to: credited.parquet } }
";

/// What the quickstart exports.
fn quickstart(place: &Workplace) -> TrajectoryBatch {
    place.run_with(&["run", &shipped("quickstart.yaml").to_string_lossy()], &[]);
    exported(&place.path("sternlight-output/quickstart"))
}

/// The parameter of [`AGAIN`].
fn reading(files: &Path) -> String {
    format!("params.files={}", files.display())
}

/// Runs [`AGAIN`] on files and holds both exports against the batch.
fn assert_again(files: &Path, expected: &TrajectoryBatch) {
    let place = Workplace::new();
    place.write("again.yaml", AGAIN);
    let before = fs::metadata(files).map(|metadata| metadata.modified().unwrap()).ok();
    place.run_with(&["run", "again.yaml", "--set", &reading(files)], &[]);
    assert_eq!(before, fs::metadata(files).map(|metadata| metadata.modified().unwrap()).ok());
    for export in ["copy.parquet", "credited.parquet"] {
        let again = exported(&place.path(export));
        assert_eq!(paths(&again), paths(expected), "{export} of {}", files.display());
        for path in paths(expected) {
            let (again, expected) = (again.column(&path).unwrap(), expected.column(&path).unwrap());
            assert!(again == expected, "column `{path}` of {export} of {} differs", files.display());
        }
        assert_eq!(again.turn_offsets(), expected.turn_offsets());
    }
}

fn paths(batch: &TrajectoryBatch) -> Vec<String> {
    let schema = sternlight_engine::trajectory::TrajectorySchema::new(batch.record_batch().schema());
    schema.paths().iter().map(ToString::to_string).collect()
}

#[test]
fn an_export_is_imported_as_it_was() {
    let place = Workplace::new();
    let batch = quickstart(&place);
    assert!(batch.rows() > 300 && batch.float("turns.advantage").unwrap().iter().flatten().any(|value| value != 0.0));
    assert_again(&place.path("sternlight-output/quickstart/*.parquet"), &batch);
    assert_again(&place.path("sternlight-output/quickstart/part-0000?.parquet"), &batch);
}

/// How a writer holds texts.
#[derive(Clone, Copy)]
enum Texts {
    Large,
    View,
    Dictionary,
}

/// The same values in other types: all nullable, elements called `item`, numbers wide.
fn foreign(data_type: &DataType, texts: Texts) -> DataType {
    let field = |field: &Field, name: &str| Arc::new(Field::new(name, foreign(field.data_type(), texts), true));
    match data_type {
        DataType::Utf8 => match texts {
            Texts::Large => DataType::LargeUtf8,
            Texts::View => DataType::Utf8View,
            Texts::Dictionary => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
        },
        DataType::Float32 => DataType::Float64,
        DataType::UInt64 => DataType::Int64,
        DataType::List(element) => DataType::LargeList(field(element, "item")),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|of| field(of, of.name())).collect()),
        other => other.clone(),
    }
}

/// The columns under their names, all nullable.
fn nullable(names: &RecordBatch, arrays: Vec<ArrayRef>) -> RecordBatch {
    let names = names.schema();
    let fields = names.fields().iter().zip(&arrays);
    let fields: Vec<Field> =
        fields.map(|(field, array)| Field::new(field.name(), array.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

/// Writes a file with row groups of fifty rows.
fn write(path: &Path, batch: &RecordBatch, version: WriterVersion) {
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(50)).set_writer_version(version);
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties.build())).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

#[test]
fn what_others_write_is_read_as_the_same_values() {
    let place = Workplace::new();
    let batch = quickstart(&place);
    let ours = batch.record_batch();
    for (name, texts, version) in [
        ("large", Texts::Large, WriterVersion::PARQUET_1_0),
        ("view", Texts::View, WriterVersion::PARQUET_2_0),
        ("dictionary", Texts::Dictionary, WriterVersion::PARQUET_1_0),
    ] {
        let types = ours.columns().iter().map(|array| foreign(array.data_type(), texts));
        let arrays = ours.columns().iter().zip(types).map(|(array, to)| cast(array, &to).unwrap()).collect();
        let path = place.path(&format!("{name}.parquet"));
        write(&path, &nullable(ours, arrays), version);
        assert_again(&path, &batch);
    }
}

/// A seed below zero has no place in the column: it must not become a null.
#[test]
fn numbers_that_do_not_fit_are_refused() {
    let place = Workplace::new();
    let batch = quickstart(&place);
    let ours = batch.record_batch();
    let mut arrays = ours.columns().to_vec();
    let seed = ours.schema().index_of("seed").unwrap();
    arrays[seed] = Arc::new((0..ours.num_rows()).map(|row| Some(7 - row as i64)).collect::<Int64Array>());
    let path = place.path("seeds.parquet");
    write(&path, &nullable(ours, arrays), WriterVersion::PARQUET_1_0);
    place.write("again.yaml", AGAIN);
    insta::assert_snapshot!(place.said(&["run", "again.yaml", "-q", "--set", &reading(&path)]), @"
    exit code 1
    --- stderr
    error: stage `copy`: HERE/seeds.parquet: column `seed` has type Int64, expected values of type UInt64: Can't cast value -1 to type UInt64
    ");
}
