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
    insta::assert_snapshot!(place.said(&["plan", "pipeline.yaml"]), @"
    exit code 0
    --- stdout
      import                                  would run 2 of 2 parts
      filter         from import              waits for its input: cached if that comes out as before
      reward         from filter              waits for its input: cached if that comes out as before
      reflect        from reward              waits for its input: cached if that comes out as before
      advantage      from reflect             waits for its input: cached if that comes out as before
      export         from advantage           waits for its input: cached if that comes out as before
    ");
    insta::assert_snapshot!(place.said(&["gc"]), @"
    exit code 2
    --- stderr
    error: there is no store at `.sternlight`
    help: name the store with `--store DIR`
    ");
    insta::assert_snapshot!(place.said(&["verify", "last"]), @"
    exit code 2
    --- stderr
    error: there are no runs in this store
    help: run a pipeline first, or name the store with `--store DIR`
    ");
}

#[test]
fn pinned_runs_are_spared_and_listed_as_such() {
    let place = after_a_run();
    insta::assert_snapshot!(place.said(&["pin", "last"]), @"
    exit code 0
    --- stdout
    RUN pinned: `sternlight gc` spares it and what it reaches
    ");
    insta::assert_snapshot!(place.said(&["pin", "last"]), @"
    exit code 0
    --- stdout
    RUN was pinned already
    ");
    insta::assert_snapshot!(place.said(&["runs"]), @"
    exit code 0
    --- stdout
      RUN  replay               done, pinned        TIME  SECONDS
    ");
    age(&place.path(".sternlight"), 40);
    insta::assert_snapshot!(place.said(&["gc"]), @"
    exit code 0
    --- stdout
    removed
      facts about inputs            1         103 B
      in all                                  103 B
    ");
    insta::assert_snapshot!(place.said(&["unpin", "last"]), @"
    exit code 0
    --- stdout
    RUN no longer pinned
    ");
    insta::assert_snapshot!(place.said(&["unpin", "last", "--json"]), @r#"
    exit code 0
    --- stdout
    {"run":"RUN","pinned":false,"changed":false}
    "#);
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
    insta::assert_snapshot!(planned, @"
    exit code 0
    --- stdout
    would remove
      run folders                   1 BYTES
      results                       3 BYTES
      their data                    2 BYTES
      manifests                     1 BYTES
      in all BYTES
      run RUN
    ");
    assert_eq!(told(&["gc"]), planned.replace("would remove", "removed"));
    insta::assert_snapshot!(told(&["gc"]), @"
    exit code 0
    --- stdout
    nothing to clean up
    ");
    place.edit("pipeline.yaml", "estimator: rloo", "estimator: grpo");
    let run = place.run();
    assert_eq!(run.computed().into_iter().collect::<Vec<_>>(), [("advantage", 2), ("export", 1)]);
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
    insta::assert_snapshot!(place.said(&["verify", "last"]), @"
    exit code 0
    --- stdout
    RUN replay, done, started TIME

    stored             5 manifests, 8 files, 5.56 KiB read
    exported           2 files
    computed again     6 stages: 234 columns of 10 shards, 2 exported files, and all figures
                       everything came out the same
    --- stderr
      import                12 trajectories  computed 2 parts, SECONDS
      filter                12 trajectories  computed 2 parts, SECONDS
      reward                12 trajectories  computed 2 parts, SECONDS
      reflect               12 trajectories  computed 2 parts, SECONDS
      advantage             12 trajectories  computed 2 parts, SECONDS
      export                12 trajectories  computed 1 part, SECONDS
    ");
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
    insta::assert_snapshot!(said, @"
    exit code 1
    --- stdout
    RUN replay, done, started TIME

    stored             5 manifests, 8 files, 5.46 KiB read
    exported           2 files
      damaged: import: HERE/.sternlight/data/ATTEMPT/rows.parquet: column `trajectory_id`, row group 0: the bytes are not those that were written
      damaged: export: `HERE/out.jsonl` is not as it was exported
    --- stderr
    error: run `RUN` is not as it was written
    help: move exported files away that were changed, and run the pipeline again: what is damaged is computed anew
    ");
    // What was changed by hand is somebody's: it makes way before it is exported anew.
    fs::remove_file(place.path("out.jsonl")).unwrap();
    assert_eq!(place.run().computed().into_iter().collect::<Vec<_>>(), [("export", 1), ("import", 1)]);
    assert_eq!(exit_code(&place.sternlight(&["verify", "last"])), 0);
}

#[test]
fn verify_says_which_inputs_are_not_what_they_were() {
    let place = after_a_run();
    place.write("data/b.jsonl", chats(0..3, 2..5));
    fs::remove_file(place.path("data/a.jsonl")).unwrap();
    insta::assert_snapshot!(place.said(&["verify", "last"]), @"
    exit code 1
    --- stdout
    RUN replay, done, started TIME

    stored             5 manifests, 8 files, 5.56 KiB read
    exported           2 files
    --- stderr
    error: the inputs of run `RUN` are not what they were:
      import: b.jsonl, records 0-8 (file, digest)
      import: a.jsonl, records 0-5; b.jsonl, records 0-5 (missing)
    help: bring them back, or verify with `--stored-only`
    ");
    place.write("data/a.jsonl", chats(0..3, 0..2));
    place.write("data/b.jsonl", chats(0..3, 2..4));
    place.write("rules.yaml", "refusal: ['(?i)only a']\n");
    insta::assert_snapshot!(place.said(&["verify", "last"]), @"
    exit code 1
    --- stdout
    RUN replay, done, started TIME

    stored             5 manifests, 8 files, 5.56 KiB read
    exported           2 files
    --- stderr
    error: the inputs of run `RUN` are not what they were:
      reflect: rules.yaml (contents)
    help: bring them back, or verify with `--stored-only`
    ");
    fs::remove_dir_all(place.path("data")).unwrap();
    insta::assert_snapshot!(place.said(&["verify", "last"]), @"
    exit code 1
    --- stdout
    RUN replay, done, started TIME

    stored             5 manifests, 8 files, 5.56 KiB read
    exported           2 files
    --- stderr
    pipeline.yaml:7:20: error: nothing matches `data/*.jsonl` in `HERE`
      |
    7 |     with: { files: data/*.jsonl, env: desk, policy: agent }
      |                    ^^^^^^^^^^^^
      = help: paths begin at the pipeline's own directory; `*` stays within one directory, `**` crosses them

    error: 1 problem
    error: what the run read is not there any more, or is not what it was
    help: bring it back, or verify with `--stored-only`
    ");
    assert_eq!(exit_code(&place.sternlight(&["verify", "last", "--stored-only"])), 0);
}
