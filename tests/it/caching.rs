//! What runs again, and what does not, told by a run's events.

use std::collections::BTreeMap;
use std::fs;

use super::harness::{PIPELINE, Workplace, chats, without_ids};

fn nothing() -> BTreeMap<&'static str, u64> {
    BTreeMap::new()
}

#[test]
fn a_second_run_computes_nothing_and_tells_the_same() {
    let place = Workplace::with_pipeline();
    let first = place.run();
    let parts = [("import", 2), ("filter", 2), ("reward", 2), ("reflect", 2), ("advantage", 2), ("export", 1)];
    assert_eq!(first.computed(), BTreeMap::from(parts));
    let second = place.run();
    assert_eq!(second.computed(), nothing());
    assert_eq!(second.of_kind("part_finished").count(), 0);
    assert_eq!(second.events.last().unwrap()["stages_cached"], 6);
    for (before, after) in first.of_kind("stage_finished").zip(second.of_kind("stage_finished")) {
        for told in ["stage", "rows", "metrics", "highlights", "warnings", "dataset", "target", "files"] {
            assert_eq!(before[told], after[told], "{told} of {}", before["stage"]);
        }
    }
    assert!(second.of_kind("stage_finished").any(|stage| !stage["highlights"].as_array().unwrap().is_empty()));
}

#[test]
fn how_a_pipeline_is_written_matters_not() {
    let place = Workplace::with_pipeline();
    place.run();
    let comment = format!("# A comment.\n{PIPELINE}");
    let spacious = PIPELINE.replace("{ uses:", "{   uses:").replace("stages:\n", "stages:\n\n");
    let other_order = PIPELINE
        .replace(
            "{ uses: reward, from: filter, with: { by: outcome } }",
            "{ with: { by: outcome }, from: filter, uses: reward }",
        )
        .replace("{ to: out.jsonl, format: openai-chat }", "{ format: openai-chat, to: out.jsonl }");
    let blocks = PIPELINE.replace(
        "with: { files: data/*.jsonl, env: desk, policy: agent }",
        "with:\n      policy: 'agent'\n      env: \"desk\"\n      files:\n        - data/*.jsonl",
    );
    let default_spelled = PIPELINE.replace("estimator: grpo", "estimator: grpo, std: sample");
    for other in [comment, spacious, other_order, blocks, default_spelled] {
        assert_ne!(other, PIPELINE);
        place.write("pipeline.yaml", &other);
        assert_eq!(place.run().computed(), nothing(), "{other}");
    }
    // Nor does the name of its file.
    place.write("renamed.yaml", PIPELINE);
    assert_eq!(place.run_with(&["run", "renamed.yaml"], &[]).computed(), nothing());
}

#[test]
fn another_option_costs_its_stage_and_what_lies_below() {
    let place = Workplace::with_pipeline();
    place.run();
    place.edit("pipeline.yaml", "estimator: grpo", "estimator: rloo");
    assert_eq!(place.run().computed(), BTreeMap::from([("advantage", 2), ("export", 1)]));
    // Back again: only what lies outside of the store has to be written anew.
    place.edit("pipeline.yaml", "estimator: rloo", "estimator: grpo");
    assert_eq!(place.run().computed(), BTreeMap::from([("export", 1)]));
}

#[test]
fn another_rules_file_costs_the_reflection_and_what_reads_it() {
    let place = Workplace::with_pipeline();
    let watched = PIPELINE.replace("from: advantage, with: { to", "from: refused, with: { to")
        + "  refused: { uses: filter, from: advantage, with: { where: \"any_turn(rule = 'policy-refusal')\" } }\n";
    place.write("pipeline.yaml", watched);
    place.run();
    // The verdicts come out as before, so that nothing below sees a difference.
    place.write("rules.yaml", "# A comment.\nrefusal: ['(?i)only a manager may']\n");
    assert_eq!(place.run().computed(), BTreeMap::from([("reflect", 2)]));
    place.write("rules.yaml", "off: [policy-refusal]\n");
    // Advantages do not depend on verdicts.
    assert_eq!(place.run().computed(), BTreeMap::from([("reflect", 2), ("refused", 2), ("export", 1)]));
}

