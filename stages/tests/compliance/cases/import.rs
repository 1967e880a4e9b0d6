//! Every format, plain and compressed, with every option of each; records as hard as the rows that other stages get.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::hard::{HOSTILE_TEXTS, long_text};
use crate::rows::parquet_bytes;
use crate::{Case, Input};

const OPTIONS: [&str; 13] = [
    "{files: chats.jsonl}",
    "{files: chats.jsonl.gz, policy: p, env: e}",
    "{files: chats.jsonl.zst, group_by: task, reasoning: include}",
    "{files: chats.json, format: openai-chat, task_from: first_user}",
    "{files: 'many/*.jsonl'}",
    "{files: runs.json}",
    "{files: runs.json.zst, failed_reward: recorded, group_by: task}",
    "{files: runs.json, format: tau-bench, reasoning: include, policy: p, env: e}",
    "{files: empty.json, format: tau-bench}",
    "{files: empty.json}",
    "{files: rows.parquet}",
    "{files: rows.parquet, identity: content}",
    "{files: nothing.parquet, format: sternlight}",
];

pub(crate) fn case() -> Case {
    let chats: Vec<String> = chats().iter().map(|chat| format!("{chat}\n")).collect();
    let lines = chats.concat();
    let array = format!("[{}]", chats.join(","));
    let runs = Value::Array(runs()).to_string();
    let files: Vec<(&str, Vec<u8>)> = vec![
        ("chats.jsonl", lines.clone().into_bytes()),
        ("chats.jsonl.gz", gzip(lines.as_bytes())),
        ("chats.jsonl.zst", zstd::encode_all(lines.as_bytes(), 1).unwrap()),
        ("chats.json", array.into_bytes()),
        ("many/a.jsonl", chats[..3].concat().into_bytes()),
        ("many/é.jsonl", chats[3..].concat().into_bytes()),
        ("runs.json.zst", zstd::encode_all(runs.as_bytes(), 1).unwrap()),
        ("runs.json", runs.into_bytes()),
        ("empty.json", b"[]".to_vec()),
        ("rows.parquet", parquet_bytes(40)),
        ("nothing.parquet", parquet_bytes(0)),
    ];
    Case { stage: "import", options: OPTIONS.map(str::to_owned).to_vec(), input: Input::Files(files) }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Messages with a call in the middle, around a text.
fn messages(text: &str) -> Vec<Value> {
    vec![
        json!({"role": "system", "content": text}),
        json!({"role": "user", "content": text}),
        json!({"role": "assistant", "content": null, "reasoning_content": text, "tool_calls":
            [{"id": text, "type": "function", "function": {"name": "find", "arguments": json!({"q": text}).to_string()}}]}),
        json!({"role": "tool", "tool_call_id": text, "content": text}),
        json!({"role": "assistant", "content": text}),
    ]
}

fn chats() -> Vec<Value> {
    let mut chats: Vec<Value> = HOSTILE_TEXTS
        .iter()
        .map(|text| json!({"task_id": text, "policy": text, "reward": 0.5, "messages": messages(text), "other": text}))
        .collect();
    let turn = [json!({"role": "user", "content": "a"}), json!({"role": "assistant", "content": "b"})];
    chats.push(json!({"messages": turn.iter().cycle().take(10_000).collect::<Vec<_>>()}));
    chats.push(json!({"messages": []}));
    let long = [json!({"role": "user", "content": "a"}), json!({"role": "assistant", "content": long_text(10)})];
    chats.push(json!({"messages": long, "reward": null, "success": false, "seed": u64::MAX}));
    chats
}

fn runs() -> Vec<Value> {
    let run = |task: usize, reward: Value, info: Value, traj: Vec<Value>| json!({"task_id": task, "trial": 0, "reward": reward, "info": info, "traj": traj});
    let mut runs: Vec<Value> =
        HOSTILE_TEXTS.iter().enumerate().map(|(task, text)| run(task, json!(1.0), json!({"x": text}), messages(text))).collect();
    runs.push(run(98, json!(0.0), json!({"error": "x", "traceback": "y"}), Vec::new()));
    runs.push(run(99, Value::Null, json!({}), messages(&long_text(1))));
    runs
}
