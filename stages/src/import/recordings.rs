//! The recordings that tests may read where they lie, imported and held against independent counts and rows.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::stream::TextStream;
use super::testing::{Outcome, import, import_in_shards};

fn recordings() -> PathBuf {
    PathBuf::from(std::env::var_os("STERNLIGHT_RECORDINGS").expect("STERNLIGHT_RECORDINGS names the directory"))
}

fn text_of(path: &Path) -> String {
    let mut text = String::new();
    TextStream::open(path).unwrap().read_to_string(&mut text).unwrap();
    text
}

/// One line of counts, as the recordings' own description gives them.
fn counts(outcome: &Outcome) -> String {
    let metrics = &outcome.context.metrics;
    let rows = &outcome.rows;
    let rewards = rows.iter().filter_map(|row| row["reward"].as_f64()).fold(0.0, |sum, reward| sum + reward);
    let results = rows.iter().flat_map(|row| {
        let turns = row["turns"].as_array().unwrap();
        let next = turns.iter().skip(1).map(|turn| &turn["observation"]).chain([&row["final_observation"]]);
        turns.iter().zip(next).filter(|(turn, _)| !turn["tool_name"].is_null()).map(|(_, next)| next.as_str().unwrap())
    });
    let errors = results
        .filter(|result| ["Error", "Unknown action"].iter().any(|start| result.trim_start().starts_with(start)))
        .count();
    let mut groups: BTreeMap<&str, Vec<Option<f64>>> = BTreeMap::new();
    for row in rows {
        groups.entry(row["group_id"].as_str().unwrap()).or_default().push(row["reward"].as_f64());
    }
    let mixed = groups.values().filter(|rewards| rewards.contains(&Some(0.0)) && rewards.contains(&Some(1.0))).count();
    format!(
        "{} rows, {} turns, {} calls, {} text and call, {errors} errors, reward {rewards}, done {}, truncated {}, \
         failed {}, {} groups, {mixed} mixed",
        rows.len(),
        metrics.counted("turns"),
        metrics.counted("tool_calls"),
        metrics.counted("turns_with_text_and_call"),
        metrics.counted("status.done"),
        metrics.counted("status.truncated"),
        metrics.counted("status.failed"),
        groups.len(),
    )
}

const FILES: [(&str, &str); 9] = [
    (
        "tau-bench/gpt-4o-airline.json.zst",
        "200 rows, 2454 turns, 1164 calls, 90 text and call, 73 errors, reward 84, done 195, truncated 5, failed 0, 50 groups, 26 mixed",
    ),
    (
        "tau-bench/grok-4-fast-non-reasoning-airline-2-trials.json.zst",
        "100 rows, 1149 turns, 647 calls, 52 text and call, 14 errors, reward 41, done 96, truncated 3, failed 1, 50 groups, 13 mixed",
    ),
    (
        "tau-bench/grok-4-fast-non-reasoning-retail.json.zst",
        "115 rows, 1646 turns, 891 calls, 63 text and call, 76 errors, reward 52, done 112, truncated 3, failed 0, 115 groups, 0 mixed",
    ),
    (
        "tau-bench/grok-4-fast-reasoning-retail.json.zst",
        "115 rows, 1334 turns, 830 calls, 6 text and call, 20 errors, reward 69, done 115, truncated 0, failed 0, 115 groups, 0 mixed",
    ),
    (
        "tau-bench/tool-calling-retail-100.json.zst",
        "100 rows, 1418 turns, 793 calls, 24 text and call, 34 errors, reward 73, done 99, truncated 1, failed 0, 100 groups, 0 mixed",
    ),
    (
        "tau-bench/assertions-agent-retail-100.json.zst",
        "100 rows, 866 turns, 472 calls, 0 text and call, 0 errors, reward 35, done 66, truncated 0, failed 34, 100 groups, 0 mixed",
    ),
    (
        "tau-bench/react-grok-4-fast-non-reasoning-airline.json.zst",
        "50 rows, 551 turns, 278 calls, 0 text and call, 16 errors, reward 26, done 49, truncated 1, failed 0, 50 groups, 0 mixed",
    ),
    (
        "tau-bench/act-grok-4-fast-non-reasoning-airline.json.zst",
        "50 rows, 570 turns, 337 calls, 0 text and call, 10 errors, reward 20, done 49, truncated 1, failed 0, 50 groups, 0 mixed",
    ),
    (
        "openai-chat/tau2-sft-train.jsonl.zst",
        "37 rows, 492 turns, 262 calls, 12 text and call, 0 errors, reward 0, done 37, truncated 0, failed 0, 37 groups, 0 mixed",
    ),
];

#[test]
#[ignore = "needs STERNLIGHT_RECORDINGS"]
fn every_file_has_its_counts() {
    for (file, expected) in FILES {
        let outcome = import(&recordings(), &format!("files: {file}")).unwrap();
        let whole = counts(&outcome);
        if file.starts_with("openai") {
            // Errors were not counted there.
            assert_eq!(whole.split_once(" errors").unwrap().1, expected.split_once(" errors").unwrap().1, "{file}");
        } else {
            assert_eq!(whole, expected, "{file}");
        }
        assert_eq!(outcome.context.warnings, Vec::<String>::new(), "{file}");
        let several = import_in_shards(&recordings(), &format!("files: {file}"), 100_000).unwrap();
        assert!(several.survey.shards.len() > 5, "{file}");
        assert_eq!(several.rows, outcome.rows, "{file}");
    }
}