#[test]
fn a_file_appended_to_costs_its_last_shard() {
    let place = Workplace::with_pipeline();
    let text = chats(0..12, 0..4);
    let few: String = text.lines().take(40).map(|line| format!("{line}\n")).collect();
    place.write("data/a.jsonl", &few);
    fs::remove_file(place.path("data/b.jsonl")).unwrap();
    // A little over five shards, so that the last one has room.
    let shard_bytes = (few.len() * 2 / 11).to_string();
    let run = || place.run_with(&["run", "pipeline.yaml"], &[("STERNLIGHT_SHARD_BYTES", &shard_bytes)]);
    assert_eq!(run().computed()["import"], 6);
    place.write("data/a.jsonl", text.lines().take(42).map(|line| format!("{line}\n")).collect::<String>());
    let second = run();
    let parts = [("import", 1), ("filter", 1), ("reward", 1), ("reflect", 1), ("advantage", 6), ("export", 1)];
    assert_eq!(second.computed(), BTreeMap::from(parts));
    let [label] = second.parts("import")[..] else { panic!("one part") };
    assert!(label.ends_with("-41"), "{label}");
}

#[test]
fn a_file_more_costs_that_file() {
    let place = Workplace::with_pipeline();
    place.run();
    // Named so that it comes first.
    place.write("data/0.jsonl", chats(3..6, 0..2));
    let second = place.run();
    let parts = [("import", 1), ("filter", 1), ("reward", 1), ("reflect", 1), ("advantage", 3), ("export", 1)];
    assert_eq!(second.computed(), BTreeMap::from(parts));
    assert_eq!(second.parts("import"), ["0.jsonl, records 0-5"]);
    let first_id = place.read("out.jsonl").lines().next().unwrap().contains("task-3-trial-0");
    assert!(first_id, "rows come in the order of the files");
}

#[test]
fn a_renamed_file_is_not_served_under_its_old_name() {
    let place = Workplace::with_pipeline();
    place.write("data/a.jsonl", without_ids(&chats(0..3, 0..2)));
    place.run();
    assert!(place.read("out.jsonl").contains("\"a#0\""));
    fs::rename(place.path("data/a.jsonl"), place.path("data/renamed.jsonl")).unwrap();
    let second = place.run();
    assert_eq!(second.parts("import"), ["renamed.jsonl, records 0-5"]);
    assert!(!place.read("out.jsonl").contains("\"a#"));
    assert!(place.read("out.jsonl").contains("\"renamed#0\""));
    let shown = place.sternlight(&["show", "last", "import", "renamed#0", "--json"]);
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["source"], "renamed.jsonl#0");
}

#[test]
fn a_moved_project_is_served_from_its_store() {
    let place = Workplace::with_pipeline();
    place.write("project/pipeline.yaml", PIPELINE);
    for (from, to) in [("data", "project/data"), ("rules.yaml", "project/rules.yaml")] {
        fs::rename(place.path(from), place.path(to)).unwrap();
    }
    place.run_with(&["run", "project/pipeline.yaml"], &[]);
    fs::rename(place.path("project"), place.path("moved")).unwrap();
    assert_eq!(place.run_with(&["run", "moved/pipeline.yaml"], &[]).computed(), nothing());
}

#[test]
fn what_must_not_be_cached_runs_every_time() {
    let place = Workplace::with_pipeline();
    place.edit("pipeline.yaml", "{ uses: reward, from: filter,", "{ uses: reward, from: filter, cache: false,");
    place.run();
    // It comes out as before, so that nothing below has to run.
    assert_eq!(place.run().computed(), BTreeMap::from([("reward", 2)]));
}

#[test]
fn an_export_that_is_gone_is_written_again_and_one_that_was_changed_stays() {
    let place = Workplace::with_pipeline();
    place.run();
    let before = place.read("out.jsonl");
    fs::remove_file(place.path("out.jsonl")).unwrap();
    assert_eq!(place.run().computed(), BTreeMap::from([("export", 1)]));
    assert!(place.read("out.jsonl") == before);
    // A file of the same length is not the same file.
    let last = before.len() - 2;
    let changed = format!("{} {}", &before[..last], &before[last + 1..]);
    place.write("out.jsonl", &changed);
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml", "-q"]), @"
    exit code 1
    --- stderr
    error: stage `export`: `HERE/out.jsonl` is there already, and sternlight did not write it as it is now
    help: move it away, choose another `to`, or set `overwrite: true`
    ");
    assert!(place.read("out.jsonl") == changed);
    place.edit("pipeline.yaml", "to: out.jsonl,", "to: out.jsonl, overwrite: true,");
    place.run();
    assert!(place.read("out.jsonl") == before);
}

#[test]
fn data_that_vanished_from_the_store_are_made_again() {
    let place = Workplace::with_pipeline();
    let before = place.run();
    let expected = place.datasets(&before);
    fs::remove_dir_all(place.path(".sternlight/data")).unwrap();
    let after = place.run();
    let parts = [("import", 2), ("reward", 2), ("reflect", 2), ("advantage", 2)];
    assert_eq!(after.computed(), BTreeMap::from(parts));
    assert!(place.datasets(&after) == expected);
}
