//! `plugin test` and `plugin bench`, with the reward in plain Rust that is committed beside its source.

use std::fs;
use std::path::Path;

use regex::Regex;
use serde_json::{Value, json};

use super::harness::{Workplace, chats, exit_code, json_lines};

fn place() -> Workplace {
    let place = Workplace::new();
    let plugin = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins/tests/tool_penalty/tool_penalty.wasm");
    place.write("tool_penalty.wasm", fs::read(plugin).unwrap());
    // Whoever is first is told that it compiles.
    place.said(&["plugin", "inspect", "tool_penalty.wasm"]);
    place
}

#[test]
fn a_plugin_is_tried() {
    let place = place();
    place.write("data.jsonl", chats(0..3, 0..2));
    let told =
        place.said(&["plugin", "test", "tool_penalty.wasm", "--data", "data.jsonl", "--with", "{ penalty: 0.5 }"]);
    let told = Regex::new(r"at most .* for a call").unwrap().replace(&told, "AMOUNTS").into_owned();
    insta::assert_snapshot!(told, @r#"
    exit code 0
    --- stdout
    tool-penalty 0.1.0, a plugin of the world `reward`
    ok      describe      asked three times, and after `configure`, on two instances
    ok      schema        2 samples of its own tried
    ok      contract      6 columns under {"penalty":0.5}, asked four times on two instances
    ok      columns       `reward`, `turns.reward` for 64 trajectories
    ok      again         64 trajectories three times: twice on an instance, once on another
    ok      split         64 trajectories in one call, one by one, cut at random 3 times, and in another order
    ok      empty batch   a call for no trajectories
    ok      no turns      4 trajectories without turns, and 5 with empty texts or nothing else
    ok      nulls         `task_id`, `success`, `turns.tool_name` in turn, and all together
    ok      unicode       32 trajectories of many scripts, signs and control characters
    ok      huge texts    1 MiB each in `task_id`, `turns.action`, `turns.tool_name`, 15 trajectories in a call
    ok      limits        40 calls for 256 trajectories of 8 turns: AMOUNTS, that of the other checks included
    ok      data          6 trajectories with values, 0 with an error
                          `reward`: 0 values, 6 nulls
                          `turns.reward`: 12 values, 6 nulls, from -0.500 to -0.500, -0.500 in the mean
    "#);
    let output = place.sternlight(&["plugin", "test", "tool_penalty.wasm", "--json"]);
    let events = json_lines(&output.stdout);
    assert_eq!((&events[0]["event"], &events[0]["world"]), (&json!("plugin"), &json!("reward")));
    assert!(events.iter().filter(|event| event["event"] == "check").all(|check| check["verdict"] == "passed"));
    assert_eq!(events.last().unwrap(), &json!({ "event": "finished", "failed": 0 }));
}

#[test]
fn a_check_that_fails_is_told_and_decides_the_exit_code() {
    let place = place();
    let told = place.said(&["plugin", "test", "tool_penalty.wasm", "--memory", "2MiB", "--quiet"]);
    insta::assert_snapshot!(told, @"
    exit code 1
    --- stdout
    tool-penalty 0.1.0, a plugin of the world `reward`
    FAILED  huge texts    1 MiB each in `task_id`, `turns.action`, `turns.tool_name`, 15 trajectories in a call
                          trajectory `huge-task_id-0`: it asked for 3 MiB of memory, and its limit is 2 MiB
                              in <dlmalloc::dlmalloc::Dlmalloc<dlmalloc::sys::System>>::malloc
                              in cabi_realloc_wit_bindgen_0_61_1
                              in cabi_realloc
                          help: mend the plugin, or raise `limits: {memory}` of the stage
    --- stderr
    error: 1 check failed
    ");
    let output = place.sternlight(&["plugin", "test", "tool_penalty.wasm", "--memory", "2MiB", "--json"]);
    let events = json_lines(&output.stdout);
    assert_eq!((exit_code(&output), &events.last().unwrap()["failed"]), (1, &json!(1)));
}

#[test]
fn what_cannot_be_tried_is_told() {
    let place = place();
    let refused = ["{ penalty: -1 }", "{ penalty: 2 }", "[1]"]
        .map(|with| place.said(&["plugin", "test", "tool_penalty.wasm", "--with", with]));
    insta::assert_snapshot!(refused.join("\n"), @"
    exit code 1
    --- stderr
    error: `with.penalty`: expected at least 0, found `-1`

    exit code 1
    --- stderr
    error: `with`: plugin `tool-penalty` 0.1.0: a penalty of 2 leaves nothing

    exit code 2
    --- stderr
    error: `--with` is no mapping
    help: write it as in a pipeline: `--with '{ limit: 4 }'`
    ");
    let refused = ["{ clocks: true }", "{ read: [nowhere] }"]
        .map(|allow| place.said(&["plugin", "test", "tool_penalty.wasm", "--allow", allow]));
    insta::assert_snapshot!(refused.join("\n"), @"
    exit code 2
    --- stderr
    error: `--allow` cannot be read: unknown field `clocks`, expected one of `read`, `write`, `env`, `network`, `clock`, `random` at line 1 column 3
    help: write it as in a pipeline: `--allow '{ clock: true }'`

    exit code 1
    --- stderr
    error: `allow.read.0`: `nowhere` is not there
    help: paths begin at the pipeline's own directory: `./nowhere`
    ");
    insta::assert_snapshot!(place.said(&["plugin", "test", "tool_penalty.wasm", "--quiet", "--data", "nothing.jsonl"]), @"
    exit code 2
    --- stdout
    tool-penalty 0.1.0, a plugin of the world `reward`
    --- stderr
    error: cannot read `nothing.jsonl`: No such file or directory (os error 2)
    ");
}

#[test]
fn a_plugin_is_measured() {
    let place = place();
    place.write("data.jsonl", chats(0..3, 0..2));
    for data in [&[][..], &["--data", "data.jsonl"]] {
        let arguments = ["plugin", "bench", "tool_penalty.wasm", "--trajectories", "300", "--json"];
        let output = place.sternlight(&[&arguments, data].concat());
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let calls = &told["cost"]["calls"];
        let (trajectories, count) = if data.is_empty() { (300, 2) } else { (6, 1) };
        assert_eq!((&calls["trajectories"], &calls["calls"]), (&json!(trajectories), &json!(count)), "{told}");
        assert!(told["cost"]["start_ms"].as_f64().unwrap() > 0.0 && told["cost"]["memory"].as_u64().unwrap() > 1 << 20);
    }
    let told = place.said(&["plugin", "bench", "tool_penalty.wasm", "--trajectories", "256"]);
    let told = Regex::new(r"\d+\.\d+ (µs|ms|MiB)").unwrap().replace_all(&told, "N $1").into_owned();
    insta::assert_snapshot!(told, @"
    exit code 0
    --- stdout
    tool-penalty 0.1.0, a plugin of the world `reward`
    trajectory  N µs of CPU time: 256 of them, 8.0 turns and 1156 bytes each, in 1 calls
    start       N ms: map the cached code, instantiate, describe, configure
    memory      N MiB
    ");
}
