//! The sample recordings: as the generator writes them, judged rightly, and as varied as they are meant to be.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

#[path = "../../examples/service_desk/generator/mod.rs"]
mod generator;

use generator::database::Database;
use generator::tools::Desk;
use generator::{Mistake, Options, file_texts, generate};

const FILES: usize = 4;
const SIZE_LIMIT: u64 = 2 * 1024 * 1024;

fn path(number: usize) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("pipelines/data/service-desk-{number}.json.zst"))
}

fn committed_text(number: usize) -> String {
    let compressed = std::fs::read(path(number)).expect("the sample data are committed");
    String::from_utf8(zstd::decode_all(compressed.as_slice()).expect("they decompress")).expect("they are text")
}

fn committed_files() -> Vec<Vec<Value>> {
    (0..FILES).map(|number| serde_json::from_str(&committed_text(number)).expect("they are JSON")).collect()
}

fn committed() -> Vec<Value> {
    committed_files().concat()
}

fn messages(record: &Value) -> &[Value] {
    record["traj"].as_array().expect("every record has messages")
}

fn finished(record: &Value) -> bool {
    !record["info"]["reward_info"].is_null()
}

#[test]
fn the_generator_writes_what_is_committed() {
    let generated = generate(&Options { seed: 7, tasks: 50, trials: 8, skill: 50 }).expect("it generates");
    let texts = file_texts(&generated.records, FILES).expect("it writes");
    assert_eq!(texts.len(), FILES);
    for (number, text) in texts.iter().enumerate() {
        // Compared without printing: a difference would fill the screen.
        assert!(*text == committed_text(number), "{} is stale", path(number).display());
    }
    for mistake in Mistake::ALL {
        assert!(generated.mistakes.contains_key(&mistake), "nobody makes the mistake {mistake:?}");
    }
}

#[test]
fn another_seed_gives_other_episodes() {
    let text = |seed| {
        let generated = generate(&Options { seed, tasks: 3, trials: 2, skill: 50 }).expect("it generates");
        file_texts(&generated.records, 1).expect("it writes")
    };
    assert_eq!(text(7), text(7));
    assert_ne!(text(7), text(8));
}

#[test]
fn a_perfect_agent_always_succeeds_and_a_hopeless_one_hardly_ever() {
    let successes = |skill| {
        let generated = generate(&Options { seed: 7, tasks: 50, trials: 2, skill }).expect("it generates");
        let ended: Vec<_> = generated.records.iter().filter(|record| !record.traj.is_empty()).collect();
        (ended.iter().filter(|record| record.reward == 1.0).count(), ended.len())
    };
    let (perfect, all) = successes(100);
    assert_eq!(perfect, all);
    let (hopeless, all) = successes(0);
    assert!(hopeless * 2 < all, "{hopeless} of {all}");
}

#[test]
fn there_are_eight_trials_of_fifty_tasks_and_no_group_lies_in_one_file() {
    let mut trials: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    let mut files: BTreeMap<u64, BTreeSet<usize>> = BTreeMap::new();
    for (number, records) in committed_files().iter().enumerate() {
        for record in records {
            let task = record["task_id"].as_u64().expect("a task");
            assert!(trials.entry(task).or_default().insert(record["trial"].as_u64().expect("a trial")));
            files.entry(task).or_default().insert(number);
        }
    }
    assert_eq!(trials.len(), 50);
    assert!(trials.values().all(|trials| trials.iter().copied().eq(0..8)));
    assert!(files.values().all(|files| files.len() == FILES));
}

#[test]
fn the_files_are_small() {
    let bytes: u64 = (0..FILES).map(|number| path(number).metadata().expect("it is there").len()).sum();
    assert!(bytes <= SIZE_LIMIT, "{bytes} bytes");
}

