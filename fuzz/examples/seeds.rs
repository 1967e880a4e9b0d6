//! Writes the inputs that fuzzing starts from and nobody can write by hand, below `corpus`: what plugins return, Parquet files,
//! and what a store keeps. Run it in `fuzz/` after the formats changed.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, Float64Array, ListArray, RecordBatch, StringArray, StructArray};
use arrow::datatypes::{DataType, Field, Fields, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use serde_json::Value;
use sternlight_engine::trajectory::{TrajectoryBuilder, TrajectoryRow, TurnRow};
use sternlight_fuzz::{data_directory, files_below, made, unsealed};

type Seeds = Vec<(String, Vec<u8>)>;

fn main() -> std::io::Result<()> {
    for (target, seeds) in [("guest", guests()), ("parquet", parquet_files()), ("store", stored())] {
        let directory = Path::new("corpus").join(target);
        fs::create_dir_all(&directory)?;
        for (name, bytes) in seeds {
            fs::write(directory.join(name), bytes)?;
        }
    }
    Ok(())
}

/// Two rows, as we write them.
fn rows() -> RecordBatch {
    let mut builder = TrajectoryBuilder::new();
    let turn = TurnRow { observation: "o".to_owned(), action: "a".to_owned(), reward: Some(0.5), ..TurnRow::default() };
    builder.push(&TrajectoryRow {
        trajectory_id: "x".to_owned(),
        group_id: "g".to_owned(),
        turns: vec![turn.clone(), turn],
        reward: Some(1.0),
        ..TrajectoryRow::default()
    });
    builder.push(&TrajectoryRow {
        trajectory_id: "y".to_owned(),
        group_id: "g".to_owned(),
        ..TrajectoryRow::default()
    });
    builder.finish().expect("rows").record_batch().clone()
}

/// The columns that must be there, the reward as a double, and texts of other types.
fn foreign(texts: &DataType) -> RecordBatch {
    let text = |values: Vec<&str>| arrow::compute::cast(&StringArray::from(values), texts).expect("another text");
    let turn_columns: Vec<ArrayRef> = vec![text(vec!["o", "p"]), text(vec!["a", "b"])];
    let turn_fields: Fields =
        ["observation", "action"].map(|name| Field::new(name, texts.clone(), true)).to_vec().into();
    let turns = StructArray::new(turn_fields.clone(), turn_columns, None);
    let element = Arc::new(Field::new("item", DataType::Struct(turn_fields), true));
    let offsets = arrow::buffer::OffsetBuffer::from_lengths([2, 0]);
    let turns: ArrayRef = Arc::new(ListArray::new(element, offsets, Arc::new(turns), None));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("trajectory_id", text(vec!["x", "y"])),
        ("group_id", text(vec!["g", "g"])),
        ("status", text(vec!["done", "failed"])),
        ("reward", Arc::new(Float64Array::from(vec![Some(1.0), None]))),
        ("turns", turns),
    ];
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|(_, array)| array).collect())
        .expect("rows")
}

/// What the plugin of the target returns: all columns that it can add, those of its turns, and one; a reward, and a contract.
fn guests() -> Seeds {
    let floats = |values: Vec<f32>| -> ArrayRef { Arc::new(arrow::array::Float32Array::from(values)) };
    let list = |values: ArrayRef, lengths: [usize; 3]| -> ArrayRef {
        let element = Arc::new(Field::new("element", values.data_type().clone(), true));
        Arc::new(ListArray::new(element, arrow::buffer::OffsetBuffer::from_lengths(lengths), values, None))
    };
    let words: ArrayRef = Arc::new(StringArray::from(vec!["a", "", "ø"]));
    let turns = StructArray::from(vec![
        (Arc::new(Field::new("reward", DataType::Float32, true)), floats(vec![0.5, 1.0, -1.0])),
        (
            Arc::new(Field::new("words", list(Arc::clone(&words), [1, 2, 0]).data_type().clone(), true)),
            list(words, [1, 2, 0]),
        ),
    ]);
    let turns = list(Arc::new(turns), [2, 0, 1]);
    let note: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("c")]));
    let flag: ArrayRef = Arc::new(arrow::array::BooleanArray::from(vec![Some(true), None, Some(false)]));
    let rows = vec![
        ("note", note),
        ("flag", flag),
        ("scores", list(floats(vec![1.0, 2.0]), [0, 2, 0])),
        ("reward", floats(vec![1.0, 0.0, -1.0])),
    ];
    let stream = |columns: Vec<(&str, ArrayRef)>, chosen: u8| {
        let batch = RecordBatch::try_from_iter(columns).expect("columns");
        let mut writer = arrow::ipc::writer::StreamWriter::try_new(vec![chosen], batch.schema_ref()).expect("a writer");
        writer.write(&batch).expect("a batch");
        writer.into_inner().expect("bytes")
    };
    let all = rows.iter().cloned().chain([("turns", Arc::clone(&turns))]).collect();
    let contract =
        b"d\0\0\0\x01\x0cturns.action\0\x01\x06reward\x07float32\0\x05guest\x051.0.0\0{\"type\": \"object\"}";
    let selection = b"d\0\x01\0\x01\x04keep\0\x01\x04keep\x04bool\0\x05guest\x051.0.0\0{\"type\": \"object\"}";
    vec![
        ("all".to_owned(), stream(all, 0b11_1111)),
        ("turns".to_owned(), stream(vec![("turns", turns)], 0b11_0000)),
        ("reward".to_owned(), stream(rows[3..].to_vec(), 0b1000)),
        ("typed-rewards".to_owned(), b"r\0\x09\x01\x01\0\0\x80\x3f\x01\x02\x01\0\0\0\0\0\x01\0\0\x08\x03bad".to_vec()),
        ("typed-reflections".to_owned(), b"r\x01\x09\x01\x02\x01\x08progress\0\x01\x06failed\x01\x03why".to_vec()),
        ("description".to_owned(), contract.to_vec()),
        ("selection".to_owned(), selection.to_vec()),
    ]
}

