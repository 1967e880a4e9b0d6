//! What a relabeller must keep: copies are new rows that say what happened as it happened, are successes at tasks of their
//! own, and have nothing that was made for the old one. Tried on rows that were drawn, under every way.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array as _, BooleanArray, RecordBatch};
use arrow::compute::{filter_record_batch, sort_to_indices, take_record_batch};
use proptest::prelude::*;
use serde_yaml::Value;
use sternlight_engine::contract::{Contract, Effect, InputTypes, Keep};
use sternlight_engine::dataset::Dataset;
use sternlight_engine::trajectory::{Status, TrajectoryBatch, TrajectoryRow, TrajectorySchema, TurnRow};

use crate::cases;
use crate::promises::valid;
use crate::replay::{Place, Way, rows};
use crate::rows::{Rows, batch, row, turn};

/// What happened: no copy has it otherwise.
const HAPPENED: [&str; 6] = [
    "turns.observation",
    "turns.action",
    "turns.tool_name",
    "turns.tool_arguments",
    "turns.tool_answered",
    "turns.action_tokens",
];

/// What was made for the old task, or recorded under the old prompt.
const GONE: [&str; 8] = [
    "turns.reward",
    "turns.return",
    "turns.advantage",
    "turns.verdict",
    "turns.diagnosis",
    "turns.rule",
    "turns.prompt_tokens",
    "turns.action_logprobs",
];

/// Goals that can be checked by whoever reads a copy.
const READABLE: &str = r"achieved: {pattern: 'value: (\d)'}, task: 'Reach {goal}.'";

/// Rows in the order of their ids: copies lie behind the shard of their originals.
pub(crate) fn by_id(rows: &RecordBatch) -> RecordBatch {
    let order = sort_to_indices(rows.column_by_name("trajectory_id").unwrap(), None, None).unwrap();
    take_record_batch(rows, &order).unwrap()
}

/// Holds originals and copies to what they must be.
pub(crate) fn are_relabelled(contract: &Contract, options: &str, input: &Dataset, output: &Dataset, told: &str) {
    let Effect::Relabelled { keep, .. } = &contract.effect else { panic!("{told}: {:?}", contract.effect) };
    assert_eq!(output.schema.paths(), contract.output(&input.schema).paths(), "{told}");
    let Some(before) = rows(input) else {
        assert!(rows(output).is_none(), "{told}");
        return;
    };
    let Some(after) = rows(output) else {
        assert!(before.num_rows() == 0 || *keep == Keep::Relabelled, "{told}: no rows");
        return;
    };
    valid(&after, told);
    let is_copy = after.column_by_name("relabelled").unwrap();
    let is_copy = is_copy.as_any().downcast_ref::<BooleanArray>().unwrap();
    assert_eq!(is_copy.null_count(), 0, "{told}: a row that is neither copy nor original");
    let originals = filter_record_batch(&after, &arrow::compute::not(is_copy).unwrap()).unwrap();
    let copies = TrajectoryBatch::new(filter_record_batch(&after, is_copy).unwrap()).unwrap();
    let before = TrajectoryBatch::new(before).unwrap();
    match keep {
        Keep::Relabelled => assert_eq!(originals.num_rows(), 0, "{told}"),
        Keep::Both => {
            let originals = TrajectoryBatch::new(originals).unwrap();
            for path in input.schema.paths() {
                let same = before.column(path.as_str()).unwrap() == originals.column(path.as_str()).unwrap();
                assert!(same, "{told}: `{path}` of originals has changed");
            }
        }
    }
    let ids = before.text("trajectory_id").unwrap();
    let sources: BTreeMap<&str, usize> = (0..before.rows()).map(|row| (ids.value(row), row)).collect();
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    let mut names = BTreeSet::new();
    for copy in 0..copies.rows() {
        let source = copies.text("source_trajectory_id").unwrap().value(copy);
        let source = *sources.get(source).unwrap_or_else(|| panic!("{told}: a copy of nothing"));
        *counts.entry(source).or_default() += 1;
        is_copy_of((&copies, copy), (&before, source), told);
        assert!(names.insert(copies.text("trajectory_id").unwrap().value(copy)), "{told}: two copies have one id");
        if options.contains(READABLE) {
            reaches_its_goal(&copies, copy, told);
        }
    }
    let most = most_copies(options);
    assert!(counts.values().all(|count| *count <= most), "{told}: {counts:?}, and {most} are the most");
}

