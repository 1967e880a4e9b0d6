//! Chats as people record them: parts, thoughts, pictures, blocks, and calls that nobody answered, from a recording to
//! what is exported.

use serde_json::{Value, json};

use super::harness::{Workplace, json_lines};

/// Imports, judges, compares and exports as chats.
const PIPELINE: &str = "\
version: 1
stages:
  import: { uses: import, with: { files: log.jsonl } }
  reflect: { uses: reflect, from: import, with: { by: rules } }
  advantage: { uses: advantage, from: reflect, with: { estimator: grpo } }
  chat: { uses: export, from: advantage, with: { to: chat.jsonl, format: openai-chat } }
";

fn place(records: &[Value]) -> Workplace {
    let place = Workplace::new();
    place.write("pipeline.yaml", PIPELINE);
    place.write("log.jsonl", records.iter().map(|record| format!("{record}\n")).collect::<String>());
    place
}

/// The lines of what a run says that warn, or tell what is wrong.
fn warnings_and_errors(place: &Workplace) -> String {
    let said = place.said(&["run", "pipeline.yaml"]);
    let lines = said.lines().filter(|line| line.contains("warning: ") || line.contains("error: "));
    lines.map(|line| format!("{}\n", line.trim_start())).collect()
}

/// What is exported.
fn chats(place: &Workplace) -> Vec<Value> {
    json_lines(place.read("chat.jsonl").as_bytes())
}

fn message(role: &str, content: &Value) -> Value {
    json!({"role": role, "content": content})
}

#[test]
fn texts_in_parts_of_other_names_are_texts() {
    let record = json!({"task_id": "tide", "reward": 1, "messages": [
        message("user", &json!([{"type": "input_text", "text": "When is high tide?"}])),
        message("assistant", &json!([{"type": "thinking", "thinking": [{"type": "text", "text": "Look."}]},
            {"type": "output_text", "text": "At 14:10.", "annotations": []}])),
    ]});
    let place = place(&[record]);
    place.run();
    let chats = chats(&place);
    let spoken = json!([message("user", &json!("When is high tide?")), message("assistant", &json!("At 14:10."))]);
    assert_eq!(without_weights(&chats[0]["messages"]), spoken);
    place.edit("pipeline.yaml", "files: log.jsonl", "files: log.jsonl, reasoning: include");
    place.run();
    assert_eq!(self::chats(&place)[0]["messages"][1]["content"], "<think>\nLook.\n</think>\nAt 14:10.");
}

fn without_weights(messages: &Value) -> Value {
    let mut messages = messages.clone();
    for message in messages.as_array_mut().unwrap() {
        message.as_object_mut().unwrap().remove("weight");
    }
    messages
}

#[test]
fn pictures_are_said_and_given_back() {
    let content = json!([{"type": "text", "text": "Which flag? "},
        {"type": "image_url", "image_url": {"url": "https://example.com/flag.png"}}]);
    let messages = json!([message("user", &content), message("assistant", &json!("Iceland"))]);
    let place = place(&[json!({"messages": messages})]);
    let told = warnings_and_errors(&place);
    assert!(
        told.contains("warning: import: pictures, sounds and files stand as placeholders in the texts: `[image]` 1;"),
        "{told}"
    );
    let chats = chats(&place);
    assert_eq!(without_weights(&chats[0]["messages"]), messages);
}

#[test]
fn blocks_are_calls_results_and_errors() {
    let record = json!({"task_id": "warm", "reward": 0, "messages": [
        message("user", &json!("How warm is it?")),
        message("assistant", &json!([{"type": "text", "text": "Let me look."},
            {"type": "tool_use", "id": "tu_1", "name": "read_sensor", "input": {"place": "x"}}])),
        message("user", &json!([{"type": "tool_result", "tool_use_id": "tu_1", "content": "offline", "is_error": true}])),
        message("assistant", &json!([{"type": "text", "text": "I cannot tell."}])),
    ]});
    let place = place(&[record]);
    let run = place.run();
    let chats = chats(&place);
    assert_eq!(chats[0]["messages"][2], json!({"role": "tool", "tool_call_id": "tu_1", "content": "offline"}));
    assert_eq!(chats[0]["messages"][1]["tool_calls"][0]["function"]["name"], "read_sensor");
    assert_eq!((run.counted("import", "tool_calls"), run.counted("chat", "verdict.failed")), (1, 1));
    assert_eq!(chats[0]["env"], "anthropic");
}

