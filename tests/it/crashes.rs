//! Runs that end in the middle, at every point of the commit protocol and at moments of no meaning: the next run
//! ends as if nothing had happened, and does nothing twice.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Stdio;
use std::time::Instant;

use rayon::prelude::*;
use serde_json::Value;

use super::harness::{PIPELINE, Run, Workplace, chats, exit_code};

const ABORTED: i32 = 134;
const KILLED: i32 = 128 + 9;

/// Keys of results that the store has.
fn committed(place: &Workplace) -> BTreeSet<String> {
    let key = |name: &String| name.rsplit('/').next()?.strip_suffix(".json").map(str::to_owned);
    place.files(".sternlight/commits").keys().filter_map(key).collect()
}

/// Keys of the parts that a run computed.
fn computed_keys(place: &Workplace, run: &Run) -> BTreeSet<String> {
    let started = run.of_kind("run_started").next().unwrap();
    let keys = place.read(&format!(".sternlight/runs/{}/keys.jsonl", started["run"].as_str().unwrap()));
    let keys: BTreeMap<(String, String), String> = keys
        .lines()
        .map(|line| {
            let record: Value = serde_json::from_str(line).unwrap();
            let text = |name: &str| record[name].as_str().unwrap().to_owned();
            ((text("stage"), text("label")), text("key"))
        })
        .collect();
    let parts = run.of_kind("part_finished").filter(|event| event["step"] == "map" || event["step"] == "gather");
    parts
        .map(|event| {
            let text = |name: &str| event[name].as_str().unwrap().to_owned();
            keys[&(text("stage"), text("label"))].clone()
        })
        .collect()
}

/// What a run leaves: its datasets and what it exported.
type Results = (BTreeMap<String, Value>, BTreeMap<String, Vec<u8>>);

fn results(place: &Workplace, run: &Run) -> Results {
    (place.datasets(run), place.files("out"))
}

/// Runs to the end after a crash, and checks that this repairs it.
fn recover(place: &Workplace, environment: &[(&str, &str)], expected: &Results, what: &str) {
    let kept = committed(place);
    let run = place.run_with(&["run", "pipeline.yaml"], environment);
    let again: Vec<String> = computed_keys(place, &run).intersection(&kept).cloned().collect();
    assert!(again.is_empty(), "{what}: committed parts were computed again: {again:?}");
    let found = results(place, &run);
    let differing: Vec<&String> = expected
        .0
        .iter()
        .filter(|(stage, dataset)| found.0.get(*stage) != Some(dataset))
        .map(|(stage, _)| stage)
        .collect();
    assert!(differing.is_empty(), "{what}: {differing:?} differ");
    // Left-over directories of an export would be among the files, which are compared by name and bytes.
    assert_eq!(found.1.keys().collect::<Vec<_>>(), expected.1.keys().collect::<Vec<_>>(), "{what}");
    assert!(found.1 == expected.1, "{what}: an export differs");
    let entries = fs::read_dir(place.path("out/parquet")).unwrap().chain(fs::read_dir(place.path("out")).unwrap());
    let hidden = |name: &str| name.starts_with('.');
    assert!(!entries.map(|entry| entry.unwrap().file_name()).any(|name| hidden(&name.to_string_lossy())), "{what}");
}

/// Two exports: a directory, and a file.
fn place() -> Workplace {
    let place = Workplace::with_pipeline();
    let pipeline = PIPELINE.replace("{ to: out.jsonl, format: openai-chat }", "{ to: out/parquet }")
        + "  chats: { uses: export, from: advantage, with: { to: out/chats.jsonl, format: openai-chat } }\n";
    place.write("pipeline.yaml", pipeline);
    place
}

/// Runs up to the numbered point; whether it was reached.
fn aborts_at(place: &Workplace, point: u32) -> bool {
    // One thread, so that the points always have the same numbers.
    let mut command = place.command(&["run", "pipeline.yaml", "--threads", "1"]);
    let output = command.env("STERNLIGHT_ABORT_AT", point.to_string()).output().unwrap();
    let code = exit_code(&output);
    assert!(matches!(code, 0 | ABORTED), "{}", String::from_utf8_lossy(&output.stderr));
    code == ABORTED
}

