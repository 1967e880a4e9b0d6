//! Recordings, stores and targets that cannot be used: the error names the place, and nothing is left half-written.

use std::fs;

use super::harness::{PIPELINE, Workplace, chats};

/// Runs the pipeline over one file, and checks that nothing was left but the store.
fn said(name: &str, bytes: impl AsRef<[u8]>) -> String {
    let place = Workplace::with_pipeline();
    fs::remove_dir_all(place.path("data")).unwrap();
    place.write(&format!("data/{name}"), bytes);
    place.edit("pipeline.yaml", "files: data/*.jsonl, env: desk, policy: agent", "files: data/*");
    let said = place.said(&["run", "pipeline.yaml", "-q"]);
    nothing_is_half_written(&place);
    said
}

/// No export, no hidden directory, and a store that can be shown and used.
fn nothing_is_half_written(place: &Workplace) {
    let left: Vec<String> = fs::read_dir(place.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| !["data", "pipeline.yaml", "rules.yaml", ".sternlight"].contains(&name.as_str()))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(place.sternlight(&["runs"]).status.success());
    assert_eq!(place.files(".sternlight/data").len(), 0);
    assert_eq!(place.files(".sternlight/commits").len(), 0);
    // With good data the same store serves.
    fs::remove_dir_all(place.path("data")).unwrap();
    place.write("data/good.jsonl", chats(0..2, 0..2));
    place.run();
}

fn parquet() -> Vec<u8> {
    let place = Workplace::with_pipeline();
    place.write("pipeline.yaml", PIPELINE.replace("to: out.jsonl, format: openai-chat", "to: out.parquet"));
    place.run();
    fs::read(place.path("out.parquet")).unwrap()
}

