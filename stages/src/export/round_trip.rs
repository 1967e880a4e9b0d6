//! Chats that are exported and imported again, as columns: the turns and what is known of the run must come back.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Map, Value, json};
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
        let columns = ["observation", "action", "tool_name", "tool_arguments"];
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
    let contract = built.stage.contract(&empty).unwrap();
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
    };
    let report =
        Engine::new(&store, &RunOptions::default()).run("test", Path::new("test.yaml"), &[job], &|_| {}).unwrap();
    store.dataset(report.stages[0].dataset.as_ref().unwrap()).unwrap()
}

/// The rows of a dataset after it was exported as chats and imported again.
fn again(dataset: &Dataset, directory: &Path) -> Vec<Value> {
    let mut context = Context::default();
    let stage = export(directory, "{to: again.jsonl, format: openai-chat}");
    stage.export(dataset, &mut Folder(directory.to_owned()), &mut context).unwrap();
    let batch = imported(directory, "{files: again.jsonl, format: openai-chat}");
    rows_of(&batch).iter().map(kept).collect()
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

/// Texts made of what has a meaning somewhere on the way.
fn texts() -> impl Strategy<Value = String> {
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

fn message() -> impl Strategy<Value = Value> {
    let call = ("[a-z_]{1,4}", arguments(), 0..4_u8).prop_map(|(name, arguments, id)| {
        let function = json!({"name": name, "arguments": arguments});
        if id == 3 { json!({"function": function}) } else { json!({"id": id.to_string(), "function": function}) }
    });
    let calls = prop::collection::vec(call, 0..4);
    let content = prop_oneof![
        4 => texts().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => texts().prop_map(|text| json!([{"type": "text", "text": text}, {"type": "image_url"}])),
    ];
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
    (prop::collection::vec(message(), 0..9), about, outcome, prop::option::of(texts())).prop_map(
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
    let turn = (texts(), texts(), prop::option::of(prop::sample::select(vec!["f", "f,f", ","])), arguments());
    let turn = turn.prop_map(|(observation, action, tool_name, arguments)| TurnRow {
        observation,
        action,
        tool_arguments: tool_name.and_then(|_| arguments.as_str().map(str::to_owned)),
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
        let options = "{files: chats.jsonl, format: openai-chat}";
        let before: Vec<Value> = rows_of(&imported(directory.path(), options)).iter().map(kept).collect();
        let dataset = dataset_of(directory.path(), options, &directory.path().join("store"));
        let after = again(&dataset, directory.path());
        prop_assert_eq!(before.len(), after.len());
        for (before, after) in before.iter().zip(&after) {
            prop_assert_eq!(before, after);
        }
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
                (turn[2], turn[3]) = (Value::Null, Value::Null);
            }
        }
        let after = again(&dataset_of(&recordings, &options, &directory.path().join("store")), directory.path());
        assert_eq!((before.len(), after.len()), (rows, rows));
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before, after);
        }
    }
}
