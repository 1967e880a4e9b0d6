//! `on_error: quarantine`: what cannot be processed is put aside, told, counted and kept, and the rest goes on.

use std::collections::BTreeSet;
use std::fs;

use super::harness::{Workplace, chats, exit_code, json_lines};

const PIPELINE: &str = "\
version: 1
name: damaged
stages:
  import:
    uses: import
    with: { files: data/*.jsonl, format: openai-chat, env: desk, policy: agent }
    on_error: quarantine
  reward: { uses: reward, from: import, with: { by: outcome } }
  advantage: { uses: advantage, from: reward, with: { estimator: grpo } }
  export: { uses: export, from: advantage, with: { to: out.jsonl, format: openai-chat } }
";

/// Records that cannot be imported, between others that can.
fn damaged() -> String {
    let good = chats(0..3, 0..2);
    let mut lines: Vec<&str> = good.lines().collect();
    lines.insert(5, r#"{"reward": "high", "messages": [{"role": "assistant", "content": "hello"}]}"#);
    lines.insert(2, r#"{"messages": [{"role": "user", "content": "cut of"#);
    lines.insert(2, "");
    lines.insert(1, "7");
    lines.join("\n") + "\n"
}

fn place() -> Workplace {
    let place = Workplace::new();
    place.write("pipeline.yaml", PIPELINE);
    place.write("data/a.jsonl", damaged());
    place.write("data/b.jsonl", chats(0..3, 2..4));
    place
}

/// The rows of a dataset, by id, as `show` prints them for programs.
fn quarantined(place: &Workplace, id: &str) -> serde_json::Value {
    let output = place.sternlight(&["show", "last", "import", id, "--quarantine", "--json"]);
    assert_eq!(exit_code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
    json_lines(&output.stdout).remove(0)
}

#[test]
fn faulty_records_are_put_aside_and_told() {
    let place = place();
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml"]), @"");
    insta::assert_snapshot!(place.said(&["show", "last", "import", "--quarantine"]), @"");
    let row = quarantined(&place, "a.jsonl:5");
    assert_eq!(row["source"], "a.jsonl:5");
    assert_eq!(row["extra"], r#""{\"messages\": [{\"role\": \"user\", \"content\": \"cut of""#);
    assert_eq!((&row["quarantine_stage"], &row["quarantine_place"]), (&"import".into(), &"a.jsonl:5".into()));
    let row = quarantined(&place, "a.jsonl:9");
    assert_eq!(row["extra"], r#"{"reward":"high","messages":[{"role":"assistant","content":"hello"}]}"#);
    insta::assert_snapshot!(row["quarantine_reason"].as_str().unwrap(), @"");
}

#[test]
fn the_rest_is_as_if_faulty_records_had_never_been_there() {
    let place = place();
    place.run();
    let with_faults = place.read("out.jsonl");
    place.write("data/a.jsonl", chats(0..3, 0..2));
    place.run();
    assert_eq!(place.read("out.jsonl"), with_faults);
}

#[test]
fn shards_do_not_matter() {
    let place = place();
    let rows = |arguments: &[&str], shard_bytes: &str| {
        place.run_with(arguments, &[("STERNLIGHT_SHARD_BYTES", shard_bytes)]);
        ["a.jsonl:2", "a.jsonl:5", "a.jsonl:9"].map(|id| quarantined(&place, id))
    };
    let whole = rows(&["run", "pipeline.yaml"], "1000000");
    fs::remove_dir_all(place.path(".sternlight")).unwrap();
    let cut = rows(&["run", "pipeline.yaml", "--threads", "1"], "100");
    assert_eq!(cut, whole);
}

#[test]
fn a_cached_run_counts_again_and_strict_says_no() {
    let place = place();
    let first = place.run();
    let again = place.run_with(&["run", "pipeline.yaml"], &[]);
    for run in [&first, &again] {
        let told = run.events.iter().filter(|event| event["event"] == "quarantined");
        let told: Vec<&str> = told.map(|event| event["place"].as_str().unwrap()).collect();
        assert_eq!(told, ["a.jsonl:2", "a.jsonl:5", "a.jsonl:9"]);
        let finished = run.events.iter().find(|event| event["event"] == "stage_finished").unwrap();
        assert_eq!(finished["quarantined"], 3);
    }
    let output = place.sternlight(&["run", "pipeline.yaml", "--strict"]);
    assert_eq!(exit_code(&output), 3);
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(stdout.contains("\nput aside by import     3 trajectories\n"), "{stdout}");
    assert!(stderr.ends_with("error: 3 trajectories put aside, and `--strict` allows none\n"), "{stderr}");
    let output = place.sternlight(&["run", "pipeline.yaml", "--strict", "--json"]);
    assert_eq!(exit_code(&output), 3);
    assert_eq!(json_lines(&output.stdout).last().unwrap()["status"], "done");
    place.write("data/a.jsonl", chats(0..3, 0..2));
    assert_eq!(exit_code(&place.sternlight(&["run", "pipeline.yaml", "--strict"])), 0);
    insta::assert_snapshot!(place.said(&["show", "last", "import", "--quarantine"]), @"");
}

#[test]
fn a_file_of_nothing_but_faults() {
    let place = place();
    place.write("data/a.jsonl", "{\n2\n");
    place.run();
    place.write("data/b.jsonl", "{}\n");
    let said = place.said(&["run", "pipeline.yaml", "-q"]);
    insta::assert_snapshot!(said, @"");
}

#[test]
fn what_cannot_be_put_aside_stays_an_error() {
    let place = place();
    place.edit("pipeline.yaml", "data/*.jsonl", "data/*.json");
    let array = format!("[{}]", chats(0..2, 0..2).trim_end().replace('\n', ",\n"));
    place.write("data/cut.json", &array[..array.len() - 100]);
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml", "-q"]), @"");
    place.write("data/cut.json", array.replacen("},\n{", "},\n7,\n{", 1));
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml", "-q"]), @"");
    let twice = chats(0..1, 0..1).repeat(2).trim_end().replace('\n', ",\n");
    place.write("data/cut.json", format!("[{twice}]"));
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml", "-q"]), @"");
}

#[test]
fn elements_of_an_array_are_named_by_their_number() {
    let place = place();
    place.edit("pipeline.yaml", "data/*.jsonl", "data/*.json");
    let array = format!("[{}]", chats(0..2, 0..2).trim_end().replace('\n', ",\n"));
    place.write("data/a.json", array.replacen("},\n{", "},\n\n{\"messages\": 7},\n{", 1));
    place.run();
    let id = "a.json, element 1 (line 3)";
    assert_eq!(quarantined(&place, id)["extra"], r#"{"messages":7}"#);
}

#[test]
fn a_sink_cannot_put_anything_aside() {
    let place = place();
    place.edit("pipeline.yaml", "export: { uses: export, ", "export: { uses: export, on_error: quarantine, ");
    insta::assert_snapshot!(place.said(&["check", "pipeline.yaml"]), @"");
}

#[test]
fn ids_are_in_one_place_only() {
    let place = place();
    place.run();
    let exported: BTreeSet<String> = json_lines(place.read("out.jsonl").as_bytes())
        .iter()
        .map(|row| row["trajectory_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(exported.len(), 12);
    let manifest = place.sternlight(&["show", "last", "import", "--quarantine", "--path"]);
    let manifest = String::from_utf8(manifest.stdout).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&fs::read(manifest.trim()).unwrap()).unwrap();
    assert_eq!(manifest["rows"], 3);
    assert!(exported.iter().all(|id| !id.contains(':')));
}
