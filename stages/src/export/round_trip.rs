//! Chats that are exported and imported again, as columns: the turns and what is known of the run must come back.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use sternlight_engine::artifact::Inputs;
use sternlight_engine::contract::InputTypes;
use sternlight_engine::dataset::Dataset;
use sternlight_engine::failure::FailurePolicy;
use sternlight_engine::run::{Engine, Job, RunOptions};
use sternlight_engine::stage::{BuildContext, Context, Sink as _};
use sternlight_engine::store::Store;
use sternlight_engine::trajectory::{Status, TrajectoryRow, TrajectorySchema, TurnRow};

use super::sample::{Folder, dataset, export};
use crate::import::testing::{imported, rows_of};

/// Columns of a row that come back exactly; those that may be missing in what is exported are in [`FILLED`].
const KEPT: [&str; 9] =
    ["trajectory_id", "group_id", "task_id", "seed", "reward", "success", "status", "error", "policy"];

/// Columns whose null comes back as an empty text.
const FILLED: [&str; 2] = ["prompt", "final_observation"];

/// What is the same before and after, if the columns of calls are.
fn kept(row: &Value) -> Value {
    let mut kept: Map<String, Value> = KEPT.iter().map(|name| ((*name).to_owned(), row[name].clone())).collect();
    for name in FILLED {
        kept.insert(name.to_owned(), json!(row[name].as_str().unwrap_or_default()));
    }
    let tools = row["tools"].as_str().map(|tools| serde_json::from_str(tools).unwrap_or_else(|_| json!(tools)));
    kept.insert("tools".to_owned(), tools.unwrap_or_default());
    let turns = row["turns"].as_array().unwrap().iter().map(|turn| {
        let columns = ["observation", "action", "tool_name", "tool_arguments", "tool_answered"];
        columns.map(|name| turn[name].clone())
    });
    kept.insert("turns".to_owned(), json!(turns.collect::<Vec<_>>()));
    Value::Object(kept)
}

/// A dataset as the engine imports it.
fn dataset_of(directory: &Path, options: &str, store: &Path) -> Dataset {
    let store = Store::open(store).unwrap();
    let context = BuildContext::new(directory, directory);
    let registry = crate::registry();
    let built = registry.get("import").unwrap().build(serde_yaml::from_str(options).unwrap(), &context).unwrap();
    let empty = TrajectorySchema::empty();
    let contract = built.stage.contract(&InputTypes::from(&empty)).unwrap();
    let output = contract.output(&empty);
    let job = Job {
        name: "import",
        uses: "import",
        kind: "import",
        version: 1,
        options: &built.options,
        stage: built.stage.as_ref(),
        inputs: Vec::new(),
        contract,
        output,
        cache: true,
        failure: FailurePolicy::default(),
        turn: None,
    };
    let report =
        Engine::new(&store, &RunOptions::default()).run("test", Path::new("test.yaml"), &[job], &|_| {}).unwrap();
    store.dataset(report.stages[0].dataset.as_ref().unwrap()).unwrap()
}

/// The rows of a dataset after it was exported as chats and imported again.
fn again(dataset: &Dataset, directory: &Path) -> Vec<Value> {
    let mut context = Context::default();
    let stage = export(directory, "{to: again.jsonl, format: openai-chat}");
    stage.export(&Inputs::of(dataset.clone().into()), &mut Folder(directory.to_owned()), &mut context).unwrap();
    lines(directory).iter().for_each(is_a_chat);
    let batch = imported(directory, "{files: again.jsonl, format: openai-chat}");
    rows_of(&batch).iter().map(kept).collect()
}