#[test]
fn what_a_person_said_is_nobodys_result() {
    let call = json!({"role": "assistant", "content": null, "tool_calls": [
        {"id": "m1", "type": "function", "function": {"name": "start_mower", "arguments": "{}"}}]});
    let user = |text: &str| message("user", &json!(text));
    let said = message("assistant", &json!("Sorry, I stopped."));
    let chats =
        [json!([user("Mow"), call, user("Stop! You are not allowed to."), said]), json!([user("Mow"), call, said])];
    let records: Vec<Value> = chats.iter().map(|chat| json!({"messages": chat})).collect();
    let place = place(&records);
    let told = warnings_and_errors(&place);
    for warning in [
        "import: log.jsonl, records 0-1: 2 calls without a result",
        "chat: chats with a call that no tool message answers, which training services refuse: 2",
    ] {
        assert!(told.contains(&format!("warning: {warning}\n")), "{told}");
    }
    assert!(place.said(&["show", "last", "advantage", "log#0"]).contains("\n  answered    no\n"));
    let exported = self::chats(&place);
    for (exported, chat) in exported.iter().zip(&chats) {
        assert_eq!(without_weights(&exported["messages"]), *chat);
    }
}

#[test]
fn what_is_not_known_is_an_error_or_put_aside_or_allowed() {
    let words = json!({"messages": [message("user", &json!("hi")), message("assistant", &json!("hello"))]});
    let other = json!({"messages": [message("user", &json!([{"type": "hologram", "depth": 3}])),
        message("assistant", &json!("hello"))]});
    let place = place(&[words.clone(), other]);
    let told = place.said(&["run", "pipeline.yaml", "-q"]);
    assert!(told.contains("log.jsonl:2: field `messages[0].content[0]`: `hologram` is not a type of part"), "{told}");
    assert!(told.contains("`unknown_parts: placeholder`"), "{told}");
    place.edit("pipeline.yaml", "import: { uses: import,", "import: { uses: import, on_error: quarantine,");
    let run = place.run();
    assert_eq!(run.rows("import"), 1);
    place.edit("pipeline.yaml", "files: log.jsonl", "files: log.jsonl, unknown_parts: placeholder");
    let told = warnings_and_errors(&place);
    assert!(told.contains("`hologram` 1"), "{told}");
    let chats = chats(&place);
    assert_eq!(chats[1]["messages"][0]["content"], "[hologram]");
}

/// Whose messages a file holds may show late: then it is an error, never a placeholder.
#[test]
fn messages_of_another_format_are_named_wherever_they_come() {
    let words = json!({"messages": [message("user", &json!("hi")), message("assistant", &json!("hello"))]});
    let block = json!([{"type": "tool_use", "id": "a", "name": "f", "input": {}}]);
    let blocks = json!({"messages": [message("user", &json!("hi")), message("assistant", &block)]});
    let role = json!({"messages": [message("tool", &json!("hi"))]});
    let item = json!({"messages": [{"type": "function_call", "name": "f", "call_id": "a", "arguments": "{}"}]});
    let mut told = String::new();
    for records in [
        [vec![words.clone(); 300], vec![blocks.clone()]].concat(),
        vec![blocks.clone(), role.clone()],
        vec![role, blocks],
        vec![words, item],
        vec![json!({"input": [{"type": "function_call"}], "output": []})],
    ] {
        let place = place(&records);
        place.edit("pipeline.yaml", "files: log.jsonl", "files: log.jsonl, unknown_parts: placeholder");
        told.push_str(&warnings_and_errors(&place));
    }
    insta::assert_snapshot!(told, @"
    error: stage `import`: log.jsonl:301: field `messages[1].content[0]`: `tool_use` is a block of Anthropic's messages, which are a format of their own
    help: import these files with `format: anthropic`; `on_error: quarantine` puts such records aside
    error: stage `import`: log.jsonl:2: field `messages[0].role`: `tool` is a role of OpenAI's messages; in Anthropic's, results are blocks of the user
    help: import these files with `format: openai-chat`; `on_error: quarantine` puts such records aside
    error: stage `import`: log.jsonl:2: field `messages[1].content[0]`: `tool_use` is a block of Anthropic's messages, which are a format of their own
    help: import these files with `format: anthropic`; `on_error: quarantine` puts such records aside
    error: stage `import`: log.jsonl:2: field `messages[0]`: `function_call` is an item of OpenAI's Responses API, which `import` does not read
    help: turn the items into chat messages: calls into `tool_calls`, their outputs into messages of the role `tool`; `on_error: quarantine` puts such records aside
    pipeline.yaml:3:42: error: `log.jsonl` is a log of OpenAI's Responses API, which `import` does not read yet
    error: 1 problem
    ");
}

#[test]
fn groups_of_one_are_warned_of_with_what_to_set() {
    let lone = |task: &str| json!({"task_id": task, "reward": 1, "messages": [message("user", &json!("hi")), message("assistant", &json!("yes"))]});
    let place = place(&[lone("a"), lone("b")]);
    insta::assert_snapshot!(warnings_and_errors(&place), @"warning: import: each of the 2 groups has one trajectory, so nothing can be compared within a group; name the `policy` that acted, set `group_by: task`, or, for chats that name no task, `task_from: first_user`");
}