/// Copies of a trajectory at most.
fn most_copies(options: &str) -> usize {
    let options: Value = serde_yaml::from_str(options).unwrap();
    let is = |key: &str, word: &str| options.get(key).and_then(Value::as_str) == Some(word);
    let draws = is("by", "goal") && options.get("strategy").is_some() && !is("strategy", "final");
    let default = if draws { 4 } else { 1 };
    options.get("count").and_then(Value::as_u64).unwrap_or(default) as usize
}

fn is_copy_of((copies, copy): (&TrajectoryBatch, usize), (before, source): (&TrajectoryBatch, usize), told: &str) {
    let text = |batch: &TrajectoryBatch, path: &str, row: usize| {
        let column = batch.column(path).map(|_| batch.text(path).unwrap());
        column.filter(|column| column.is_valid(row)).map(|column| column.value(row).to_owned())
    };
    let told = format!("{told}, a copy of `{}`", before.name_of(source));
    assert_ne!(text(before, "status", source).as_deref(), Some("failed"), "{told}: of a run that broke");
    // A row of its own, in a group of its own, at a task of its own.
    let suffixed = |path: &str| {
        let (new, old) = (text(copies, path, copy), text(before, path, source));
        match old {
            Some(old) => assert!(new.unwrap().starts_with(&format!("{old}#")), "{told}: `{path}`"),
            None => assert_eq!(new, None, "{told}: `{path}`"),
        }
    };
    ["trajectory_id", "group_id", "task_id"].into_iter().for_each(suffixed);
    assert!(text(copies, "prompt", copy).is_some_and(|prompt| prompt == prompt.trim()), "{told}: it is told nothing");
    // A success, by whoever says so.
    let reward = copies.float("reward").unwrap();
    assert!(reward.is_valid(copy) && reward.value(copy) == 1.0, "{told}");
    let success = copies.boolean("success").unwrap();
    assert!(success.is_valid(copy) && success.value(copy), "{told}");
    let confidence = copies.float("relabel_confidence").unwrap();
    assert!(confidence.is_valid(copy) && (0.0..=1.0).contains(&confidence.value(copy)), "{told}");
    // What happened stays, to where it was cut.
    let (turns, of_source) = (copies.turns_of(copy), before.turns_of(source));
    assert!(!turns.is_empty() && turns.len() <= of_source.len(), "{told}");
    for path in HAPPENED.into_iter().filter(|path| before.column(path).is_some()) {
        let new = copies.column(path).unwrap().slice(turns.start, turns.len());
        let old = before.column(path).unwrap().slice(of_source.start, turns.len());
        assert!(new == old, "{told}: `{path}`");
    }
    let expected = match turns.len() == of_source.len() {
        true => text(before, "final_observation", source),
        false => text(before, "turns.observation", of_source.start + turns.len()),
    };
    assert_eq!(text(copies, "final_observation", copy), expected, "{told}");
    // What was made for the old task does not.
    for path in GONE.into_iter().filter(|path| copies.column(path).is_some()) {
        let column = copies.column(path).unwrap().slice(turns.start, turns.len());
        assert_eq!(column.null_count(), turns.len(), "{told}: `{path}`");
    }
}