/// The lines of what [`again`] exported.
fn lines(directory: &Path) -> Vec<Value> {
    let text = fs::read_to_string(directory.join("again.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Messages as OpenAI's interface wants them: each tool message answers a call of the assistant's message before it,
/// and no call is answered twice.
fn is_a_chat(line: &Value) {
    let (mut open, mut behind_call) = (Vec::new(), false);
    let none = Vec::new();
    let last = line["final_messages"].as_array().unwrap_or(&none);
    for message in line["messages"].as_array().unwrap().iter().chain(last) {
        let content = &message["content"];
        match message["role"].as_str().unwrap() {
            "assistant" => {
                let calls = message["tool_calls"].as_array().unwrap_or(&none);
                open = calls.iter().map(|call| call["id"].as_str().unwrap()).collect();
                assert!(!content.is_null() || !open.is_empty(), "{message}");
                behind_call = true;
            }
            "tool" => {
                let id = message["tool_call_id"].as_str().unwrap();
                let call = open.iter().position(|open| *open == id);
                assert!(behind_call && call.is_some(), "`{id}` answers none of {open:?} in {line}");
                open.remove(call.unwrap());
            }
            "user" | "system" | "developer" => assert!(message["tool_call_id"].is_null()),
            other => panic!("{other}"),
        }
        let parts = content.as_array().unwrap_or(&none);
        let known = ["text", "image_url", "input_audio", "video_url", "file", "image"];
        assert!(parts.iter().all(|part| known.contains(&part["type"].as_str().unwrap())), "{message}");
        assert!(content.is_null() || content.is_string() || content.is_array(), "{message}");
    }
}

/// A result may come before that of an earlier call: only its id says whose it is.
#[test]
fn results_stay_with_their_calls_in_any_order() {
    let directory = tempfile::tempdir().unwrap();
    let record = json!({"messages": [
        {"role": "user", "content": "both?"},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "u", "type": "function", "function": {"name": "user", "arguments": "{}"}},
            {"id": "o", "type": "function", "function": {"name": "order", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "o", "content": "the order"},
        {"role": "tool", "tool_call_id": "u", "content": "the user"},
        {"role": "assistant", "content": "Done."}]});
    fs::write(directory.path().join("chat.jsonl"), format!("{record}\n")).unwrap();
    let dataset = dataset_of(directory.path(), "{files: chat.jsonl}", &directory.path().join("store"));
    again(&dataset, directory.path());
    let line: Value = serde_json::from_slice(&fs::read(directory.path().join("again.jsonl")).unwrap()).unwrap();
    assert_eq!(line["messages"], record["messages"]);
}

/// Exports the records of a file, and gives the lines.
fn exported(records: &[Value], options: &str) -> Vec<Value> {
    let directory = tempfile::tempdir().unwrap();
    let text: Vec<String> = records.iter().map(Value::to_string).collect();
    fs::write(directory.path().join("chat.jsonl"), text.join("\n")).unwrap();
    let options = format!("{{files: chat.jsonl, {options}}}");
    let dataset = dataset_of(directory.path(), &options, &directory.path().join("store"));
    again(&dataset, directory.path());
    lines(directory.path())
}

fn call(id: &str) -> Value {
    json!({"role": "assistant", "content": null, "tool_calls": [
        {"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}}]})
}

/// What a person said stays theirs, and what nobody said is not there.
#[test]
fn a_call_without_a_result_stays_without_one() {
    let user = |text: &str| json!({"role": "user", "content": text});
    let said = json!({"role": "assistant", "content": "Sorry."});
    for messages in [
        json!([user("Mow"), call("a"), user("Stop!"), said]),
        json!([user("Mow"), call("a"), said]),
        json!([user("Mow"), call("a"), {"role": "system", "content": "Be quick."}, user("Well?"), said]),
        json!([user("Mow"), call("a"), call("a"), {"role": "tool", "tool_call_id": "a", "content": ""}, said]),
    ] {
        assert_eq!(exported(&[json!({"messages": messages})], "")[0]["messages"], messages);
    }
    // Behind the last message, what is shown stands beside the messages, and says whose it is.
    let line = &exported(&[json!({"messages": [user("Mow"), call("a"), user("Stop!")]})], "")[0];
    assert_eq!(
        (&line["messages"], &line["final_messages"]),
        (&json!([user("Mow"), call("a")]), &json!([user("Stop!")]))
    );
    // Results that no call of the message before asks for are nobody's answer.
    let late = json!({"role": "tool", "tool_call_id": "a", "content": "done"});
    let line = &exported(&[json!({"messages": [call("a"), said, late, said]})], "")[0];
    assert_eq!(line["messages"], json!([call("a"), said, user("done"), said]));
    let line = &exported(&[json!({"messages": [call("b"), late, said]})], "")[0];
    assert_eq!(line["messages"], json!([call("b"), user("done"), said]));
}

#[test]
fn pictures_come_back_in_their_messages() {
    let picture = json!({"type": "image_url", "image_url": {"url": "https://example.com/flag.png"}});
    let words = json!({"type": "text", "text": "Which flag? "});
    let messages = json!([
        {"role": "system", "content": [words, picture]},
        {"role": "user", "content": "Look:"},
        {"role": "user", "content": [words, picture, picture]},
        call("a"),
        {"role": "tool", "tool_call_id": "a", "content": [picture]},
        {"role": "assistant", "content": [words, picture]},
    ]);
    let shown = json!([{"role": "user", "content": [picture]}]);
    let all = [messages.as_array().unwrap().clone(), shown.as_array().unwrap().clone()].concat();
    let record = json!({ "messages": all });
    let line = &exported(&[record], "")[0];
    assert_eq!((&line["messages"], &line["final_messages"]), (&messages, &shown));
}

#[test]
fn thoughts_in_front_of_parts_are_words() {
    let picture = json!({"type": "image_url", "image_url": {"url": "u"}});
    let record = json!({"messages": [{"role": "assistant", "content": [
        {"type": "thinking", "thinking": "a\n</think>\nb"}, {"type": "text", "text": "See: "}, picture]}]});
    let line = &exported(std::slice::from_ref(&record), "reasoning: include")[0];
    let content = json!([{"type": "text", "text": "<think>\na\n</think>\nb\n</think>\n"}, {"type": "text", "text": "See: "}, picture]);
    assert_eq!(line["messages"][0]["content"], content);
    assert_eq!(
        exported(&[record], "")[0]["messages"][0]["content"],
        json!([{"type": "text", "text": "See: "}, picture])
    );
}

#[test]
fn anthropics_messages_become_openais() {
    let record = json!({
        "system": [{"type": "text", "text": "Be kind."}],
        "tools": [{"name": "read", "description": "d", "input_schema": {"type": "object"}},
            {"type": "web_search_20250305", "name": "web_search", "max_uses": 1}],
        "messages": [
            {"role": "user", "content": "How warm?"},
            {"role": "assistant", "content": [{"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "t", "name": "read", "input": {"place": "x"}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "21"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QQ=="}}]},
            {"role": "assistant", "content": [{"type": "text", "text": "21."}]},
        ],
    });
    let line = &exported(&[record], "")[0];
    insta::assert_snapshot!(format!("{:#}", json!({"tools": line["tools"], "messages": line["messages"], "env": line["env"]})), @r#"
    {
      "tools": [
        {
          "type": "function",
          "function": {
            "name": "read",
            "description": "d",
            "parameters": {
              "type": "object"
            }
          }
        },
        {
          "type": "function",
          "function": {
            "name": "web_search"
          }
        }
      ],
      "messages": [
        {
          "role": "system",
          "content": "Be kind."
        },
        {
          "role": "user",
          "content": "How warm?"
        },
        {
          "role": "assistant",
          "content": "I look.",
          "tool_calls": [
            {
              "id": "t",
              "type": "function",
              "function": {
                "name": "read",
                "arguments": "{\"place\":\"x\"}"
              }
            }
          ]
        },
        {
          "role": "tool",
          "tool_call_id": "t",
          "content": "21"
        },
        {
          "role": "user",
          "content": [
            {
              "type": "image_url",
              "image_url": {
                "url": "data:image/png;base64,QQ=="
              }
            }
          ]
        },
        {
          "role": "assistant",
          "content": "21."
        }
      ],
      "env": "anthropic"
    }
    "#);
}

/// Texts made of what has a meaning somewhere on the way.
fn texts() -> impl Strategy<Value = String> + Clone {
    let piece = prop::sample::select(vec![
        "\n",
        " ",
        "<tool_call>\n",
        "\n</tool_call>",
        "<tool_response>\n",
        "\n</tool_response>",
        "{\"name\": \"f\", \"arguments\": {}}",
        "ü\u{2028}",
        "###STOP###",
        "<think>",
        "\"",
    ]);
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn arguments() -> impl Strategy<Value = Value> {
    prop_oneof![
        prop::sample::select(vec!["{}", "{\"x\":  1.0,\n \"y\": \"a,b\"}", " [1, 2]\n", "{'x': 1}", "\"5\"", ""])
            .prop_map(Value::from),
        texts().prop_map(Value::from),
        Just(json!({"x": [1.50, null], "y": "\n"})),
    ]
}

fn content() -> impl Strategy<Value = Value> + Clone {
    let part = prop_oneof![
        2 => texts().prop_map(|text| json!({"type": "text", "text": text})),
        1 => texts().prop_map(|text| json!({"type": "output_text", "text": text, "annotations": []})),
        1 => texts().prop_map(Value::from),
        1 => Just(json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,QQ=="}})),
        1 => Just(json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QQ=="}})),
        1 => Just(json!({"type": "input_image", "file_id": "f"})),
        1 => Just(json!({"type": "document", "source": {"type": "text", "data": "d"}})),
        1 => texts().prop_map(|text| json!({"type": "thinking", "thinking": [{"type": "text", "text": text}]})),
        1 => Just(json!({"type": "hologram", "depth": 3})),
        1 => Just(Value::Null),
    ];
    prop_oneof![
        6 => texts().prop_map(Value::from),
        1 => Just(Value::Null),
        3 => prop::collection::vec(part.clone(), 0..4).prop_map(Value::from),
        1 => part.prop_map(|part| if part.is_object() { part } else { json!([part]) }),
    ]
}

/// A message of Anthropic's: a text, or blocks.
fn block_message() -> impl Strategy<Value = Value> {
    let call = ("[a-z_]{1,4}", 0..4_u8, any::<bool>()).prop_map(|(name, id, is_served)| {
        let kind = if is_served { "server_tool_use" } else { "tool_use" };
        json!({"type": kind, "id": id.to_string(), "name": name, "input": {"x": [1.50, null], "y": "\n"}})
    });
    let words = content().prop_map(|content| match content {
        Value::Array(parts) => parts,
        Value::String(text) => vec![json!({"type": "text", "text": text})],
        other => vec![other],
    });
    let result = |kind: &'static str| {
        (0..4_u8, content(), any::<Option<bool>>()).prop_map(move |(id, content, is_error)| {
            json!({"type": kind, "tool_use_id": id.to_string(), "content": content, "is_error": is_error})
        })
    };
    let own = prop_oneof![
        2 => words.clone(),
        2 => call.prop_map(|call| vec![call]),
        1 => result("web_search_tool_result").prop_map(|result| vec![result]),
    ];
    let of_user = prop_oneof![1 => words, 2 => result("tool_result").prop_map(|result| vec![result])];
    prop_oneof![
        1 => texts().prop_map(|text| json!({"role": "user", "content": text})),
        4 => prop::collection::vec(own, 0..5).prop_map(|own| json!({"role": "assistant", "content": own.concat()})),
        4 => prop::collection::vec(of_user, 0..4).prop_map(|own| json!({"role": "user", "content": own.concat()})),
    ]
}

fn message() -> impl Strategy<Value = Value> {
    let call = ("[a-z_]{1,4}", arguments(), 0..4_u8).prop_map(|(name, arguments, id)| {
        let function = json!({"name": name, "arguments": arguments});
        if id == 3 { json!({"function": function}) } else { json!({"id": id.to_string(), "function": function}) }
    });
    let calls = prop::collection::vec(call, 0..4);
    let content = content();
    prop_oneof![
        4 => (content.clone(), calls).prop_map(|(content, calls)| match calls.len() {
            0 => json!({"role": "assistant", "content": content}),
            _ => json!({"role": "assistant", "content": content, "tool_calls": calls}),
        }),
        4 => (content.clone(), 0..4_u8).prop_map(|(content, id)| json!({
            "role": "tool",
            "content": content,
            "tool_call_id": (id < 3).then(|| id.to_string()),
        })),
        2 => content.clone().prop_map(|content| json!({"role": "user", "content": content})),
        1 => content.prop_map(|content| json!({"role": "system", "content": content})),
    ]
}

fn chat() -> impl Strategy<Value = Value> {
    const STATUSES: [&str; 3] = ["done", "truncated", "failed"];
    let about = (prop::option::of(-1000_i32..1000), prop::option::of(any::<bool>()), prop::option::of(any::<u64>()));
    let outcome = (prop::option::of(texts()), 0..3_usize, prop::option::of(0..2_u8));
    let messages = prop::collection::vec(message(), 0..9);
    (messages, about, outcome, prop::option::of(texts())).prop_map(
        |(messages, (reward, success, seed), (error, status, group), tools)| {
            json!({
                "messages": messages,
                "reward": reward.map(|reward| f64::from(reward) / 7.0),
                "success": success,
                "seed": seed,
                "error": error,
                "status": STATUSES[status],
                "group_id": group.map(|group| format!("g{group}")),
                "task_id": seed.map(|seed| seed % 3),
                "tools": tools.map(|text| json!([{"type": "function", "function": {"name": text, "x": 1.0}}])),
            })
        },
    )
}

fn row() -> impl Strategy<Value = TrajectoryRow> {
    let name = prop::option::of(prop::sample::select(vec!["f", "f,f", ","]));
    let turn = (texts(), texts(), name, arguments(), any::<Option<bool>>());
    let turn = turn.prop_map(|(observation, action, tool_name, arguments, tool_answered)| TurnRow {
        observation,
        action,
        tool_arguments: tool_name.and_then(|_| arguments.as_str().map(str::to_owned)),
        tool_answered: tool_name.and(tool_answered),
        tool_name: tool_name.map(str::to_owned),
        ..TurnRow::default()
    });
    (prop::collection::vec(turn, 0..5), prop::option::of(texts()), prop::option::of(texts())).prop_map(
        |(turns, prompt, final_observation)| TrajectoryRow {
            turns,
            prompt,
            final_observation,
            group_id: "g".to_owned(),
            policy: Some("p".to_owned()),
            status: Status::Truncated,
            ..TrajectoryRow::default()
        },
    )
}

proptest! {
    // Each case runs the engine.
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the import made of chats, it makes of their export.
    #[test]
    fn chats_come_back(chats in prop::collection::vec(chat(), 1..12)) {
        let directory = tempfile::tempdir().unwrap();
        let lines: Vec<String> = chats.iter().map(Value::to_string).collect();
        fs::write(directory.path().join("chats.jsonl"), lines.join("\n")).unwrap();
        let reasoning = if chats.len() % 2 == 0 { "reasoning: include" } else { "" };
        let options = format!("{{files: chats.jsonl, format: openai-chat, unknown_parts: placeholder, {reasoning}}}");
        let options = options.as_str();
        let before: Vec<Value> = rows_of(&imported(directory.path(), options)).iter().map(kept).collect();
        let dataset = dataset_of(directory.path(), options, &directory.path().join("store"));
        let after = again(&dataset, directory.path());
        prop_assert_eq!(before.len(), after.len());
        for (before, after) in before.iter().zip(&after) {
            prop_assert_eq!(before, after);
        }
    }

    /// The same of Anthropic's messages, which become OpenAI's.
    #[test]
    fn blocks_come_back_as_chats(chats in prop::collection::vec(prop::collection::vec(block_message(), 0..7), 1..8)) {
        let directory = tempfile::tempdir().unwrap();
        let lines: Vec<String> =
            chats.iter().map(|messages| json!({"system": "s", "messages": messages}).to_string()).collect();
        fs::write(directory.path().join("chats.jsonl"), lines.join("\n")).unwrap();
        let options = "{files: chats.jsonl, format: anthropic, policy: p, unknown_parts: placeholder, reasoning: include}";
        let before: Vec<Value> = rows_of(&imported(directory.path(), options)).iter().map(kept).collect();
        let dataset = dataset_of(directory.path(), options, &directory.path().join("store"));
        prop_assert_eq!(before, again(&dataset, directory.path()));
    }

    /// Texts that no import makes come back as well; calls that the action does not spell are dropped.
    #[test]
    fn texts_of_any_origin_come_back(mut rows in prop::collection::vec(row(), 1..12)) {
        for (index, row) in rows.iter_mut().enumerate() {
            row.trajectory_id = index.to_string();
        }
        let directory = tempfile::tempdir().unwrap();
        let after = again(&dataset(directory.path(), [rows.clone(), Vec::new()]), directory.path());
        prop_assert_eq!(rows.len(), after.len());
        for (row, after) in rows.iter().zip(after) {
            prop_assert_eq!(after["prompt"].as_str(), Some(row.prompt.as_deref().unwrap_or_default()));
            prop_assert_eq!(
                after["final_observation"].as_str(),
                Some(row.final_observation.as_deref().unwrap_or_default())
            );
            prop_assert_eq!(row.turns.len(), after["turns"].as_array().unwrap().len());
            for (turn, after) in row.turns.iter().zip(after["turns"].as_array().unwrap()) {
                prop_assert_eq!(&turn.observation, after[0].as_str().unwrap());
                prop_assert_eq!(&turn.action, after[1].as_str().unwrap());
                if !after[2].is_null() {
                    prop_assert_eq!(turn.tool_name.as_deref(), after[2].as_str());
                    prop_assert_eq!(turn.tool_arguments.as_deref().unwrap_or_default(), after[3].as_str().unwrap());
                }
            }
        }
    }
}

/// Agents that write calls as text (`act`, `react`) keep their words; what their calls were is not in a chat.
#[test]
#[ignore = "needs STERNLIGHT_RECORDINGS"]
fn recordings_come_back() {
    let recordings =
        PathBuf::from(std::env::var_os("STERNLIGHT_RECORDINGS").expect("STERNLIGHT_RECORDINGS names the directory"));
    for (files, rows) in [("tau-bench/*.json.zst", 830), ("openai-chat/*.jsonl.zst", 37)] {
        let directory = tempfile::tempdir().unwrap();
        let options = format!("files: '{files}'");
        let mut before: Vec<Value> = rows_of(&imported(&recordings, &options)).iter().map(kept).collect();
        for row in &mut before {
            let is_text_agent = row["policy"].as_str().is_some_and(|policy| policy.contains("act-grok"));
            for turn in row["turns"].as_array_mut().unwrap().iter_mut().filter(|_| is_text_agent) {
                (2..5).for_each(|column| turn[column] = Value::Null);
            }
        }
        let after = again(&dataset_of(&recordings, &options, &directory.path().join("store")), directory.path());
        assert_eq!((before.len(), after.len()), (rows, rows));
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before, after);
        }
    }
}
