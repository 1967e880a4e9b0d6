//! Runs that end in the middle, at every point of the commit protocol and at moments of no meaning: the next run
//! ends as if nothing had happened, and does nothing twice.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Stdio;
use std::time::Instant;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde_json::Value;

use super::harness::{PIPELINE, Run, Workplace, chats, exit_code};
use super::store_contents::StoreContents;

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

/// Several partitions for the groups, which are scattered over the files.
pub(crate) const RUN: [&str; 4] = ["run", "pipeline.yaml", "--partition-bytes", "200"];

/// What a run leaves: its store and what it exported.
pub(crate) struct Results {
    pub(crate) store: StoreContents,
    pub(crate) exports: BTreeMap<String, Vec<u8>>,
}

impl Results {
    pub(crate) fn of(place: &Workplace) -> Self {
        Self { store: StoreContents::of(place), exports: place.files("out") }
    }

    /// Holds them against those of an undisturbed run. Hidden directories of an export would be among the files.
    pub(crate) fn assert_same(&self, expected: &Self, what: &str) {
        self.store.assert_same(&expected.store, what);
        let names = |results: &Self| results.exports.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(self), names(expected), "{what}");
        assert!(self.exports == expected.exports, "{what}: an export differs");
    }
}

/// Runs to the end after a crash, and checks that this repairs it.
pub(crate) fn recover(place: &Workplace, environment: &[(&str, &str)], expected: &Results, what: &str) -> Results {
    let kept = committed(place);
    let run = place.run_with(&RUN, environment);
    let again: Vec<String> = computed_keys(place, &run).intersection(&kept).cloned().collect();
    assert!(again.is_empty(), "{what}: committed parts were computed again: {again:?}");
    let found = Results::of(place);
    found.assert_same(expected, what);
    let entries = fs::read_dir(place.path("out/parquet")).unwrap().chain(fs::read_dir(place.path("out")).unwrap());
    let hidden = |name: &str| name.starts_with('.');
    assert!(!entries.map(|entry| entry.unwrap().file_name()).any(|name| hidden(&name.to_string_lossy())), "{what}");
    found
}

/// After a crash between two steps of the protocol nothing is left but whole attempts, which nobody reads.
fn recover_from_abort(place: &Workplace, expected: &Results, what: &str) {
    let left_over = recover(place, &[], expected, what).store.left_over;
    assert!(left_over.iter().all(|name| name.starts_with("data/")), "{what}: {left_over:?}");
}

/// Two exports: a directory, and a file.
pub(crate) fn place() -> Workplace {
    exporting(Workplace::with_pipeline())
}

/// The same in a place that has [`PIPELINE`].
pub(crate) fn exporting(place: Workplace) -> Workplace {
    let pipeline = PIPELINE.replace("{ to: out.jsonl, format: openai-chat }", "{ to: out/parquet }")
        + "  chats: { uses: export, from: advantage, with: { to: out/chats.jsonl, format: openai-chat } }\n";
    place.write("pipeline.yaml", pipeline);
    place
}

/// What an undisturbed run leaves: nothing that is not needed.
pub(crate) fn undisturbed(place: &Workplace, environment: &[(&str, &str)]) -> Results {
    let run = place.run_with(&RUN, environment);
    let steps: BTreeSet<&str> = run.of_kind("part_finished").map(|event| event["step"].as_str().unwrap()).collect();
    assert_eq!(steps, BTreeSet::from(["map", "scatter", "group", "gather"]));
    let results = Results::of(place);
    assert!(results.store.left_over.is_empty(), "{:?}", results.store.left_over);
    results
}

/// Runs up to the numbered point; whether it was reached.
fn aborts_at(place: &Workplace, point: u32) -> bool {
    // One thread, so that the points always have the same numbers.
    let mut command = place.command(&[&RUN[..], &["--threads", "1"]].concat());
    let output = command.env("STERNLIGHT_ABORT_AT", point.to_string()).output().unwrap();
    let code = exit_code(&output);
    assert!(matches!(code, 0 | ABORTED), "{}", String::from_utf8_lossy(&output.stderr));
    code == ABORTED
}

/// A relabeller, whose copies lie in files of their own, and an export.
#[cfg(feature = "plugins")]
fn place_of_copies() -> Workplace {
    let place = Workplace::new();
    let plugin = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins/examples/hindsight/js/hindsight.wasm");
    place.write("hindsight.wasm", fs::read(plugin).unwrap());
    let stages = "  import: { uses: import, with: { files: data/*.jsonl } }\n  \
                  hindsight: { uses: ./hindsight.wasm, from: import }\n  \
                  export: { uses: export, from: hindsight, with: { to: out/parquet } }\n";
    place.write("pipeline.yaml", format!("version: 1\nstages:\n{stages}"));
    for (name, trials) in [("data/a.jsonl", 0..2), ("data/b.jsonl", 2..4)] {
        place.write(name, chats(0..3, trials).replace("\"messages\"", "\"success\":false,\"messages\""));
    }
    place
}