#[test]
fn groups_are_of_all_kinds_and_about_half_of_the_episodes_succeed() {
    let records = committed();
    let successes = records.iter().filter(|record| record["reward"] == 1.0).count();
    assert!((160..=240).contains(&successes), "{successes} of 400");

    let mut rewards: BTreeMap<u64, BTreeSet<bool>> = BTreeMap::new();
    for record in records.iter().filter(|record| record["info"].get("error").is_none()) {
        rewards.entry(record["task_id"].as_u64().expect("a task")).or_default().insert(record["reward"] == 1.0);
    }
    let of_kind = |kind: &[bool]| rewards.values().filter(|rewards| rewards.iter().copied().eq(kind.to_vec())).count();
    assert!(of_kind(&[false, true]) >= 30, "mixed groups");
    assert!(of_kind(&[true]) >= 2, "groups of successes");
    assert!(of_kind(&[false]) >= 2, "groups of failures");

    let failed = records.iter().filter(|record| record["info"].get("error").is_some());
    assert!(failed.clone().all(|record| messages(record).is_empty()));
    assert!((2..=12).contains(&failed.count()));
    let truncated = records.iter().filter(|record| !messages(record).is_empty() && !finished(record));
    assert!((2..=16).contains(&truncated.count()));
}

#[test]
fn messages_alternate_as_in_tau_bench() {
    for record in committed().iter().filter(|record| !messages(record).is_empty()) {
        let roles: Vec<&str> = messages(record).iter().filter_map(|message| message["role"].as_str()).collect();
        assert_eq!(roles[..2], ["system", "user"]);
        for pair in roles[2..].chunks(2) {
            assert!(matches!(pair, ["assistant", "user" | "tool"]), "{pair:?}");
        }
        let steps = roles.iter().filter(|role| **role == "assistant").count();
        assert!((1..=30).contains(&steps));
        assert!(finished(record) || steps == 30);
        for (message, answer) in messages(record).iter().zip(&messages(record)[1..]) {
            if let Some(calls) = message["tool_calls"].as_array() {
                assert_eq!(calls.len(), 1);
                assert_eq!(calls[0]["id"], answer["tool_call_id"]);
                assert_eq!(calls[0]["function"]["name"], answer["name"]);
            }
        }
    }
}

/// Replays the calls of every record, and its gold actions, and judges anew by τ-bench's rule.
#[test]
fn results_and_rewards_follow_from_the_calls() {
    let shop = Database::shop().expect("the shop loads");
    for record in committed().iter().filter(|record| !messages(record).is_empty()) {
        let mut desk = Desk::new(shop.clone()).expect("the tools load");
        let mut said = Vec::new();
        for pair in messages(record)[2..].chunks(2) {
            let [message, answer] = pair else { panic!("an assistant message without an answer") };
            if let Some(function) = message["tool_calls"].get(0).map(|call| &call["function"]) {
                let text = |key: &str| function[key].as_str().expect("text");
                let result = desk.call(text("name"), text("arguments"));
                assert_eq!(answer["content"], result);
            } else {
                said.push(message["content"].as_str().expect("text").to_lowercase().replace(',', ""));
            }
        }
        let mut gold = Desk::new(shop.clone()).expect("the tools load");
        let task = &record["info"]["task"];
        for action in task["actions"].as_array().expect("actions") {
            let result = gold.call(action["name"].as_str().expect("a name"), &action["kwargs"].to_string());
            assert!(result.starts_with('{'), "{result}");
        }
        let outputs = task["outputs"].as_array().expect("outputs");
        let told = outputs.iter().all(|output| {
            let output = output.as_str().expect("text").to_lowercase();
            said.iter().any(|said| said.contains(&output))
        });
        let success = finished(record) && desk.database() == gold.database() && told;
        assert_eq!(
            record["reward"],
            f64::from(u8::from(success)),
            "task {} trial {}",
            record["task_id"],
            record["trial"]
        );
    }
}

/// What `reflect` is to find by its rules is in the recorded text.
#[test]
fn every_kind_of_error_result_occurs() {
    let results: Vec<String> = committed()
        .iter()
        .flat_map(|record| messages(record).to_vec())
        .filter(|message| message["role"] == "tool")
        .filter_map(|message| message["content"].as_str().map(str::to_owned))
        .collect();
    for start in [
        "Error: the arguments are not valid JSON",
        "Error: unexpected argument",
        "Error: booking",
        "Error: no customer",
        "Error: not permitted by policy",
        "Refused, not allowed",
        "Unknown action",
        "Handed over",
    ] {
        let found = results.iter().filter(|result| result.starts_with(start)).count();
        assert!(found >= 3, "{found} results begin with `{start}`");
    }
}