fn parquet_files() -> Seeds {
    let ours = rows();
    assert!(ours.column_by_name("turns").is_some_and(|turns| turns.as_list_opt::<i32>().is_some()));
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let files = [
        ("ours", written(&ours, Compression::UNCOMPRESSED, EnabledStatistics::Chunk)),
        ("zstd", written(&ours, Compression::ZSTD(Default::default()), EnabledStatistics::None)),
        ("large", written(&foreign(&DataType::LargeUtf8), Compression::UNCOMPRESSED, EnabledStatistics::Page)),
        ("dictionary", written(&foreign(&dictionary), Compression::SNAPPY, EnabledStatistics::None)),
    ];
    let mut seeds: Seeds = Vec::new();
    for (name, file) in &files {
        seeds.push((name.to_string(), [&[0], file.as_slice()].concat()));
        let (rest, tail) = file.split_last_chunk::<8>().expect("a footer");
        let footer = u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]) as usize;
        let (pages, footer) = rest[4..].split_at(rest.len() - 4 - footer);
        let length = u16::try_from(pages.len()).expect("few pages").to_le_bytes();
        seeds.push((format!("{name}-parts"), [&[1], length.as_slice(), pages, footer].concat()));
    }
    seeds
}

fn written(rows: &RecordBatch, compression: Compression, statistics: EnabledStatistics) -> Vec<u8> {
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_statistics_enabled(statistics)
        .set_max_row_group_row_count(Some(1))
        .build();
    // The embedded Arrow schema is not read: without it, mutations hit what is.
    let options = parquet::arrow::arrow_writer::ArrowWriterOptions::new()
        .with_properties(properties)
        .with_skip_arrow_metadata(true);
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new_with_options(&mut bytes, rows.schema(), options).expect("a writer");
    writer.write(rows).expect("rows");
    writer.close().expect("a file");
    bytes
}

/// Commits, manifests, events and keys of a store, without what differs from machine to machine.
fn stored() -> Seeds {
    let (place, commits) = made();
    let first = fs::read(&commits[0]).expect("a commit");
    let directory = data_directory(&first).expect("a data file");
    let here = place.path("").to_string_lossy().into_owned();
    let neutral = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&directory, "DATA").replace(&here, "/");
    let mut seeds: Seeds = Vec::new();
    for (index, path) in commits.iter().enumerate() {
        let bytes = fs::read(path).expect("a commit");
        let mut commit = unsealed(&bytes);
        if let Some(commit) = commit.as_object_mut() {
            commit.shift_remove("parts");
        }
        let own = data_directory(&bytes).unwrap_or_else(|| "DATA".to_owned());
        let text = neutral(commit.to_string().replace(&own, "DATA").as_bytes());
        seeds.push((format!("commit-{index}"), format!("{index}{text}").into_bytes()));
    }
    for (index, path) in files_below(&place.path("store/manifests")).iter().enumerate() {
        let manifest: Value = serde_json::from_slice(&fs::read(path).expect("a manifest")).expect("JSON");
        // Only the first shard's own file is there under a name that is known.
        let text = neutral(manifest.to_string().as_bytes());
        seeds.push((format!("manifest-{index}"), format!("m{text}").into_bytes()));
    }
    for path in files_below(&place.path("store/runs")) {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        seeds.push((name, format!("e{}", neutral(&fs::read(&path).expect("lines"))).into_bytes()));
    }
    seeds
}