#[cfg(feature = "plugins")]
#[test]
fn a_crash_at_any_point_of_relabelling_loses_nothing() {
    let whole = place_of_copies();
    let run = whole.run_with(&RUN, &[]);
    assert_eq!((run.rows("import"), run.rows("hindsight")), (12, 24));
    let expected = Results::of(&whole);
    let points = for_every_point(|point| {
        let place = place_of_copies();
        let aborted = aborts_at(&place, point);
        if aborted {
            check_directory(&place, &[&expected.exports], point);
            recover_from_abort(&place, &expected, &format!("point {point}"));
        }
        aborted
    });
    // Two for each of four parts and of two datasets, besides those of the export.
    assert!(points > 2 * (4 + 2), "only {points} points");
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
    let expected = undisturbed(&place(), &[]);
    let points = for_every_point(|point| {
        let place = place();
        let aborted = aborts_at(&place, point);
        if aborted {
            check_directory(&place, &[&expected.exports], point);
            recover_from_abort(&place, &expected, &format!("point {point}"));
        }
        aborted
    });
    // Two for each part that is committed, for each shard and partition that is exchanged, and for each of five
    // datasets, besides those of the exports.
    assert!(points > 2 * (10 + 4 + 5), "only {points} points");
}

/// A loop over a dataset, with a table of each iteration, and exports of each and of the last.
const LOOP: &str = "\
version: 1
loop: { times: 3, carry: { import: best }, until: counts.trajectories < 1 }
stages:
  import: { uses: import, with: { files: data/*.jsonl } }
  reward: { uses: reward, from: import, with: { by: outcome } }
  best: { uses: filter, from: reward, with: { where: 'reward is null or reward >= ${iteration} / 10' } }
  counts: { uses: stats, from: best, with: { by: [task] } }
  halves: { uses: split, from: best, with: { parts: { a: 0.5, b: 0.5 } }, when: last }
  tables: { uses: export, from: counts, with: { to: 'out/counts-${iteration}.csv' } }
  export: { uses: export, from: halves.a, when: last, with: { to: out/parquet } }
";

#[test]
fn a_crash_at_any_point_of_a_loop_loses_nothing() {
    let place = || {
        let place = Workplace::with_pipeline();
        place.write("pipeline.yaml", LOOP);
        place
    };
    let whole = place();
    let run = whole.run_with(&RUN, &[]);
    let ends: Vec<&Value> = run.of_kind("iteration_finished").collect();
    assert_eq!(ends.len(), 3);
    let expected = Results::of(&whole);
    let points = for_every_point(|point| {
        let place = place();
        let aborted = aborts_at(&place, point);
        if aborted {
            recover_from_abort(&place, &expected, &format!("point {point}"));
        }
        aborted
    });
    // Two for each part that is committed, of the import and of each iteration, besides those of exports and manifests.
    assert!(points > 2 * (2 + 3 * 5), "only {points} points");
}

#[test]
fn a_crash_on_the_way_back_from_a_crash_loses_nothing() {
    let expected = undisturbed(&place(), &[]);
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let pairs: Vec<(u32, u32)> = (0..24).map(|_| (random.random_range(1..50), random.random_range(1..50))).collect();
    let twice = pairs.par_iter().filter(|(first, second)| {
        let place = place();
        let aborted = aborts_at(&place, *first) & aborts_at(&place, *second);
        check_directory(&place, &[&expected.exports], *second);
        recover_from_abort(&place, &expected, &format!("points {first} and {second}"));
        aborted
    });
    let twice = twice.count();
    assert!(twice > 6, "the second run reached its point only {twice} times");
}

#[test]
fn a_crash_while_an_export_is_replaced_leaves_the_old_or_the_new() {
    let change = |place: &Workplace| {
        place.edit("pipeline.yaml", "estimator: grpo", "estimator: rloo");
        // One file less than before.
        fs::remove_file(place.path("data/b.jsonl")).unwrap();
    };
    let place_of_both = place();
    let before = undisturbed(&place_of_both, &[]).exports;
    change(&place_of_both);
    place_of_both.run_with(&RUN, &[]);
    let expected = Results::of(&place_of_both);
    assert!(before != expected.exports);
    let points = for_every_point(|point| {
        let place = place();
        place.run_with(&RUN, &[]);
        change(&place);
        let aborted = aborts_at(&place, point);
        if aborted {
            check_directory(&place, &[&before, &expected.exports], point);
            recover_from_abort(&place, &expected, &format!("point {point} of the second run"));
        }
        aborted
    });
    assert!(points > 15, "only {points} points");
}

/// Every file that is seen is whole, and a manifest stands beside its own files only.
pub(crate) fn check_directory(place: &Workplace, allowed: &[&BTreeMap<String, Vec<u8>>], point: u32) {
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

/// Many shards, so that a run takes a while.
const SHARDS: [(&str, &str); 1] = [("STERNLIGHT_SHARD_BYTES", "8000")];

fn large_place() -> Workplace {
    let place = place();
    place.write("data/a.jsonl", chats(0..30, 0..2));
    place.write("data/b.jsonl", chats(0..30, 2..4));
    place
}

/// The same with a plugin behind it, and an export of what that makes.
#[cfg(feature = "plugins")]
fn with_a_plugin(place: Workplace) -> Workplace {
    place.write("tool_penalty.wasm", super::plugins::plugin());
    let pipeline = place.read("pipeline.yaml")
        + "  penalty: { uses: ./tool_penalty.wasm, from: reflect, with: { penalty: 0.25 } }\n  \
             penalised: { uses: export, from: penalty, with: { to: out/penalised } }\n";
    place.write("pipeline.yaml", pipeline);
    place
}

#[cfg(not(feature = "plugins"))]
fn with_a_plugin(place: Workplace) -> Workplace {
    place
}

/// Somebody who puts files of their own where exports lie, in the place of one or beside them.
struct Somebody {
    random: ChaCha8Rng,
    files: BTreeMap<String, Vec<u8>>,
}

impl Somebody {
    const PLACES: [&str; 6] = [
        "out/chats.jsonl",
        "out/chats.README.md",
        "out/parquet/part-00000.parquet",
        "out/parquet/_manifest.json",
        "out/penalised/part-00001.parquet",
        "out/mine",
    ];

    /// All at once, as files are replaced by those who mean it; where there is no directory yet, nothing.
    fn acts(&mut self, place: &Workplace) {
        let name = Self::PLACES[self.random.random_range(0..Self::PLACES.len())];
        let text = format!("theirs {}", self.random.random::<u64>());
        place.write("mine", &text);
        if fs::rename(place.path("mine"), place.path(name)).is_ok() {
            self.files.insert(name.to_owned(), text.into_bytes());
        }
    }

    fn check(&self, place: &Workplace) {
        for (name, text) in &self.files {
            assert_eq!(fs::read(place.path(name)).ok().as_ref(), Some(text), "{name}");
        }
    }

    /// Takes everything away again; whether there was anything.
    fn gives_way(&mut self, place: &Workplace) -> bool {
        self.check(place);
        self.files.keys().for_each(|name| fs::remove_file(place.path(name)).unwrap());
        !std::mem::take(&mut self.files).is_empty()
    }
}

/// Kills runs at random moments of their duration, each time the one that goes on where the last one was killed, until
/// one ends; then begins anew, until so many were killed. Meanwhile somebody replaces exports, which must stay.
fn kill(kills: usize) {
    let new_place = || with_a_plugin(large_place());
    let place = new_place();
    // What takes a moment once, and no longer.
    place.run_with(&RUN, &SHARDS);
    let place = new_place();
    let started = Instant::now();
    let expected = undisturbed(&place, &SHARDS);
    let lasted = started.elapsed();
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut somebody = Somebody { random: ChaCha8Rng::seed_from_u64(8), files: BTreeMap::new() };
    let mut killed = 0;
    while killed < kills {
        let place = new_place();
        let mut is_disturbed = false;
        loop {
            let mut command = place.command(&RUN);
            let mut child = command.envs(SHARDS).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
            let (first, second) = (random.random_range(0.0..1.0), random.random_range(0.0..1.0));
            std::thread::sleep(lasted.mul_f64(f64::min(first, second)));
            if random.random_bool(0.4) {
                somebody.acts(&place);
            }
            std::thread::sleep(lasted.mul_f64(f64::abs(first - second)));
            child.kill().unwrap();
            let output = child.wait_with_output().unwrap();
            let (code, said) = (exit_code(&output), String::from_utf8_lossy(&output.stderr).into_owned());
            let is_in_the_way = code == 1 && (said.contains("is there already") || said.contains("was changed while"));
            assert!(matches!(code, 0 | KILLED) || is_in_the_way && !somebody.files.is_empty(), "{said}");
            somebody.check(&place);
            killed += usize::from(code == KILLED);
            if code == 1 {
                is_disturbed |= somebody.gives_way(&place);
            }
            if code == 0 || killed == kills {
                break;
            }
        }
        is_disturbed |= somebody.gives_way(&place);
        if is_disturbed {
            // What was replaced is exported anew, although its commit is there.
            place.run_with(&RUN, &SHARDS);
        }
        let left_over = recover(&place, &SHARDS, &expected, &format!("killed {killed} times")).store.left_over;
        let is_temporary = |name: &String| name.starts_with("data/") || name.contains(".tmp");
        assert!(left_over.iter().all(is_temporary), "{left_over:?}");
    }
}

#[test]
fn a_killed_run_loses_nothing() {
    kill(4);
}

#[test]
#[ignore = "slow: kills a hundred runs"]
fn a_hundred_killed_runs_lose_nothing() {
    kill(100);
}
