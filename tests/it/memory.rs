//! What does not fit into `--memory` is refused with its place and its size, and what lies between takes none.

use std::fs::File;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, FloatType};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use crate::harness::{Workplace, chat, exit_code};

const RECORDS: &str = "\
version: 1
name: records
stages:
  import: { uses: import, with: { files: data.*, format: openai-chat, env: desk, policy: agent } }
";

const IN_PLACE: &str = "\
version: 1
name: in-place
stages:
  import: { uses: import, with: { files: data.parquet } }
  reflect: { uses: reflect, from: import, with: { by: rules } }
  advantage: { uses: advantage, from: reflect, with: { estimator: grpo } }
";

fn place(pipeline: &str) -> Workplace {
    let place = Workplace::new();
    place.write("pipeline.yaml", pipeline);
    place
}

fn said(place: &Workplace) -> String {
    place.said(&["run", "pipeline.yaml", "-q", "--memory", "64MiB"])
}

/// A chat with an answer of so many bytes.
fn long_chat(bytes: usize) -> String {
    let mut chat = chat(0, 0);
    chat["messages"].as_array_mut().unwrap().last_mut().unwrap()["content"] = "x".repeat(bytes).into();
    chat.to_string()
}

#[test]
fn a_record_that_does_not_fit_is_named_with_its_size() {
    let place = place(RECORDS);
    place.write("data.jsonl", format!("{}\n\n{}\n{}\n", chat(0, 1), long_chat(40 << 20), chat(0, 2)));
    insta::assert_snapshot!(said(&place), @"
    exit code 1
    --- stderr
    error: stage `import`: data.jsonl:3: the record has 40 MiB; importing it takes 6 times as much, more than the 64 MiB of `--memory`
    help: raise `--memory`, or leave the record out
    ");
    let output = place.sternlight(&["run", "pipeline.yaml", "-q", "--memory", "512MiB"]);
    assert_eq!(exit_code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
    // What is known of the file by now does not make it fit.
    assert!(said(&place).contains("data.jsonl:3: the record has 40 MiB"));
}

#[test]
fn an_element_that_does_not_fit_is_named_however_it_is_compressed() {
    let place = place(RECORDS);
    let zeros = zstd::encode_all([b"[{\"a\": \"".as_slice(), &vec![0; 64 << 20]].concat().as_slice(), 1).unwrap();
    assert!(zeros.len() < 1 << 20);
    place.write("data.json.zst", zeros);
    insta::assert_snapshot!(said(&place), @"
    exit code 1
    --- stderr
    error: stage `import`: data.json.zst, element 0 (line 1): the record has 64 MiB; importing it takes 6 times as much, more than the 64 MiB of `--memory`
    help: raise `--memory`, or leave the record out
    ");
}

#[test]
fn white_space_is_no_record_however_much_there_is() {
    let blank = " ".repeat(12 << 20);
    let breaks = "\n".repeat(1 << 18);
    let (first, second) = (chat(0, 1), chat(0, 2));
    let lines = format!("{breaks}{blank}\n{first}\n{blank}{second}\n{breaks}");
    let array = format!("{breaks}[{first}{breaks},{blank}{second}{blank}]{breaks}");
    for (name, text) in [("data.jsonl", lines), ("data.json", array)] {
        for compressed in [false, true] {
            let place = place(RECORDS);
            match compressed {
                false => place.write(name, &text),
                true => place.write(&format!("{name}.zst"), zstd::encode_all(text.as_bytes(), 1).unwrap()),
            }
            let run = place.run_with(&["run", "pipeline.yaml", "--memory", "64MiB"], &[]);
            assert_eq!(run.rows("import"), 2, "{name}");
            // Cut into many shards, the same rows come out: digests of what is read are those of the survey.
            let run =
                place.run_with(&["run", "pipeline.yaml", "--memory", "64MiB"], &[("STERNLIGHT_SHARD_BYTES", "9")]);
            assert_eq!(run.rows("import"), 2, "{name}");
        }
    }
}

/// Turns of a row: how many, and what is observed in each.
type Turns<'a> = (usize, &'a str);

/// Parquet whose rows have many equal turns, which takes next to no bytes.
fn repeated(place: &Workplace, rows: &[Turns<'_>], properties: WriterProperties) -> u64 {
    let schema = parse_message_type(
        "message schema {
            required binary trajectory_id (STRING);
            required binary group_id (STRING);
            required binary status (STRING);
            required float reward;
            required group turns (LIST) { repeated group list { required group element {
                required binary observation (STRING);
                required binary action (STRING);
            } } }
        }",
    )
    .unwrap();
    let path = place.path("data.parquet");
    let mut writer =
        SerializedFileWriter::new(File::create(&path).unwrap(), Arc::new(schema), Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let texts: [Box<dyn Fn(usize) -> String>; 3] =
        [Box::new(|row| format!("t{row}")), Box::new(|_| "g".to_owned()), Box::new(|_| "done".to_owned())];
    for text in texts {
        let mut column = group.next_column().unwrap().unwrap();
        let values: Vec<ByteArray> = (0..rows.len()).map(|row| text(row).as_str().into()).collect();
        column.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap();
        column.close().unwrap();
    }
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<FloatType>().write_batch(&vec![1.0; rows.len()], None, None).unwrap();
    column.close().unwrap();
    for is_observation in [true, false] {
        let mut column = group.next_column().unwrap().unwrap();
        for (turns, observation) in rows {
            let value = ByteArray::from(if is_observation { *observation } else { "go" });
            let repetition: Vec<i16> = (0..*turns).map(|turn| i16::from(turn > 0)).collect();
            let (values, definition) = (vec![value; *turns], vec![1; *turns]);
            column.typed::<ByteArrayType>().write_batch(&values, Some(&definition), Some(&repetition)).unwrap();
        }
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    path.metadata().unwrap().len()
}

fn compressed() -> WriterPropertiesBuilder {
    WriterProperties::builder().set_compression(Compression::ZSTD(Default::default()))
}

#[test]
fn a_row_of_parquet_that_does_not_fit_is_refused_before_it_is_decoded() {
    let place = place(IN_PLACE);
    let bytes = repeated(&place, &[(3_000_000, "o")], compressed().build());
    assert!(bytes < 100_000, "{bytes}");
    insta::assert_snapshot!(said(&place), @"
    exit code 1
    --- stderr
    error: stage `reflect`: HERE/data.parquet: trajectory `t0`: row 0: it has at least 31 MiB decoded, and working on it takes 3 times as much, more than the 64 MiB of `--memory`
    help: raise `--memory`, or leave the row out of the file
    ");
}

#[test]
fn a_row_among_others_that_does_not_fit_is_named() {
    let place = place(IN_PLACE);
    let long = "x".repeat(100_000);
    repeated(&place, &[(3, "a"), (2, &long), (300, &long), (1, "b")], compressed().build());
    insta::assert_snapshot!(said(&place), @"
    exit code 1
    --- stderr
    error: stage `reflect`: HERE/data.parquet: trajectory `t2`: row 2, column `turns.observation`: it has at least 21 MiB decoded, and working on it takes 3 times as much, more than the 64 MiB of `--memory`
    help: raise `--memory`, or leave the row out of the file
    ");
}

#[test]
fn many_rows_that_each_fit_are_read_in_small_steps() {
    let place = place(IN_PLACE);
    let long = "x".repeat(100_000);
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        repeated(&place, &vec![(3, long.as_str()); 80], compressed().set_writer_version(version).build());
        let run = place.run_with(&["run", "pipeline.yaml", "--memory", "64MiB"], &[]);
        assert_eq!(run.rows("advantage"), 80);
    }
}

#[test]
fn a_page_that_does_not_fit_is_named() {
    let place = place(IN_PLACE);
    let text = "0123456789".repeat(2_000_000);
    // One after the other they fit, but not the page that holds them all.
    let rows: Vec<Turns<'_>> = vec![(1, &text[..]); 4];
    let properties = compressed().set_dictionary_enabled(false).set_data_page_size_limit(1 << 30);
    repeated(&place, &rows, properties.set_write_batch_size(1 << 20).build());
    insta::assert_snapshot!(said(&place), @"
    exit code 1
    --- stderr
    error: stage `reflect`: HERE/data.parquet: row group 0, column `turns.observation`: a page has 76 MiB uncompressed, more than the 64 MiB of `--memory`
    help: raise `--memory`, or have the file written with smaller pages
    ");
}

#[test]
fn a_footer_that_lies_is_found_out_before_its_pages_are_decoded() {
    const TURNS: usize = 3_000_000;
    let place = place(IN_PLACE);
    repeated(&place, &[(TURNS, "o")], compressed().build());
    let mut bytes = std::fs::read(place.path("data.parquet")).unwrap();
    let end = bytes.len() - 8;
    let length = u32::from_le_bytes(bytes[end..end + 4].try_into().unwrap());
    let footer = &mut bytes[end - length as usize..end];
    let (honest, lie) = (thrift_number(TURNS), thrift_number(TURNS / 2));
    let found: Vec<usize> = (0..footer.len()).filter(|at| footer[*at..].starts_with(&honest)).collect();
    assert!(found.len() >= 2, "values and bytes of both columns: {found:?}");
    found.iter().for_each(|at| footer[*at..at + honest.len()].copy_from_slice(&lie));
    place.write("data.parquet", bytes);
    insta::assert_snapshot!(said(&place), @"
    exit code 1
    --- stderr
    error: stage `reflect`: HERE/data.parquet: trajectory `t0`: row 0, column `turns.observation`: it has at least 21 MiB decoded, and working on it takes 3 times as much, more than the 64 MiB of `--memory`
    help: raise `--memory`, or leave the row out of the file
    ");
}

/// A number as footers hold it.
fn thrift_number(number: usize) -> Vec<u8> {
    let (mut left, mut bytes) = (2 * number, Vec::new());
    while left >= 0x80 {
        bytes.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    bytes.push(left as u8);
    bytes
}