/// By reading the copy alone: what was observed at its end is what it was to reach.
fn reaches_its_goal(copies: &TrajectoryBatch, copy: usize, told: &str) {
    let prompt = copies.text("prompt").unwrap().value(copy);
    let goal = prompt.strip_prefix("Reach ").and_then(|rest| rest.strip_suffix('.')).unwrap();
    let turns = copies.turns_of(copy);
    let observations = copies.text("turns.observation").unwrap();
    let last = copies.text("final_observation").unwrap();
    let results = turns.clone().skip(1).map(|turn| observations.value(turn));
    let results = results.chain(last.is_valid(copy).then(|| last.value(copy)));
    let value = |text: &str| text.rsplit_once("value: ").map(|(_, value)| value[..1].to_owned());
    let reached = results.filter_map(value).next_back();
    assert_eq!(reached.as_deref(), Some(goal), "{told}, copy {copy}");
}

fn observation() -> impl Strategy<Value = String> {
    let others = ["nothing", "Error: it is gone", "three bookings were found there", "", "that is against the policy"];
    prop_oneof![
        3 => (0..4).prop_map(|value| format!("value: {value}")),
        1 => (0..4, 0..4).prop_map(|(first, then)| format!("value: {first}, then value: {then}")),
        2 => prop::sample::select(others.to_vec()).prop_map(str::to_owned),
    ]
}

fn criteria() -> impl Strategy<Value = String> {
    let one =
        (prop::sample::select(vec!["null", "2", "0", "-1"]), prop::sample::select(vec!["null", "true", "0", "0.5"]));
    prop::collection::vec(one, 0..5).prop_map(|criteria| {
        let one = |(index, (weight, satisfied)): (usize, (&str, &str))| {
            format!(r#"{{"id": {index}, "text": "Be {index}.", "weight": {weight}, "satisfied": {satisfied}}}"#)
        };
        let criteria: Vec<String> = criteria.into_iter().enumerate().map(one).collect();
        format!(r#"{{"criteria": [{}]}}"#, criteria.join(", "))
    })
}

fn attempt() -> impl Strategy<Value = TrajectoryRow> {
    let status = prop::sample::select(vec![Status::Done, Status::Done, Status::Truncated, Status::Failed]);
    let turns = prop::collection::vec(observation(), 0..8);
    let outcome = (any::<Option<bool>>(), prop::option::of(prop::sample::select(vec![0.0_f32, 0.5, 1.0])));
    let prompt = prop::option::of(prop::sample::select(vec!["Be 0. Be 1.", "Be kind.\n- Be 2.", ""]));
    (turns, prop::option::of(observation()), criteria(), outcome, status, prompt).prop_map(
        |(turns, last, extra, (success, reward), status, prompt)| TrajectoryRow {
            prompt: prompt.map(str::to_owned),
            final_observation: last,
            extra: Some(extra),
            success,
            status,
            ..row("", "g", reward, turns.iter().map(|text| told(text)).collect())
        },
    )
}

fn told(observation: &str) -> TurnRow {
    TurnRow { tool_error: None, ..turn(observation, "look", Some(0.5)) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 20, ..ProptestConfig::default() })]

    #[test]
    fn every_way_makes_copies_that_keep_what_happened(
        mut attempts in prop::collection::vec(attempt(), 1..30),
        all_null in any::<bool>(),
    ) {
        attempts.iter_mut().enumerate().for_each(|(index, attempt)| attempt.trajectory_id = format!("t{index}"));
        let batch = batch(&attempts, all_null);
        let rows = Rows { schema: TrajectorySchema::new(batch.schema()), shards: vec![batch] };
        let strategies = ["final", "future", "episode", "random", "future, count: 9"];
        let readable = strategies.map(|strategy| format!("{{by: goal, strategy: {strategy}, {READABLE}}}"));
        let place = Place::new();
        for options in cases::relabel::case().options.iter().chain(&readable) {
            let told = format!("`relabel` with {options} over drawn rows");
            let built = place.build("relabel", options).unwrap();
            let contract = built.stage.contract(&InputTypes::from(&rows.schema)).unwrap();
            let replayed = place.replay(Some(&rows), ("relabel", &built), Way { threads: 1, rows: 1024 }, true).unwrap();
            are_relabelled(&contract, options, &replayed.datasets[0], &replayed.datasets[1], &told);
        }
    }
}
