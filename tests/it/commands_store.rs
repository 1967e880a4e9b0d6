//! The commands that look after a store: `runs`, `pin`, `unpin`, `gc`, `verify`; and that a look begins no store.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::commands::after_a_run;
use super::harness::{Workplace, chats, exit_code, json_lines};

/// Makes all of the store look as if it had been written days ago.
fn age(directory: &Path, days: u32) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            age(&path, days);
        }
        let time = SystemTime::now() - Duration::from_hours(24) * days;
        fs::File::open(&path).unwrap().set_modified(time).unwrap();
    }
}

#[test]
fn a_look_begins_no_store() {
    let place = Workplace::with_pipeline();
    for command in
        [&["runs"][..], &["show"], &["plan", "pipeline.yaml"], &["gc"], &["verify", "last"], &["pin", "last"]]
    {
        place.sternlight(command);
        assert!(!place.path(".sternlight").exists(), "{command:?}");
    }
    insta::assert_snapshot!(place.said(&["plan", "pipeline.yaml"]), @"");
    insta::assert_snapshot!(place.said(&["gc"]), @"");
    insta::assert_snapshot!(place.said(&["verify", "last"]), @"");
}

#[test]
fn pinned_runs_are_spared_and_listed_as_such() {
    let place = after_a_run();
    insta::assert_snapshot!(place.said(&["pin", "last"]), @"");
    insta::assert_snapshot!(place.said(&["pin", "last"]), @"");
    insta::assert_snapshot!(place.said(&["runs"]), @"");
    age(&place.path(".sternlight"), 40);
    insta::assert_snapshot!(place.said(&["gc"]), @"");
    insta::assert_snapshot!(place.said(&["unpin", "last"]), @"");
    insta::assert_snapshot!(place.said(&["unpin", "last", "--json"]), @"");
    let runs = json_lines(&place.sternlight(&["runs", "--json"]).stdout);
    assert_eq!((&runs[0]["status"], &runs[0]["pinned"]), (&"done".into(), &false.into()));
}

#[test]
fn what_no_run_needs_goes_and_comes_back_when_it_is_asked_for() {
    let place = after_a_run();
    let exported = place.read("out.jsonl");
    age(&place.path(".sternlight"), 40);
    place.edit("pipeline.yaml", "estimator: grpo", "estimator: rloo");
    place.run();
    let told = |arguments: &[&str]| {
        let kib = regex::Regex::new(r" +[\d.]+ (KiB|B)").unwrap();
        kib.replace_all(&place.said(arguments), " BYTES").into_owned()
    };
    let planned = told(&["gc", "--dry-run"]);
    insta::assert_snapshot!(planned, @"");
    assert_eq!(told(&["gc"]), planned.replace("would remove", "removed"));
    insta::assert_snapshot!(told(&["gc"]), @"");
    place.edit("pipeline.yaml", "estimator: rloo", "estimator: grpo");
    let run = place.run();
    assert_eq!(run.computed().into_iter().collect::<Vec<_>>(), [("advantage", 1), ("export", 1)]);
    assert_eq!(place.read("out.jsonl"), exported);
    let collected = json_lines(&place.sternlight(&["gc", "--dry-run", "--json"]).stdout);
    assert_eq!((&collected[0]["dry_run"], &collected[0]["collected"]["bytes"]), (&true.into(), &0.into()));
}

/// In processes of their own, everything garbage as soon as its run has ended.
#[test]
fn runs_beside_somebody_who_cleans_up_come_out_right() {
    let place = after_a_run();
    let expected = place.read("out.jsonl");
    std::thread::scope(|scope| {
        let runs = (0..2).map(|runner| {
            let place = &place;
            scope.spawn(move || {
                let pipeline = place.read("pipeline.yaml").replace("out.jsonl", &format!("out-{runner}.jsonl"));
                let name = format!("pipeline-{runner}.yaml");
                place.write(&name, pipeline);
                (0..6).for_each(|_| drop(place.run_with(&["run", &name], &[])));
            })
        });
        let runs: Vec<_> = runs.collect();
        while runs.iter().any(|run| !run.is_finished()) {
            let gc = place.sternlight(&["gc", "--keep-days", "0", "--young-seconds", "0"]);
            assert_eq!(exit_code(&gc), 0, "{}", String::from_utf8_lossy(&gc.stderr));
        }
    });
    assert_eq!((place.read("out-0.jsonl"), place.read("out-1.jsonl")), (expected.clone(), expected));
}

#[test]
fn verify_reads_everything_and_computes_it_again() {
    let place = after_a_run();
    let exported = place.read("out.jsonl");
    insta::assert_snapshot!(place.said(&["verify", "last"]), @"");
    let told = json_lines(&place.sternlight(&["verify", "last", "--json"]).stdout);
    assert_eq!((told.len(), &told[0]["verified"]), (1, &true.into()));
    assert_eq!(place.read("out.jsonl"), exported);
    let left: Vec<_> =
        fs::read_dir(place.path(".sternlight")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with(".tmp")), "{left:?}");
    // The pipeline's file may have changed since: the run kept its own.
    place.edit("pipeline.yaml", "estimator: grpo", "estimator: rloo");
    assert_eq!(exit_code(&place.sternlight(&["verify", "last"])), 0);
}

#[test]
fn verify_names_a_flipped_byte_and_the_next_run_computes_it_anew() {
    let place = after_a_run();
    let files = place.files(".sternlight/data");
    let (name, mut bytes) =
        files.iter().max_by_key(|(_, bytes)| bytes.len()).map(|(k, v)| (k.clone(), v.clone())).unwrap();
    bytes[100] ^= 1;
    place.write(&format!(".sternlight/data/{name}"), bytes);
    place.write("out.jsonl", "changed by hand\n");
    let said = place.said(&["verify", "last", "--stored-only"]);
    let said = regex::Regex::new(r"data/../\w{32}-\w{6}").unwrap().replace_all(&said, "data/ATTEMPT").into_owned();
    insta::assert_snapshot!(said, @"");
    assert_eq!(place.run().computed().into_iter().collect::<Vec<_>>(), [("export", 1), ("import", 1)]);
    assert_eq!(exit_code(&place.sternlight(&["verify", "last"])), 0);
}

#[test]
fn verify_says_which_inputs_are_not_what_they_were() {
    let place = after_a_run();
    place.write("data/b.jsonl", chats(0..3, 2..5));
    fs::remove_file(place.path("data/a.jsonl")).unwrap();
    insta::assert_snapshot!(place.said(&["verify", "last"]), @"");
    place.write("data/a.jsonl", chats(0..3, 0..2));
    place.write("data/b.jsonl", chats(0..3, 2..4));
    place.write("rules.yaml", "refusal: ['(?i)only a']\n");
    insta::assert_snapshot!(place.said(&["verify", "last"]), @"");
    fs::remove_dir_all(place.path("data")).unwrap();
    insta::assert_snapshot!(place.said(&["verify", "last"]), @"");
    assert_eq!(exit_code(&place.sternlight(&["verify", "last", "--stored-only"])), 0);
}