#[test]
#[ignore = "needs STERNLIGHT_RECORDINGS"]
fn two_policies_on_the_same_tasks_form_groups_of_two() {
    let outcome =
        import(&recordings(), "{files: 'tau-bench/grok-4-fast-*reasoning-retail.json.zst', group_by: task}").unwrap();
    let groups: BTreeSet<&str> = outcome.rows.iter().map(|row| row["group_id"].as_str().unwrap()).collect();
    assert_eq!((outcome.rows.len(), groups.len()), (230, 115));
}

#[test]
#[ignore = "needs STERNLIGHT_RECORDINGS"]
fn rows_equal_those_of_an_independent_reading() {
    let golden: Value = serde_json::from_str(&text_of(&recordings().join("import-golden.json.zst"))).unwrap();
    let mut compared = 0;
    for (file, expected) in golden.as_object().unwrap() {
        if !file.starts_with("tau-bench/") && !file.starts_with("openai-chat/") {
            continue;
        }
        let rows = import(&recordings(), &format!("files: {file}")).unwrap().rows;
        for expected in expected.as_array().unwrap() {
            let row = rows.iter().find(|row| row["trajectory_id"] == expected["trajectory_id"]).unwrap();
            for (column, value) in expected.as_object().unwrap() {
                if column == "turns" {
                    assert_eq!(row["turns"].as_array().unwrap().len(), value.as_array().unwrap().len());
                    for (turn, expected) in row["turns"].as_array().unwrap().iter().zip(value.as_array().unwrap()) {
                        for (column, value) in expected.as_object().unwrap() {
                            assert_eq!(&turn[column], value, "{} turns.{column}", row["trajectory_id"]);
                        }
                    }
                } else if value.is_number() {
                    assert_eq!(row[column].as_f64(), value.as_f64(), "{} {column}", row["trajectory_id"]);
                } else {
                    assert_eq!(&row[column], value, "{} {column}", row["trajectory_id"]);
                }
            }
            compared += 1;
        }
    }
    assert_eq!(compared, 11);
}

#[test]
#[ignore = "needs STERNLIGHT_RECORDINGS"]
fn few_shot_files_are_refused() {
    let error = import(&recordings(), "files: tau-bench/*few_shot.jsonl.zst").unwrap_err();
    insta::assert_snapshot!(error, @"
    `tau-bench/MockAirlineDomainEnv-few_shot.jsonl.zst` holds few-shot demonstrations (`messages_display`): dialogues printed as text, from which the tool calls cannot be recovered
    `tau-bench/MockRetailDomainEnv-few_shot.jsonl.zst` holds few-shot demonstrations (`messages_display`): dialogues printed as text, from which the tool calls cannot be recovered
    ");
}

#[test]
#[ignore = "needs STERNLIGHT_RECORDINGS"]
fn formats_that_are_not_read_yet_are_refused_by_name() {
    for (files, what) in [
        ("tau2/gpt-4.1-airline.json.zst", "a τ²-bench result file"),
        ("atif/nemo-exmp01.json", "an ATIF trajectory"),
        ("inspect/browser.json", "an Inspect log"),
        ("inspect/popularity.eval", "an Inspect log (`.eval`)"),
        ("react/webshop-react-500.log.zst", "neither JSON nor Parquet"),
    ] {
        let error = import(&recordings(), &format!("files: {files}")).unwrap_err();
        assert!(error.contains(&format!("is {what}")), "{error}");
    }
}

/// Texts and numbers of a value, roles apart: those are what rows are made of.
fn leaves<'a>(value: &'a Value, into: &mut Vec<&'a Value>) {
    match value {
        Value::Object(fields) => {
            fields.iter().filter(|(key, _)| key.as_str() != "role").for_each(|(_, value)| leaves(value, into));
        }
        Value::Array(elements) => elements.iter().for_each(|element| leaves(element, into)),
        Value::Null => {}
        leaf => into.push(leaf),
    }
}

#[test]
#[ignore = "needs STERNLIGHT_RECORDINGS"]
fn no_value_of_a_record_is_lost() {
    for (file, _) in FILES {
        let text = text_of(&recordings().join(file));
        let records: Vec<Value> = match serde_json::from_str(&text) {
            Ok(Value::Array(records)) => records,
            _ => text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        };
        let rows = import(&recordings(), &format!("files: {file}")).unwrap().rows;
        assert_eq!(records.len(), rows.len());
        for (record, row) in records.iter().zip(&rows) {
            let extra: Value = serde_json::from_str(row["extra"].as_str().unwrap()).unwrap();
            let tools: Value = serde_json::from_str(row["tools"].as_str().unwrap_or("null")).unwrap();
            let mut kept = Vec::new();
            [row, &extra, &tools].into_iter().for_each(|value| leaves(value, &mut kept));
            let exact: BTreeSet<String> = kept
                .iter()
                .map(|leaf| match leaf {
                    Value::Number(number) => number.as_f64().unwrap().to_string(),
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                })
                .collect();
            let mut recorded = Vec::new();
            leaves(record, &mut recorded);
            for leaf in recorded {
                let found = match leaf {
                    Value::Number(number) => exact.contains(&number.as_f64().unwrap().to_string()),
                    Value::String(text) => {
                        let text = text.strip_prefix("API output: ").unwrap_or(text);
                        exact.contains(text)
                            || kept.iter().any(|leaf| leaf.as_str().is_some_and(|kept| kept.contains(text)))
                    }
                    other => exact.contains(&other.to_string()),
                };
                assert!(found, "{}: {leaf} is lost", row["trajectory_id"]);
            }
        }
    }
}
