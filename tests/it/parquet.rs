//! Exported Parquet, imported again where it lies: as the program wrote it, and as other writers would have.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, Float32Array, Int64Array, ListArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::{WriterProperties, WriterVersion};
use serde_json::{Value, json};
use sternlight_engine::trajectory::TrajectoryBatch;

use crate::exported::{exported, paths};
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

/// A seed below zero has no place in the column: it is left out when the file is imported, and that is said.
#[test]
fn numbers_that_do_not_fit_are_left_out() {
    let place = Workplace::new();
    let batch = quickstart(&place);
    let ours = batch.record_batch();
    let mut arrays = ours.columns().to_vec();
    let seed = ours.schema().index_of("seed").unwrap();
    arrays[seed] = Arc::new((0..ours.num_rows()).map(|row| Some(7 - row as i64)).collect::<Int64Array>());
    let path = place.path("seeds.parquet");
    write(&path, &nullable(ours, arrays), WriterVersion::PARQUET_1_0);
    place.write("again.yaml", AGAIN);
    let run = place.run_with(&["run", "again.yaml", "--set", &reading(&path)], &[]);
    let warning = format!("{} runs with a seed below zero, which is left out", ours.num_rows() - 8);
    assert!(run.events.iter().any(|event| event["warnings"].to_string().contains(&warning)), "{warning}");
    let again = exported(&place.path("copy.parquet"));
    let seeds = again.column("seed").unwrap();
    assert_eq!((seeds.null_count(), seeds.is_valid(7)), (ours.num_rows() - 8, true));
}

#[test]
fn a_row_is_shown_as_json_all_the_way_down() {
    let place = Workplace::new();
    let batch = quickstart(&place);
    let ours = batch.record_batch().slice(0, 2);
    let scores = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), None]), None]);
    let schema = ours.schema();
    let fields = schema.fields().iter().cloned();
    let fields = fields.chain([Arc::new(Field::new("scores", arrow::array::Array::data_type(&scores).clone(), true))]);
    let columns = ours.columns().iter().cloned().chain([Arc::new(scores) as ArrayRef]).collect();
    let rows = RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns).unwrap();
    let path = place.path("scores.parquet");
    write(&path, &rows, WriterVersion::PARQUET_1_0);
    place.write("again.yaml", AGAIN);
    place.run_with(&["run", "again.yaml", "--set", &reading(&path)], &[]);
    let shown = [0, 1].map(|row| {
        let output = place.sternlight(&["show", "last", "import", &batch.name_of(row), "--json"]);
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    });
    assert_eq!(shown.each_ref().map(|row| &row["scores"]), [&json!([1, null]), &Value::Null]);
    assert_eq!(shown[0]["turns"].as_array().unwrap().len(), batch.turns_of(0).len());
    assert!(shown[0]["turns"][0]["advantage"].is_number() && shown[0]["turns"][0]["action"].is_string());
}

/// Chunks are copied into an export as they are; what is promised of their values must hold nevertheless.
#[test]
fn what_breaks_the_schema_is_refused_where_no_stage_reads_it() {
    let place = Workplace::new();
    let batch = quickstart(&place);
    let ours = batch.record_batch();
    place.write("again.yaml", AGAIN);
    let rows = ours.num_rows();
    let said = |column: &str, values: ArrayRef| {
        let mut arrays = ours.columns().to_vec();
        arrays[ours.schema().index_of(column).unwrap()] = values;
        write(&place.path("in.parquet"), &nullable(ours, arrays), WriterVersion::PARQUET_1_0);
        let set = reading(&place.path("in.parquet"));
        let said = place.said(&["run", "again.yaml", "-q", "--set", &set]);
        assert!(!place.path("copy.parquet").exists());
        said
    };
    let rewards = (0..rows).map(|row| Some(if row == 70 { f32::NAN } else { 1.0 }));
    insta::assert_snapshot!(said("reward", Arc::new(rewards.collect::<Float32Array>())), @"
    exit code 1
    --- stderr
    error: stage `copy`: HERE/in.parquet: trajectory `service-desk-0#71`: row 70, column `reward`: is NaN, expected a finite number or null
    help: a `filter` with `reward is not null` leaves such rows out
    ");
    let statuses = (0..rows).map(|row| (row != 7).then_some("done"));
    insta::assert_snapshot!(said("status", Arc::new(statuses.collect::<StringArray>())), @"
    exit code 1
    --- stderr
    error: stage `import`: in.parquet, row 7: trajectory `service-desk-0#7`: `status` is null, expected a value
    help: `on_error: quarantine` puts such rows aside
    ");
}

/// The Parquet crate panics at some footers where it should return an error.
#[test]
fn a_footer_that_makes_its_reader_panic_is_an_error_of_the_file() {
    let place = Workplace::new();
    let batch = quickstart(&place);
    write(&place.path("in.parquet"), batch.record_batch(), WriterVersion::PARQUET_1_0);
    place.write("again.yaml", AGAIN);
    let bytes = fs::read(place.path("in.parquet")).unwrap();
    let footer = bytes.len() - 8 - u32::from_le_bytes(bytes[bytes.len() - 8..][..4].try_into().unwrap()) as usize;
    // Whatever a byte of the footer says instead, the run ends with an error or well, and a panic is never told.
    for at in (footer..bytes.len() - 8).step_by(397) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x41;
        place.write("in.parquet", &damaged);
        let output = place.sternlight(&["run", "again.yaml", "-q", "--set", &reading(&place.path("in.parquet"))]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(matches!(output.status.code(), Some(0..=2)) && !said.contains("panicked"), "byte {at}: {said}");
    }
}
