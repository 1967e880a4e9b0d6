//! Results depend on the recordings alone: not on threads, batches, or how the recordings were cut into files; and
//! neither does the memory that it takes to make them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::harness::{PIPELINE, Workplace, chat, chats, exit_code};

/// One stage for each estimator, and one for what each option that looks at turns changes.
const ESTIMATORS: [&str; 10] = [
    "estimator: grpo",
    "estimator: grpo, scale: batch",
    "estimator: dr-grpo",
    "estimator: rloo",
    "estimator: reinforce++",
    "estimator: reinforce++, gamma: 0.9, weight: trajectories",
    "estimator: reinforce++-baseline",
    "estimator: gigpo",
    "estimator: turn-return, baseline: position",
    "estimator: turn-return, baseline: group, gamma: 0.9, scale: std",
];

/// The quickstart's stages with an advantage by each estimator, and the exports of the first and the last.
fn all_estimators(files: &str) -> String {
    let mut pipeline = "\
version: 1
name: all
stages:
  import: { uses: import, with: { files: FILES, env: desk, policy: agent } }
  filter: { uses: filter, from: import, with: { where: \"status <> 'failed' and length(turns) > 0\" } }
  reward: { uses: reward, from: filter, with: { by: outcome } }
  reflect: { uses: reflect, from: reward, with: { by: rules } }
"
    .replace("FILES", files);
    for (number, options) in ESTIMATORS.iter().enumerate() {
        let _ = writeln!(pipeline, "  a{number}: {{ uses: advantage, from: reflect, with: {{ {options} }} }}");
    }
    pipeline += "  directory: { uses: export, from: a0, with: { to: out/directory } }\n";
    pipeline += "  file: { uses: export, from: a9, with: { to: out/file.parquet } }\n";
    pipeline += "  chats: { uses: export, from: a9, with: { to: out/chats.jsonl, format: openai-chat } }\n";
    pipeline
}

#[test]
fn threads_and_batches_change_no_byte() {
    let knobs = [
        ["--threads", "1", "--batch-rows", "1024"],
        ["--threads", "2", "--batch-rows", "1024"],
        ["--threads", "2", "--batch-rows", "7"],
        ["--threads", "1", "--batch-rows", "1"],
    ];
    let mut expected = None;
    for knobs in knobs {
        let place = Workplace::with_quickstart();
        place.write("pipelines/all.yaml", all_estimators("data/service-desk-*"));
        let arguments = [&["run", "pipelines/all.yaml"][..], &knobs].concat();
        let run = place.run_with(&arguments, &[]);
        let found = (place.datasets(&run), place.files("out"));
        assert_eq!(found.0.len(), 4 + ESTIMATORS.len());
        assert_eq!(found.1.len(), 6 + 2 + 2);
        // Compared without printing: a difference would fill the screen.
        match &expected {
            None => expected = Some(found),
            Some(expected) => {
                let differing: Vec<&String> = expected
                    .0
                    .iter()
                    .filter(|(stage, dataset)| found.0[*stage] != **dataset)
                    .map(|(stage, _)| stage)
                    .collect();
                assert!(differing.is_empty(), "{knobs:?}: {differing:?} differ");
                let differing: Vec<&String> =
                    expected.1.iter().filter(|(name, bytes)| found.1[*name] != **bytes).map(|(name, _)| name).collect();
                assert!(differing.is_empty(), "{knobs:?}: {differing:?} differ");
            }
        }
    }
}

/// Every row of a dataset by its id, but for what names the file that it came from.
fn rows(place: &Workplace, stage: &str, ids: &[String]) -> BTreeMap<String, Value> {
    let shown = ids.iter().map(|id| {
        let shown = place.sternlight(&["show", "last", stage, id, "--json"]);
        assert_eq!(exit_code(&shown), 0, "{}", String::from_utf8_lossy(&shown.stderr));
        let mut row: Value = serde_json::from_slice(&shown.stdout).unwrap();
        row.as_object_mut().unwrap().remove("source");
        (id.clone(), row)
    });
    shown.collect()
}

#[test]
fn rows_that_carry_ids_do_not_depend_on_files() {
    let lines: Vec<String> = chats(0..4, 0..5).lines().map(|line| format!("{line}\n")).collect();
    let ids: Vec<String> = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["trajectory_id"].as_str().unwrap().to_owned())
        .collect();
    let mut expected = None;
    for files in [1, 5] {
        let place = Workplace::new();
        place.write("all.yaml", all_estimators("data/*"));
        for (number, lines) in lines.chunks(lines.len() / files).enumerate() {
            place.write(&format!("data/{number}.jsonl"), lines.concat());
        }
        let run = place.run_with(&["run", "all.yaml"], &[]);
        assert_eq!(run.computed()["import"], files as u64);
        let found: Vec<_> = ["a0", "a9"].iter().map(|stage| rows(&place, stage, &ids)).collect();
        assert!(found[0].values().all(|row| row["turns"][0]["advantage"].is_number()), "{:?}", found[0]);
        let found = (found, place.read("out/chats.jsonl"));
        assert_eq!(*expected.get_or_insert_with(|| found.clone()), found);
    }
}

/// What heap and stacks together may take with one worker thread: a batch of 16 MiB, what is made of it, and a row
/// group under construction that holds the largest row more than once. It is less than the recordings, so that a run
/// that kept them all would end here.
#[cfg(target_os = "linux")]
const MEMORY_BOUND_KIB: u64 = 128 << 10;

/// Rows of 300 KB and one of 5 MB: `rows` + 1 of them.
#[cfg(target_os = "linux")]
fn large_rows(rows: usize) -> String {
    let mut lines = String::new();
    let row = |number: usize, bytes: usize| {
        let mut row = chat(number / 4, number % 4);
        row["trajectory_id"] = json!(format!("row-{number}"));
        row["messages"][1]["content"] = json!("All work and no play. ".repeat(bytes / 22));
        row
    };
    for number in 0..rows {
        let _ = writeln!(lines, "{}", row(number, 300_000));
    }
    let _ = writeln!(lines, "{}", row(rows, 5_000_000));
    lines
}

#[cfg(target_os = "linux")]
#[test]
fn large_rows_stay_within_the_memory_bound() {
    const FILES: usize = 4;
    let place = Workplace::on_disk();
    place.write("pipeline.yaml", PIPELINE);
    place.write("rules.yaml", "{}");
    let rows = large_rows(100);
    for number in 0..FILES {
        place.write(&format!("data/{number}.jsonl"), rows.replace("\"row-", &format!("\"row-{number}-")));
    }
    assert!((rows.len() * FILES) as u64 > MEMORY_BOUND_KIB << 10);
    // The shell sets the limit, which its child inherits.
    let limited = format!("ulimit -d {MEMORY_BOUND_KIB} && exec \"$0\" run pipeline.yaml --threads 1");
    let output = std::process::Command::new("sh")
        .args(["-c", &limited, env!("CARGO_BIN_EXE_sternlight")])
        .current_dir(place.path(""))
        .output()
        .unwrap();
    assert_eq!(exit_code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(place.read("out.jsonl").lines().count(), 101 * FILES);
}