/// Calls with 1, 2, … until told that there is no such point; how many there are. The runs mostly wait for the disk,
/// so that several go on at once.
fn for_every_point(test: impl Fn(u32) -> bool + Sync) -> usize {
    const AT_ONCE: u32 = 8;
    let mut points = 0;
    for first in (1..).step_by(AT_ONCE as usize) {
        let reached = (first..first + AT_ONCE).into_par_iter().filter(|point| test(*point)).count();
        points += reached;
        if reached < AT_ONCE as usize {
            break;
        }
    }
    points
}

#[test]
fn a_crash_at_any_point_of_the_first_run_loses_nothing() {
    let undisturbed = place();
    let expected = results(&undisturbed, &undisturbed.run());
    let points = for_every_point(|point| {
        let place = place();
        let aborted = aborts_at(&place, point);
        if aborted {
            check_directory(&place, &[&expected.1], point);
            recover(&place, &[], &expected, &format!("point {point}"));
        }
        aborted
    });
    // Two for each part that is committed and for each of five datasets, besides those of the exports.
    assert!(points > 2 * (9 + 5 + 2), "only {points} points");
}

#[test]
fn a_crash_while_an_export_is_replaced_leaves_the_old_or_the_new() {
    let change = |place: &Workplace| {
        place.edit("pipeline.yaml", "estimator: grpo", "estimator: rloo");
        // One file less than before.
        fs::remove_file(place.path("data/b.jsonl")).unwrap();
    };
    let undisturbed = place();
    undisturbed.run();
    let before = undisturbed.files("out");
    change(&undisturbed);
    let expected = results(&undisturbed, &undisturbed.run());
    assert!(before != expected.1);
    let points = for_every_point(|point| {
        let place = place();
        place.run();
        change(&place);
        let aborted = aborts_at(&place, point);
        if aborted {
            check_directory(&place, &[&before, &expected.1], point);
            recover(&place, &[], &expected, &format!("point {point} of the second run"));
        }
        aborted
    });
    assert!(points > 15, "only {points} points");
}

/// Every file that is seen is whole, and a manifest stands beside its own files only.
fn check_directory(place: &Workplace, allowed: &[&BTreeMap<String, Vec<u8>>], point: u32) {
    let found = visible(&place.files("out"));
    for (name, bytes) in &found {
        assert!(allowed.iter().any(|files| files.get(name) == Some(bytes)), "point {point}: {name}");
    }
    let in_directory = |files: &BTreeMap<String, Vec<u8>>| -> BTreeMap<String, Vec<u8>> {
        files
            .iter()
            .filter(|(name, _)| name.starts_with("parquet/"))
            .map(|(name, bytes)| (name.clone(), bytes.clone()))
            .collect()
    };
    let directory = in_directory(&found);
    if directory.contains_key("parquet/_manifest.json") {
        assert!(allowed.iter().any(|files| in_directory(files) == directory), "point {point}: a mixture");
    }
}

fn visible(files: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    let is_hidden = |name: &str| name.split('/').any(|part| part.starts_with('.'));
    files.iter().filter(|(name, _)| !is_hidden(name)).map(|(name, bytes)| (name.clone(), bytes.clone())).collect()
}

#[test]
fn a_killed_run_loses_nothing() {
    let place = || {
        let place = place();
        place.write("data/a.jsonl", chats(0..60, 0..2));
        place.write("data/b.jsonl", chats(0..60, 2..4));
        place
    };
    let shards = ("STERNLIGHT_SHARD_BYTES", "8000");
    let undisturbed = place();
    let started = Instant::now();
    let run = undisturbed.run_with(&["run", "pipeline.yaml"], &[shards]);
    let lasted = started.elapsed();
    assert!(run.computed()["import"] > 20, "{:?}", run.computed());
    let expected = results(&undisturbed, &run);
    let mut killed = 0;
    for quarter in 1..4 {
        let place = place();
        let mut command = place.command(&["run", "pipeline.yaml"]);
        let mut child = command.env(shards.0, shards.1).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(lasted * quarter / 4);
        child.kill().unwrap();
        killed += usize::from(exit_code(&child.wait_with_output().unwrap()) == KILLED);
        recover(&place, &[shards], &expected, &format!("killed after {quarter} quarters"));
    }
    assert!(killed > 0, "every run ended before it was killed: {lasted:?}");
}
