//! Pipelines with a plugin: a reward in plain Rust, `plugins/tests/tool_penalty`, built and committed beside its source.

use std::fs;
use std::path::Path;

use regex::Regex;
use serde_json::{Value, json};

use super::harness::{Workplace, exit_code};

const PIPELINE: &str = "\
version: 1
name: penalised
stages:
  import: { uses: import, with: { files: data/*.jsonl } }
  reward:
    uses: ./tool_penalty.wasm
    from: import
    with: { penalty: 0.25 }
  advantage: { uses: advantage, from: reward, with: { estimator: grpo } }
  export: { uses: export, from: advantage, with: { to: out, format: parquet } }
";

pub(crate) fn plugin() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins/tests/tool_penalty/tool_penalty.wasm");
    fs::read(path).unwrap()
}

/// A chat of as many calls as given, then an answer.
fn chat(id: &str, calls: usize, answer: &str) -> Value {
    let mut messages = vec![json!({"role": "user", "content": "Please refund it."})];
    for call in 0..calls {
        let function = json!({"name": "refund", "arguments": "{}"});
        let tool_calls = json!([{"id": format!("c{call}"), "type": "function", "function": function}]);
        messages.push(json!({"role": "assistant", "content": null, "tool_calls": tool_calls}));
        messages.push(json!({"role": "tool", "tool_call_id": format!("c{call}"), "content": "done"}));
    }
    messages.push(json!({"role": "assistant", "content": answer}));
    json!({"trajectory_id": id, "group_id": "g", "task_id": "refund", "success": calls.is_multiple_of(2), "messages": messages})
}

fn lines(chats: &[Value]) -> String {
    chats.iter().map(|chat| format!("{chat}\n")).collect()
}

pub(crate) fn place(answers: [&str; 6]) -> Workplace {
    let place = Workplace::new();
    place.write("pipeline.yaml", PIPELINE);
    place.write("tool_penalty.wasm", plugin());
    // Compiling it is told, the first time: not to those who look at what a run says.
    place.sternlight(&["plugin", "inspect", "tool_penalty.wasm"]);
    let chats: Vec<Value> =
        answers.iter().enumerate().map(|(index, answer)| chat(&format!("t{index}"), index, answer)).collect();
    place.write("data/a.jsonl", lines(&chats[..3]));
    place.write("data/b.jsonl", lines(&chats[3..]));
    place
}

pub(crate) const FINE: [&str; 6] = ["Done."; 6];

fn reward_metrics(run: &super::harness::Run) -> Value {
    run.of_kind("stage_finished").find(|stage| stage["stage"] == "reward").unwrap()["metrics"].clone()
}

#[test]
fn a_reward_of_somebody_elses_program() {
    let place = place(FINE);
    let first = place.run();
    assert_eq!(first.computed()["reward"], 2);
    let metrics = reward_metrics(&first);
    // 1, -0.25, 0.5, -0.75, 0, -1.25.
    let mean = metrics["reward"]["distribution"]["mean"].as_f64().unwrap();
    assert!((mean - -0.125).abs() < 1e-6, "{metrics}");
    assert_eq!(metrics["tool calls"]["distribution"]["mean"], 2.5);
    assert_eq!(metrics["scored"]["count"], 6);
    assert!(place.run().computed().is_empty());
    // Where it lies decides nothing; its options do.
    place.edit("pipeline.yaml", "./tool_penalty.wasm", "./moved/penalty.wasm");
    place.write("moved/penalty.wasm", plugin());
    // An export tells where its rows come from, addresses of plugins among it.
    assert_eq!(place.run().computed().into_keys().collect::<Vec<_>>(), ["export"]);
    place.edit("pipeline.yaml", "0.25", "0.5");
    assert_eq!(place.run().computed()["reward"], 2);
}

#[test]
fn batches_threads_and_processes_decide_nothing() {
    let place = place(FINE);
    let first = place.run();
    let expected = place.datasets(&first)["reward"].clone();
    for arguments in [&["--batch-rows", "1"][..], &["--threads", "1"], &["--executor", "processes"]] {
        fs::remove_dir_all(place.path(".sternlight")).unwrap();
        let run = place.run_with(&[&["run", "pipeline.yaml"], arguments].concat(), &[]);
        assert_eq!(place.datasets(&run)["reward"], expected, "{arguments:?}");
    }
}

#[test]
fn what_check_says_of_plugins() {
    let place = place(FINE);
    let said = |from: &str, to: &str| {
        place.write("pipeline.yaml", PIPELINE.replace(from, to));
        let told = place.said(&["check", "pipeline.yaml"]);
        Regex::new("[0-9a-f]{64}").unwrap().replace_all(&told, "SHA256").into_owned()
    };
    insta::assert_snapshot!(said("", ""), @"
    exit code 0
    --- stdout
    pipeline.yaml: ok, 4 stages
    ");
    insta::assert_snapshot!(said("penalty: 0.25", "penalti: 0.25"), @"
    exit code 2
    --- stderr
    pipeline.yaml:8:13: error: unknown key `penalti`
      |
    8 |     with: { penalti: 0.25 }
      |             ^^^^^^^
      = help: did you mean `penalty`?

    error: 1 problem
    ");
    insta::assert_snapshot!(said("penalty: 0.25", "penalty: -1"), @"
    exit code 2
    --- stderr
    pipeline.yaml:8:22: error: expected at least 0, found `-1`
      |
    8 |     with: { penalty: -1 }
      |                      ^^

    error: 1 problem
    ");
    insta::assert_snapshot!(said("penalty: 0.25", "penalty: 1.5"), @"
    exit code 2
    --- stderr
    pipeline.yaml:8:11: error: plugin `tool-penalty` 0.1.0: a penalty of 1.5 leaves nothing
      |
    8 |     with: { penalty: 1.5 }
      |           ^^^^^^^^^^^^^^^^

    error: 1 problem
    ");
    insta::assert_snapshot!(said("    from: import\n    with: { penalty: 0.25 }", "    from: import\n    sha256: 9f2c"), @"
    exit code 2
    --- stderr
    pipeline.yaml:8:13: error: `9f2c` is no SHA-256: expected 64 hexadecimal digits
      |
    8 |     sha256: 9f2c
      |             ^^^^
      = help: the plugin's is `SHA256`

    error: 1 problem
    ");
    insta::assert_snapshot!(said("./tool_penalty", "./tool_penalti"), @"
    exit code 2
    --- stderr
    pipeline.yaml:6:11: error: cannot read the plugin `./tool_penalti.wasm`: No such file or directory (os error 2)
      |
    6 |     uses: ./tool_penalti.wasm
      |           ^^^^^^^^^^^^^^^^^^^
      = help: paths begin at the pipeline's own directory: `HERE/./tool_penalti.wasm`

    error: 1 problem
    ");
    insta::assert_snapshot!(said("    from: import\n    with", "    from: import\n    limits: { memory: 64KiB }\n    with"), @"
    exit code 2
    --- stderr
    pipeline.yaml:6:11: error: `./tool_penalty.wasm` cannot be used: it cannot start: it asked for 2 MiB of memory, and its limit is 64 KiB
      |
    6 |     uses: ./tool_penalty.wasm
      |           ^^^^^^^^^^^^^^^^^^^

    error: 1 problem
    ");
    insta::assert_snapshot!(said("./tool_penalty.wasm", "oci://Registry/Penalty"), @"
    exit code 2
    --- stderr
    pipeline.yaml:6:11: error: `oci://Registry/Penalty` is no address of a plugin
      |
    6 |     uses: oci://Registry/Penalty
      |           ^^^^^^^^^^^^^^^^^^^^^^
      = help: expected `oci://registry/name:tag` or `oci://registry/name@sha256:…`, names in small letters

    error: 1 problem
    ");
    // Nobody listens at that port, which is for what is gone.
    let unreachable = said("./tool_penalty.wasm", "oci://localhost:9/penalty:1");
    assert!(unreachable.contains("`oci://localhost:9/penalty:1`: `localhost:9` cannot be reached: "), "{unreachable}");
}

#[test]
fn what_a_plugin_cannot_do_names_it_and_the_trajectory() {
    let failed = |answer: &str, limits: &str| {
        let place = place(["Done.", "Done.", "Done.", "Done.", answer, "Done."]);
        place.edit(
            "pipeline.yaml",
            "    with: { penalty: 0.25 }\n",
            &format!("    with: {{ penalty: 0.25 }}\n{limits}"),
        );
        let output = place.sternlight(&["run", "pipeline.yaml", "--quiet"]);
        assert_eq!(exit_code(&output), 1);
        place.told(&output)
    };
    insta::assert_snapshot!(failed("ERROR", ""), @"
    exit code 1
    --- stderr
    error: stage `reward`: trajectory `t4`: plugin `tool-penalty` 0.1.0: the action is not for scoring
    ");
    insta::assert_snapshot!(failed("PANIC", ""), @r#"
    exit code 1
    --- stderr
    error: stage `reward`: trajectory `t4`: plugin `tool-penalty` 0.1.0: panicked at src/lib.rs:77:24:
        cannot score Some("refund")
        in sternlight:plugin/reward-stage@1.0.0#score
    "#);
    insta::assert_snapshot!(failed("LOOP", "    limits: { call_time: 200ms }\n"), @"
    exit code 1
    --- stderr
    error: stage `reward`: trajectory `t4`: plugin `tool-penalty` 0.1.0: a call took longer than its limit of 200ms
        in tool_penalty::wait_forever
        in sternlight:plugin/reward-stage@1.0.0#score
    help: mend the plugin, or raise `limits: {call_time}` of the stage
    ");
}

/// Whatever is wrong with a trajectory, the others come through.
#[test]
fn trajectories_at_fault_are_put_aside() {
    let place = place(["Done.", "ERROR", "Done.", "PANIC", "LOOP", "Done."]);
    let mended = "    on_error: quarantine\n    limits: { call_time: 200ms }\n    with: { penalty: 0.25 }\n";
    place.edit("pipeline.yaml", "    with: { penalty: 0.25 }\n", mended);
    let run = place.run();
    let metrics = reward_metrics(&run);
    assert_eq!((&metrics["scored"]["count"], &metrics["tool calls"]["distribution"]["count"]), (&json!(3), &json!(3)));
    let finished = run.of_kind("stage_finished").find(|stage| stage["stage"] == "reward").unwrap();
    assert_eq!(finished["rows"], 3);
    assert!(place.run().computed().is_empty());
}

/// What the other shard came to is kept: mended, the plugin works on one shard only.
#[test]
fn other_shards_are_kept() {
    let place = place(["Done.", "Done.", "Done.", "Done.", "PANIC", "Done."]);
    assert_eq!(exit_code(&place.sternlight(&["run", "pipeline.yaml", "--quiet"])), 1);
    let chats: Vec<Value> = (3..6).map(|index| chat(&format!("t{index}"), index, "Done.")).collect();
    place.write("data/b.jsonl", lines(&chats));
    let run = place.run();
    assert_eq!((run.computed()["import"], run.computed()["reward"]), (1, 1));
}

#[test]
fn a_plugin_can_be_looked_at() {
    let place = place(FINE);
    let told = place.said(&["plugin", "inspect", "tool_penalty.wasm"]);
    let told = Regex::new("[0-9a-f]{64}").unwrap().replace_all(&told, "SHA256").into_owned();
    insta::assert_snapshot!(Regex::new(r"\d+ KiB").unwrap().replace_all(&told, "SIZE"), @r#"
    exit code 0
    --- stdout
    tool-penalty 0.1.0
      Takes a little off for each tool call
    world     reward
    size      SIZE
    sha256    SHA256
    imports   nothing beyond the contract
    sees      a trajectory at once
    reads     task_id, success, turns.action, turns.tool_name
    adds      reward (float32), turns.reward (float32)
    options   {
                "type": "object",
                "properties": {
                  "penalty": {
                    "type": "number",
                    "minimum": 0
                  }
                },
                "additionalProperties": false
              }
    "#);
    let output = place.sternlight(&["plugin", "inspect", "tool_penalty.wasm", "--json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told["world"], &told["columns"]["adds"][0]), (&json!("reward"), &json!(["reward", "float32"])));
    place.write("text.wasm", "no");
    insta::assert_snapshot!(place.said(&["plugin", "inspect", "text.wasm"]), @"
    exit code 2
    --- stderr
    error: `text.wasm` is no WebAssembly
    ");
}