#[test]
fn a_json_array_that_is_cut_off() {
    let whole = format!("[{}]", chats(0..2, 0..2).trim_end().replace('\n', ",\n"));
    insta::assert_snapshot!(said("cut.json", &whole[..whole.len() - 100]), @"
    exit code 1
    --- stderr
    error: stage `import`: data/cut.json, element 3 (line 4): the file ends within this element: it is cut off
    ");
}

#[test]
fn a_last_line_that_is_cut_off() {
    let whole = chats(0..2, 0..2);
    insta::assert_snapshot!(said("cut.jsonl", &whole[..whole.len() - 100]), @"
    exit code 1
    --- stderr
    error: stage `import`: data/cut.jsonl:4: the record is cut off at column 924; each line must be one whole JSON object
    help: `on_error: quarantine` puts such records aside
    ");
}

#[test]
fn a_compressed_file_that_is_cut_off() {
    let whole = zstd::encode_all(chats(0..9, 0..9).as_bytes(), 1).unwrap();
    insta::assert_snapshot!(said("cut.jsonl.zst", &whole[..whole.len() / 2]), @"
    exit code 2
    --- stderr
    pipeline.yaml:7:20: error: cannot read `data/cut.jsonl.zst`: incomplete frame
      |
    7 |     with: { files: data/* }
      |                    ^^^^^^
      = help: if it is compressed, it may be cut off or damaged: try to decompress it

    error: 1 problem
    ");
}

#[test]
fn a_field_of_the_wrong_type() {
    let record = r#"{"messages": [{"role": "user", "content": "hello"}, {"role": "assistant", "content": 7}]}"#;
    insta::assert_snapshot!(said("types.jsonl", chats(0..1, 0..2) + record), @"
    exit code 1
    --- stderr
    error: stage `import`: data/types.jsonl:3: field `messages[1].content`: expected text or a list of parts, found a number
    help: `on_error: quarantine` puts such records aside
    ");
    let record = r#"{"reward": "high", "messages": [{"role": "assistant", "content": "hello"}]}"#;
    insta::assert_snapshot!(said("types.jsonl", chats(0..1, 0..2) + record), @"
    exit code 1
    --- stderr
    error: stage `import`: data/types.jsonl:3: field `reward`: expected a number, found text
    help: write it as a number, without quotes; `on_error: quarantine` puts such records aside
    ");
}

#[test]
fn bytes_that_are_no_text() {
    let mut bytes = chats(0..1, 0..1).into_bytes();
    bytes.extend_from_slice(b"{\"messages\": [{\"role\": \"user\", \"content\": \"caf\xe9\"}]}\n");
    insta::assert_snapshot!(said("latin-1.jsonl", bytes), @"
    exit code 1
    --- stderr
    error: stage `import`: data/latin-1.jsonl:2: field `content`: is not valid UTF-8 at byte 46 of the record
    help: `on_error: quarantine` puts such records aside
    ");
}

#[test]
fn an_empty_file() {
    insta::assert_snapshot!(said("empty.jsonl", ""), @"
    exit code 2
    --- stderr
    pipeline.yaml:7:20: error: `data/empty.jsonl` is empty
      |
    7 |     with: { files: data/* }
      |                    ^^^^^^
      = help: remove it from `files`

    error: 1 problem
    ");
}

#[test]
fn the_same_id_twice() {
    let place = Workplace::with_pipeline();
    place.write("data/b.jsonl", chats(2..3, 1..2));
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml", "-q"]), @"
    exit code 1
    --- stderr
    error: stage `import`: trajectory `task-2-trial-1`: two rows have the same trajectory id: row 5 of `a.jsonl, records 0-5` and row 0 of `b.jsonl, records 0-0`
    help: give the records different ids, or import one of the files only
    ");
    assert!(!place.path("out.jsonl").exists());
}

#[test]
fn parquet_without_the_columns() {
    use std::sync::Arc;

    use arrow::array::{RecordBatch, StringArray};
    use parquet::arrow::ArrowWriter;

    let mut bytes = Vec::new();
    let column: arrow::array::ArrayRef = Arc::new(StringArray::from(vec!["a"]));
    let batch = RecordBatch::try_from_iter([("group_id", Arc::clone(&column)), ("text", column)]).unwrap();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    insta::assert_snapshot!(said("text.parquet", bytes), @"
    exit code 2
    --- stderr
    pipeline.yaml:7:20: error: `data/text.parquet` has no column `trajectory_id`, which every trajectory needs
      |
    7 |     with: { files: data/* }
      |                    ^^^^^^
      = help: `sternlight stages import` lists the columns that a file must have

    error: 1 problem
    ");
}

#[test]
fn parquet_that_is_cut_in_half() {
    let whole = parquet();
    insta::assert_snapshot!(said("half.parquet", &whole[..whole.len() / 2]), @"
    exit code 2
    --- stderr
    pipeline.yaml:7:20: error: cannot read `data/half.parquet` as Parquet: Parquet error: Invalid Parquet file. Corrupt footer
      |
    7 |     with: { files: data/* }
      |                    ^^^^^^
      = help: it may be cut off: the columns are described at the end of the file

    error: 1 problem
    ");
}

#[test]
fn parquet_whose_pages_are_damaged() {
    let place = Workplace::with_pipeline();
    let mut bytes = parquet();
    // Behind the magic and the first page's header; the footer stays as it is.
    for byte in &mut bytes[40..400] {
        *byte ^= 0x55;
    }
    fs::remove_dir_all(place.path("data")).unwrap();
    place.write("data/damaged.parquet", bytes);
    place.edit("pipeline.yaml", "files: data/*.jsonl, env: desk, policy: agent", "files: data/*");
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml", "-q"]), @"
    exit code 1
    --- stderr
    error: stage `import`: cannot read `HERE/data/damaged.parquet` as Parquet: Parquet argument error: External: Data corruption detected
    help: the file is damaged: have it written anew, or leave it out
    ");
    assert!(!place.path("out.jsonl").exists());
}

#[test]
fn files_that_are_not_there() {
    let place = Workplace::with_pipeline();
    fs::remove_dir_all(place.path("data")).unwrap();
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml"]), @"
    exit code 2
    --- stderr
    pipeline.yaml:7:20: error: nothing matches `data/*.jsonl` in `HERE`
      |
    7 |     with: { files: data/*.jsonl, env: desk, policy: agent }
      |                    ^^^^^^^^^^^^
      = help: paths begin at the pipeline's own directory; `*` stays within one directory, `**` crosses them

    error: 1 problem
    ");
    place.edit("pipeline.yaml", "data/*.jsonl", "[missing.jsonl, rules.yaml]");
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml"]), @"
    exit code 2
    --- stderr
    pipeline.yaml:7:21: error: nothing matches `missing.jsonl` in `HERE`
      |
    7 |     with: { files: [missing.jsonl, rules.yaml], env: desk, policy: agent }
      |                     ^^^^^^^^^^^^^
      = help: paths begin at the pipeline's own directory; `*` stays within one directory, `**` crosses them

    error: 1 problem
    ");
}

#[test]
fn a_directory_instead_of_a_file() {
    let place = Workplace::with_pipeline();
    place.edit("pipeline.yaml", "data/*.jsonl", "data");
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml"]), @"
    exit code 2
    --- stderr
    pipeline.yaml:7:20: error: `data` is a directory, expected a file or a glob
      |
    7 |     with: { files: data, env: desk, policy: agent }
      |                    ^^^^
      = help: name the files in it with their ending, as in `data/*.parquet`

    error: 1 problem
    ");
    insta::assert_snapshot!(place.said(&["run", "data"]), @"
    exit code 2
    --- stderr
    error: cannot read `data`: it is a directory, expected a regular file
    ");
}

#[test]
fn a_rules_file_with_faults() {
    let place = Workplace::with_pipeline();
    place.write("rules.yaml", "refusal: ['(?i)only (']\nloops: 3\n");
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml"]), @"
    exit code 2
    --- stderr
    pipeline.yaml:10:69: error: rules.yaml:1:11: refusal[0]: `(?i)only (` is no regular expression: unclosed group
       |
    10 |   reflect: { uses: reflect, from: reward, with: { by: rules, rules: rules.yaml } }
       |                                                                     ^^^^^^^^^^
       = help: the manual's page on `reflect` shows the built-in rule file

    error: 1 problem
    ");
    fs::remove_file(place.path("rules.yaml")).unwrap();
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml"]), @"
    exit code 2
    --- stderr
    pipeline.yaml:10:69: error: cannot read the rule file `rules.yaml`: No such file or directory (os error 2)
       |
    10 |   reflect: { uses: reflect, from: reward, with: { by: rules, rules: rules.yaml } }
       |                                                                     ^^^^^^^^^^
       = help: the manual's page on `reflect` shows the built-in rule file

    error: 1 problem
    ");
}

#[test]
fn a_pipeline_that_cannot_be_read() {
    let place = Workplace::new();
    place.write("latin-1.yaml", b"version: 1\nname: caf\xe9\n");
    insta::assert_snapshot!(place.said(&["run", "latin-1.yaml"]), @"
    exit code 2
    --- stderr
    error: latin-1.yaml:2: the file is not UTF-8
    help: save it as UTF-8
    ");
    place.write("empty.yaml", "");
    insta::assert_snapshot!(place.said(&["run", "empty.yaml"]), @"
    exit code 2
    --- stderr
    empty.yaml:1:1: error: the file is empty
      |
    1 |
      | ^
      = help: begin with `version: 1`

    error: 1 problem
    ");
    insta::assert_snapshot!(place.said(&["run", "missing.yaml"]), @"
    exit code 2
    --- stderr
    error: cannot read `missing.yaml`: No such file or directory (os error 2)
    ");
}

#[test]
fn a_store_that_cannot_be_used() {
    let place = Workplace::with_pipeline();
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml", "--store", "rules.yaml/store"]), @"
    exit code 1
    --- stderr
    error: cannot create the store `rules.yaml/store`: Not a directory (os error 20)
    help: choose another place with `--store DIR`, or free the space or rights that it needs
    ");
    place.write("old/format", "0");
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml", "--store", "old"]), @"
    exit code 1
    --- stderr
    error: the store `HERE/old` has format 0, expected 1
    help: use the version that made it, or another directory with `--store DIR`; if no other version did, the file `format` is damaged: write the expected number into it
    ");
    assert!(!place.path("out.jsonl").exists());
}

#[test]
fn data_of_the_store_that_were_damaged() {
    let place = Workplace::with_pipeline();
    place.run();
    for (name, mut bytes) in place.files(".sternlight/data") {
        // Pages begin behind the magic.
        bytes.iter_mut().skip(4).take(200).for_each(|byte| *byte ^= 0x55);
        place.write(&format!(".sternlight/data/{name}"), bytes);
    }
    place.edit("pipeline.yaml", "estimator: grpo", "estimator: rloo");
    let before = place.read("out.jsonl");
    let said = place.said(&["run", "pipeline.yaml", "-q", "--threads", "1"]);
    let said = regex::Regex::new(r"data/../\w{32}-\w{6}").unwrap().replace_all(&said, "data/ATTEMPT").into_owned();
    insta::assert_snapshot!(said, @"
    exit code 1
    --- stderr
    error: stage `advantage`: HERE/.sternlight/data/ATTEMPT/columns.parquet: the footer is not the one that was written
    help: the file was changed, or the disk is failing; its result was forgotten: run the pipeline again, and it is computed anew
    ");
    assert_eq!(place.read("out.jsonl"), before);
}

#[test]
fn a_file_of_somebody_else_at_the_target() {
    let place = Workplace::with_pipeline();
    place.write("out.jsonl", "precious\n");
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml", "-q"]), @"
    exit code 1
    --- stderr
    error: stage `export`: `HERE/out.jsonl` is there already, and sternlight did not write it
    help: move it away, choose another `to`, or set `overwrite: true`
    ");
    assert_eq!(place.read("out.jsonl"), "precious\n");
    assert_eq!(fs::read_dir(place.path("")).unwrap().count(), 5, "nothing beside it");
    place.edit("pipeline.yaml", "format: openai-chat", "format: openai-chat, overwrite: true");
    place.run();
    assert!(place.read("out.jsonl").starts_with('{'));
}

#[test]
fn a_target_below_a_file() {
    let place = Workplace::with_pipeline();
    place.edit("pipeline.yaml", "to: out.jsonl", "to: rules.yaml/out.jsonl");
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml", "-q"]), @"
    exit code 1
    --- stderr
    error: stage `export`: cannot create `HERE/rules.yaml`: File exists (os error 17)
    ");
}
