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
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml"]), @r#"
    exit code 0
    --- stdout

    trajectories            12 with 36 turns
    groups                  3
    groups without signal   1 of 3 (all rewards equal, or fewer than two)
    reward                  mean 0.250, from 0 to 1
    advantage               mean -0.109, spread 0.655, from -0.783 to 1.306

    most blamed turn: task-1-trial-0 turn 0, advantage -0.783
        action            <tool_call> {"name": "refund", "arguments": {"booking":"R-1","step":0}} </tool_call>
        next observation  Only a manager may do this

    most praised turn: task-1-trial-2 turn 0, advantage +1.306
        action            <tool_call> {"name": "refund", "arguments": {"booking":"R-1","step":0}} </tool_call>
        next observation  Error: no such booking

    put aside by import     3 trajectories

    written by export       out.jsonl

    next
      sternlight show last advantage 'task-1-trial-0'
          that trajectory: its turns, verdicts and advantages
      sternlight show last import --quarantine
          what was put aside, and why
      sternlight plan pipeline.yaml
          edit the pipeline, then see what would run again
      sternlight stages
          what pipelines can do
    --- stderr
      import                12 trajectories  computed 2 parts, SECONDS
      warning: import: put 3 trajectories aside
      reward                12 trajectories  computed 2 parts, SECONDS
      advantage             12 trajectories  computed 2 parts, SECONDS
      export                12 trajectories  computed 1 part, SECONDS
    "#);
    insta::assert_snapshot!(place.said(&["show", "last", "import", "--quarantine"]), @"
    exit code 0
    --- stdout
    import: 3 trajectories in 1 shards

      trajectory_id            Utf8
      group_id                 Utf8
      task_id                  Utf8
      env                      Utf8
      policy                   Utf8
      prompt                   Utf8
      tools                    Utf8
      seed                     UInt64
      turns.observation        Utf8
      turns.action             Utf8
      turns.tool_name          Utf8
      turns.tool_arguments     Utf8
      turns.tool_error         Boolean
      turns.tool_answered      Boolean
      turns.reward             Float32
      final_observation        Utf8
      reward                   Float32
      success                  Boolean
      status                   Utf8
      error                    Utf8
      source                   Utf8
      extra                    Utf8
      quarantine_stage         Utf8
      quarantine_reason        Utf8
      quarantine_place         Utf8

      a.jsonl:2                        not a valid JSON object: invalid type: integer `7`, expected an object (column 1)
      a.jsonl:5                        the record is cut off at column 49; each line must be one whole JSON object
      a.jsonl:9                        field `reward`: expected a number, found text
    ");
    let row = quarantined(&place, "a.jsonl:5");
    assert_eq!(row["source"], "a.jsonl:5");
    assert_eq!(row["extra"], r#""{\"messages\": [{\"role\": \"user\", \"content\": \"cut of""#);
    assert_eq!((&row["quarantine_stage"], &row["quarantine_place"]), (&"import".into(), &"a.jsonl:5".into()));
    let row = quarantined(&place, "a.jsonl:9");
    assert_eq!(row["extra"], r#"{"reward":"high","messages":[{"role":"assistant","content":"hello"}]}"#);
    insta::assert_snapshot!(row["quarantine_reason"].as_str().unwrap(), @"field `reward`: expected a number, found text");
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
    insta::assert_snapshot!(place.said(&["show", "last", "import", "--quarantine"]), @"
    exit code 2
    --- stderr
    error: `import` put no trajectory aside
    help: `on_error: quarantine` lets a stage put aside what it cannot process
    ");
}

#[test]
fn a_file_of_nothing_but_faults() {
    let place = place();
    place.write("data/a.jsonl", "{\n2\n");
    place.run();
    place.write("data/b.jsonl", "{}\n");
    let said = place.said(&["run", "pipeline.yaml", "-q"]);
    insta::assert_snapshot!(said, @"
    exit code 0
    --- stdout

    groups                  0
    groups without signal   0 of 0 (all rewards equal, or fewer than two)

    put aside by import     3 trajectories

    written by export       out.jsonl
    ");
}

#[test]
fn what_cannot_be_put_aside_stays_an_error() {
    let place = place();
    place.edit("pipeline.yaml", "data/*.jsonl", "data/*.json");
    let array = format!("[{}]", chats(0..2, 0..2).trim_end().replace('\n', ",\n"));
    place.write("data/cut.json", &array[..array.len() - 100]);
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml", "-q"]), @"
    exit code 1
    --- stderr
    error: stage `import`: data/cut.json, element 3 (line 4): the file ends within this element: it is cut off
    ");
    place.write("data/cut.json", array.replacen("},\n{", "},\n7,\n{", 1));
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml", "-q"]), @"
    exit code 1
    --- stderr
    error: stage `import`: data/cut.json, element 1 (line 2): expected an object, found `7`
    ");
    let twice = chats(0..1, 0..1).repeat(2).trim_end().replace('\n', ",\n");
    place.write("data/cut.json", format!("[{twice}]"));
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml", "-q"]), @"
    exit code 1
    --- stderr
    error: stage `import`: trajectory `task-0-trial-0`: two rows have the same trajectory id: row 0 of `cut.json, records 0-1` and row 1 of `cut.json, records 0-1`
    help: give the records different ids, or import one of the files only
    ");
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
    insta::assert_snapshot!(place.said(&["check", "pipeline.yaml"]), @"
    exit code 2
    --- stderr
    pipeline.yaml:10:27: error: `export` takes its whole input or nothing: it cannot put trajectories aside
       |
    10 |   export: { uses: export, on_error: quarantine, from: advantage, with: { to: out.jsonl, format: openai-chat } }
       |                           ^^^^^^^^
       = help: take it out; the stages before it may have `on_error: quarantine`

    error: 1 problem
    ");
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
