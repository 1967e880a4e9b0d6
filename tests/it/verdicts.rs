//! From results to verdicts, and from those to rewards and advantages of turns.

use serde_json::{Value, json};

use super::harness::{Workplace, json_lines};

/// A chat in which a shell is called, with what came back; `None`: nothing did, and the user speaks.
fn chat(id: &str, reward: f32, result: Option<&str>, then: &str) -> String {
    let call = json!({"id": "c", "type": "function", "function": {"name": "terminal", "arguments": "{\"command\": \"make\"}"}});
    let mut messages = vec![
        json!({"role": "user", "content": "Build it"}),
        json!({"role": "assistant", "content": null, "tool_calls": [call]}),
    ];
    messages.extend(result.map(|result| json!({"role": "tool", "tool_call_id": "c", "content": result})));
    messages.extend((!then.is_empty()).then(|| json!({"role": "user", "content": then})));
    messages.push(json!({"role": "assistant", "content": "Done."}));
    json!({"trajectory_id": id, "task_id": "build", "reward": reward, "messages": messages}).to_string() + "\n"
}

fn pipeline(stages: &str) -> String {
    format!("version: 1\nstages:\n  import: {{ uses: import, with: {{ files: log.jsonl }} }}\n{stages}")
}

const REFLECT: &str = "  reflect: { uses: reflect, from: import, with: { by: rules } }\n";

fn turns(place: &Workplace, stage: &str, id: &str) -> Vec<Value> {
    let shown = json_lines(&place.sternlight(&["show", "last", stage, id, "--json"]).stdout);
    shown[0]["turns"].as_array().unwrap().clone()
}

fn warnings(place: &Workplace) -> String {
    let said = place.said(&["run", "pipeline.yaml"]);
    said.lines().filter(|line| line.contains("warning")).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_exit_status_goes_before_words_and_a_denial_is_no_refusal() {
    let place = Workplace::new();
    let denied =
        |status: i32| json!({"output": "hook: Permission denied", "exit_code": status, "error": null}).to_string();
    let log = [
        chat("worked", 1.0, Some(&denied(0)), ""),
        chat("denied", 0.0, Some(&denied(128)), ""),
        chat("unanswered", 0.0, None, "Stop! You are not allowed to do that."),
        chat("answered", 1.0, Some("built"), "Error: that is not allowed, says my boss."),
    ];
    place.write("log.jsonl", log.concat());
    place.write("pipeline.yaml", pipeline(REFLECT));
    place.run();
    let verdict = |id: &str| turns(&place, "reflect", id)[0]["verdict"].clone();
    assert_eq!(verdict("worked"), "progress");
    assert_eq!(verdict("denied"), "failed");
    assert_eq!(verdict("unanswered"), Value::Null);
    assert_eq!(verdict("answered"), "progress");
}

#[test]
fn verdicts_reach_an_advantage_beside_another() {
    let place = Workplace::new();
    place.write(
        "log.jsonl",
        chat("good", 1.0, Some("built"), "") + &chat("bad", 1.0, Some("make: *** [all] Error 2"), ""),
    );
    let stages = [
        REFLECT,
        "  reward: { uses: reward, from: reflect, with: { by: verdicts, values: { failed: -0.5 } } }\n",
        "  grpo: { uses: advantage, from: reward, with: { estimator: grpo } }\n",
        "  steps: { uses: advantage, from: grpo, with: { estimator: turn-return, baseline: position, outcome: add, \
         into: turns.advantage_steps } }\n",
    ];
    place.write("pipeline.yaml", pipeline(&stages.concat()));
    assert_eq!(warnings(&place), "");
    let first = |id: &str| turns(&place, "steps", id).remove(0);
    assert_eq!((&first("good")["reward"], &first("bad")["reward"]), (&json!(0.0), &json!(-0.5)));
    // The outcomes are equal; the turns are not.
    assert_eq!((&first("good")["advantage"], &first("bad")["advantage"]), (&json!(0.0), &json!(0.0)));
    assert_eq!((&first("good")["advantage_steps"], &first("bad")["advantage_steps"]), (&json!(0.25), &json!(-0.25)));
    assert_eq!(first("bad")["advantage_steps_return"], json!(0.5));
}

#[test]
fn what_is_replaced_is_said() {
    let place = Workplace::new();
    place.write(
        "log.jsonl",
        chat("good", 1.0, Some("built"), "") + &chat("bad", 0.0, Some("make: *** [all] Error 2"), ""),
    );
    let stages = [
        REFLECT,
        "  again: { uses: reflect, from: reflect, with: { by: rules, rules: { off: [tool-error] } } }\n",
        "  grpo: { uses: advantage, from: again, with: { estimator: grpo } }\n",
        "  rloo: { uses: advantage, from: grpo, with: { estimator: rloo } }\n",
    ];
    place.write("pipeline.yaml", pipeline(&stages.concat()));
    insta::assert_snapshot!(warnings(&place), @"
    warning: again: replaces the verdicts of an earlier stage, or of the record, on 4 turns
    warning: rloo: replaces 4 values of an earlier stage in `turns.advantage` or beside it: `into: turns.advantage_2` keeps both
    ");
}

#[test]
fn columns_that_cannot_hold_advantages_are_refused_before_a_run() {
    let place = Workplace::new();
    place.write("log.jsonl", chat("good", 1.0, Some("built"), ""));
    let mut said = Vec::new();
    for into in ["turns.reward", "turns.verdict", "reward", "turns.", "turns.a b"] {
        let stage =
            format!("  grpo: {{ uses: advantage, from: import, with: {{ estimator: grpo, into: '{into}' }} }}\n");
        place.write("pipeline.yaml", pipeline(&stage));
        let checked = place.said(&["check", "pipeline.yaml"]);
        said.extend(checked.lines().find(|line| line.contains(into)).map(str::trim).map(str::to_owned));
    }
    insta::assert_snapshot!(said.join("\n"), @"
    pipeline.yaml:4:73: error: `turns.reward` is the name of another column, which advantages cannot stand in
    pipeline.yaml:4:73: error: `turns.verdict` is the name of another column, which advantages cannot stand in
    pipeline.yaml:4:73: error: `reward` is not a column of the turns, expected `turns.…`
    pipeline.yaml:4:73: error: `turns.` is not a column of the turns, expected `turns.…`
    pipeline.yaml:4:73: error: `turns.a b` is no name of a column, expected letters, digits and `_` behind `turns.`
    ");
}
