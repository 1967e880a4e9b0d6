//! Exported Parquet, imported again where it lies: as the program wrote it, and as other writers would have.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::{WriterProperties, WriterVersion};
use sternlight_engine::trajectory::TrajectoryBatch;

use crate::program::{exported, run, shipped};

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
fn quickstart(directory: &Path) -> TrajectoryBatch {
    let ran = run(directory, &shipped("quickstart.yaml"), &[]);
    assert_eq!((ran.exit, ran.errors.as_str()), (Some(0), ""));
    exported(&directory.join("sternlight-output/quickstart"))
}

/// Runs [`AGAIN`] on files and holds both exports against the batch.
fn assert_again(files: &Path, expected: &TrajectoryBatch) {
    let directory = tempfile::tempdir().unwrap();
    let pipeline = directory.path().join("again.yaml");
    fs::write(&pipeline, AGAIN).unwrap();
    let before = fs::metadata(files).map(|metadata| metadata.modified().unwrap()).ok();
    let ran = run(directory.path(), &pipeline, &[("files", &files.to_string_lossy())]);
    assert_eq!((ran.exit, ran.errors.as_str()), (Some(0), ""), "{}", files.display());
    assert_eq!(before, fs::metadata(files).map(|metadata| metadata.modified().unwrap()).ok());
    for export in ["copy.parquet", "credited.parquet"] {
        let again = exported(&directory.path().join(export));
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
    let directory = tempfile::tempdir().unwrap();
    let batch = quickstart(directory.path());
    assert!(batch.rows() > 300 && batch.float("turns.advantage").unwrap().iter().flatten().any(|value| value != 0.0));
    assert_again(&directory.path().join("sternlight-output/quickstart/*.parquet"), &batch);
    assert_again(&directory.path().join("sternlight-output/quickstart/part-0000?.parquet"), &batch);
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

#[test]
fn what_others_write_is_read_as_the_same_values() {
    let directory = tempfile::tempdir().unwrap();
    let batch = quickstart(directory.path());
    let ours = batch.record_batch();
    for (name, texts, version) in [
        ("large", Texts::Large, WriterVersion::PARQUET_1_0),
        ("view", Texts::View, WriterVersion::PARQUET_2_0),
        ("dictionary", Texts::Dictionary, WriterVersion::PARQUET_1_0),
    ] {
        let types: Vec<DataType> =
            ours.schema().fields().iter().map(|field| foreign(field.data_type(), texts)).collect();
        let arrays = ours.columns().iter().zip(&types).map(|(array, to)| cast(array, to).unwrap()).collect();
        let fields = ours.schema().fields().iter().zip(&types).map(|(of, to)| Field::new(of.name(), to.clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let theirs = RecordBatch::try_new(Arc::clone(&schema), arrays).unwrap();
        let path = directory.path().join(format!("{name}.parquet"));
        let properties =
            WriterProperties::builder().set_max_row_group_row_count(Some(50)).set_writer_version(version).build();
        let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), schema, Some(properties)).unwrap();
        writer.write(&theirs).unwrap();
        writer.close().unwrap();
        assert_again(&path, &batch);
    }
}
