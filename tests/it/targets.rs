//! Where exports may write: what `check` says of targets that are one, hold an input or lie in a store; samples; and who
//! waits for whom.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Stdio;
use std::time::Duration;

use super::harness::{Workplace, chats, exit_code};

/// Two exports of what an import reads, the second of some of it.
fn place_of_two(first: &str, second: &str) -> Workplace {
    let place = Workplace::new();
    place.write("data/a.jsonl", chats(0..2, 0..2));
    fs::create_dir(place.path("real")).unwrap();
    symlink("real", place.path("link1")).unwrap();
    symlink("real", place.path("link2")).unwrap();
    let stages = format!(
        "  import: {{ uses: import, with: {{ files: data/*.jsonl, policy: agent }} }}
  good: {{ uses: filter, from: import, with: {{ where: reward > 0 }} }}
  all: {{ uses: export, from: import, with: {{ to: {first} }} }}
  best: {{ uses: export, from: good, with: {{ to: {second} }} }}
"
    );
    place.write("pipeline.yaml", format!("version: 1\nname: two\nstages:\n{stages}"));
    place
}

#[test]
fn two_exports_to_one_place_are_refused_however_it_is_spelled() {
    for (first, second) in [
        ("x/../out", "out"),
        ("out", "real/../out"),
        ("link1", "link2"),
        ("link1/out", "link2/out"),
        ("link1/out.parquet", "real/out.parquet"),
        ("out", "out/part-00000.parquet"),
        ("out/train.parquet", "out"),
        ("out/all", "out"),
        ("out.parquet", "out.README.md"),
    ] {
        let place = place_of_two(first, second);
        let check = place.sternlight(&["check", "pipeline.yaml"]);
        let said = String::from_utf8_lossy(&check.stderr).into_owned();
        assert!(
            exit_code(&check) == 2 && said.contains("`best` writes where `all` writes"),
            "{first} {second}: {said}"
        );
        assert_eq!(exit_code(&place.sternlight(&["run", "pipeline.yaml"])), 2, "{first} {second}");
    }
    for (first, second) in [("out", "out.parquet"), ("out/a", "out/b"), ("out", "output"), ("link1/out", "out")] {
        assert_eq!(
            exit_code(&place_of_two(first, second).sternlight(&["check", "pipeline.yaml"])),
            0,
            "{first} {second}"
        );
    }
    insta::assert_snapshot!(place_of_two("link1/out", "real/out").said(&["check", "pipeline.yaml"]), @"
    exit code 2
    --- stderr
    pipeline.yaml:7:3: error: `best` writes where `all` writes
      |
    6 |   all: { uses: export, from: import, with: { to: link1/out } }
      |   --- so does this
    7 |   best: { uses: export, from: good, with: { to: real/out } }
      |   ^^^^ writes `HERE/real/out`
      = help: give each a place of its own

    error: 1 problem
    ");
    insta::assert_snapshot!(place_of_two("out", "out.sample").said(&["check", "pipeline.yaml"]), @"
    exit code 2
    --- stderr
    pipeline.yaml:7:3: error: `best` writes where `all` writes with `--limit`
      |
    6 |   all: { uses: export, from: import, with: { to: out } }
      |   --- so does this
    7 |   best: { uses: export, from: good, with: { to: out.sample } }
      |   ^^^^ writes `HERE/out.sample`
      = help: give each a place of its own

    error: 1 problem
    ");
}

fn place_of_one(files: &str, to: &str) -> Workplace {
    let place = Workplace::new();
    place.write("data/a.jsonl", chats(0..2, 0..2));
    let options = if to.ends_with(".jsonl") { ", format: openai-chat" } else { "" };
    let stages = format!(
        "  import: {{ uses: import, with: {{ files: \"{files}\", policy: agent }} }}
  reflect: {{ uses: reflect, from: import, with: {{ by: rules, rules: rules/mine.yaml }} }}
  export: {{ uses: export, from: reflect, with: {{ to: \"{to}\"{options} }} }}
"
    );
    place.write("rules/mine.yaml", "refusal: ['(?i)only a manager may']\n");
    place.write("pipeline.yaml", format!("version: 1\nname: one\nstages:\n{stages}"));
    place
}

#[test]
fn an_export_over_what_its_pipeline_reads_is_refused() {
    let said = |files: &str, to: &str| place_of_one(files, to).said(&["check", "pipeline.yaml"]);
    insta::assert_snapshot!(said("data/*.jsonl", "data/a.jsonl"), @r#"
    exit code 2
    --- stderr
    pipeline.yaml:6:3: error: `export` writes where an input of `import` lies: `HERE/data/a.jsonl`
      |
    6 |   export: { uses: export, from: reflect, with: { to: "data/a.jsonl", format: openai-chat } }
      |   ^^^^^^ writes `HERE/data/a.jsonl`
      = help: choose another `to`: an export does not replace what its own pipeline reads

    error: 1 problem
    "#);
    insta::assert_snapshot!(said("data/*.jsonl", "data"), @r#"
    exit code 2
    --- stderr
    pipeline.yaml:6:3: error: `export` writes where an input of `import` lies: `HERE/data/a.jsonl`
      |
    6 |   export: { uses: export, from: reflect, with: { to: "data" } }
      |   ^^^^^^ writes `HERE/data`
      = help: choose another `to`: an export does not replace what its own pipeline reads

    error: 1 problem
    "#);
    insta::assert_snapshot!(said("data/*.jsonl", "x/../rules"), @r#"
    exit code 2
    --- stderr
    pipeline.yaml:6:3: error: `export` writes where an input of `reflect` lies: `HERE/rules/mine.yaml`
      |
    6 |   export: { uses: export, from: reflect, with: { to: "x/../rules" } }
      |   ^^^^^^ writes `HERE/x/../rules`
      = help: choose another `to`: an export does not replace what its own pipeline reads

    error: 1 problem
    "#);
    insta::assert_snapshot!(said("data/*.jsonl", "."), @r#"
    exit code 2
    --- stderr
    pipeline.yaml:6:3: error: `export` writes where the pipeline's own file lies: `HERE/pipeline.yaml`
      |
    6 |   export: { uses: export, from: reflect, with: { to: "." } }
      |   ^^^^^^ writes `HERE`
      = help: choose another `to`: an export does not replace what its own pipeline reads

    error: 1 problem
    "#);
    insta::assert_snapshot!(said("data/*.jsonl", "data/out.jsonl"), @r#"
    exit code 2
    --- stderr
    pipeline.yaml:6:3: error: what `export` writes would be read by `import` the next time
      |
    6 |   export: { uses: export, from: reflect, with: { to: "data/out.jsonl", format: openai-chat } }
      |   ^^^^^^ writes `HERE/data/out.jsonl`
      = help: choose another `to`, or `files` that do not match it

    error: 1 problem
    "#);
    assert!(said("data/*.jsonl", "out.jsonl").contains("ok, 3 stages"));
    assert!(said("data/*.jsonl", "data/out.parquet").contains("ok, 3 stages"));
}

#[test]
fn an_export_into_a_store_is_refused() {
    let said = |to: &str| {
        let place = place_of_one("data/*.jsonl", to);
        place.write("other/format", "1");
        place.said(&["check", "pipeline.yaml"])
    };
    insta::assert_snapshot!(said(".sternlight/data/mine/out"), @r#"
    exit code 2
    --- stderr
    pipeline.yaml:6:3: error: `export` writes into the store `HERE/.sternlight`
      |
    6 |   export: { uses: export, from: reflect, with: { to: ".sternlight/data/mine/out" } }
      |   ^^^^^^ writes `HERE/.sternlight/data/mine/out`
      = help: choose a `to` outside of it: what lies in a store is sternlight's own, and is cleaned up

    error: 1 problem
    "#);
    for to in ["other", "other/out", "x/../other/deep/out.jsonl"] {
        assert!(said(to).contains("`export` writes into the store `HERE/other`"), "{to}");
    }
    // Of a run with another store the default one is none, until it is begun.
    let place = place_of_one("data/*.jsonl", "mine/out");
    assert_eq!(exit_code(&place.sternlight(&["run", "pipeline.yaml", "--store", "mine"])), 2);
}

#[test]
fn a_link_made_after_the_check_is_not_followed() {
    let place = place_of_one("data/*.jsonl", "out");
    fs::create_dir(place.path("else")).unwrap();
    place.write("else/part-00000.parquet", "theirs");
    symlink("else", place.path("out")).unwrap();
    insta::assert_snapshot!(place.said(&["check", "pipeline.yaml"]), @r#"
    exit code 2
    --- stderr
    pipeline.yaml:6:3: error: `export` writes to `HERE/out`, which is a link
      |
    6 |   export: { uses: export, from: reflect, with: { to: "out" } }
      |   ^^^^^^ writes `HERE/out`
      = help: exports follow no links: name the place that it leads to

    error: 1 problem
    "#);
    fs::remove_file(place.path("out")).unwrap();
    place.write("out/mine", "theirs");
    symlink("../else/part-00000.parquet", place.path("out/part-00000.parquet")).unwrap();
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml", "-q"]), @"
    exit code 1
    --- stderr
    error: stage `export`: `HERE/out/part-00000.parquet` is a link, and exports follow and replace none
    help: name the place that it leads to, or move the link away
    ");
    assert_eq!(place.read("else/part-00000.parquet"), "theirs");
}

#[test]
fn a_limited_run_writes_a_sample_beside_and_says_so() {
    let place = Workplace::with_pipeline();
    place.run();
    let whole = place.read("out.jsonl");
    let summary = place.said(&["run", "pipeline.yaml", "--limit", "1", "-q"]);
    for line in [
        "a sample                the first group of each source, by `--limit`",
        "written by export       out.sample.jsonl, a sample: the first group",
    ] {
        assert!(summary.contains(line), "{summary}");
    }
    assert!(place.read("out.jsonl") == whole);
    let card = place.read("out.sample.README.md");
    assert!(
        card.contains("**This is a sample:** the first group of each source (`--limit 1`), and no more."),
        "{card}"
    );
    assert!(!place.read("out.README.md").contains("This is a sample"));
    let sample = place.read("out.sample.jsonl");
    assert!(whole.starts_with(&sample) || sample.lines().all(|line| whole.contains(line)));
    // Another sample takes its place, and the whole is there already.
    place.run_with(&["run", "pipeline.yaml", "--limit", "2"], &[]);
    assert!(place.read("out.sample.jsonl").len() > sample.len());
    assert!(place.run().computed().is_empty());
    assert_eq!(exit_code(&place.sternlight(&["verify", "last~1"])), 0);
}

#[test]
fn who_waits_for_a_lock_says_so_after_a_moment() {
    let place = Workplace::with_pipeline();
    place.run();
    let locks = fs::read_dir(place.path(".sternlight/exports")).unwrap().map(|entry| entry.unwrap().path());
    let lock = locks.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "lock")).unwrap();
    let held = fs::File::open(lock).unwrap();
    held.lock().unwrap();
    place.edit("pipeline.yaml", "estimator: grpo", "estimator: rloo");
    let mut command = place.command(&["run", "pipeline.yaml"]);
    let run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(3000));
    held.unlock().unwrap();
    let output = run.wait_with_output().unwrap();
    let said = place.told(&output);
    assert!(said.starts_with("exit code 0") && said.contains("waits for another run that writes there"), "{said}");
}

#[test]
fn a_plan_keeps_names_of_variables_and_verify_asks_for_them() {
    let place = Workplace::with_pipeline();
    place.edit("pipeline.yaml", "policy: agent", "policy: \"${env.DESK_AGENT}\"");
    let variable = [("DESK_AGENT", "a-very-secret-agent")];
    let run = place.run_with(&["run", "pipeline.yaml"], &variable);
    let id = run.of_kind("run_started").next().unwrap()["run"].as_str().unwrap().to_owned();
    let plan = place.read(&format!(".sternlight/runs/{id}/plan.json"));
    assert!(plan.contains("DESK_AGENT") && !plan.contains("a-very-secret-agent"), "{plan}");
    let said = place.said(&["verify", "last"]);
    let expected = "error: the run needs environment variables that are not set: DESK_AGENT\n\
                    help: set them as they were when the run began: a run keeps their names, not their values\n";
    assert!(said.starts_with("exit code 2") && said.ends_with(expected), "{said}");
    let verify = |place: &Workplace| place.command(&["verify", "last", "-q"]).envs(variable).output().unwrap();
    assert_eq!(exit_code(&verify(&place)), 0);
    let processes = ["run", "pipeline.yaml", "--executor", "processes", "--store", "another"];
    place.run_with(&processes, &variable);
    // A run of an earlier version kept the values as well.
    let earlier = plan
        .replace("\"format\": 3", "\"format\": 1")
        .replace("[\n      \"DESK_AGENT\"\n    ]", "{\n      \"DESK_AGENT\": \"a-very-secret-agent\"\n    }");
    assert!(earlier.contains("\"format\": 1") && earlier.contains("a-very-secret-agent"), "{earlier}");
    place.write(&format!(".sternlight/runs/{id}/plan.json"), earlier);
    assert_eq!(exit_code(&verify(&place)), 0);
}

#[test]
fn a_run_whose_results_no_other_may_use_is_verified_by_its_own_id() {
    let place = Workplace::with_pipeline();
    place.edit("pipeline.yaml", "    uses: import\n", "    uses: import\n    cache: false\n");
    let run = place.run();
    let id = run.of_kind("run_started").next().unwrap()["run"].as_str().unwrap().to_owned();
    assert_eq!(exit_code(&place.sternlight(&["verify", "last", "-q"])), 0);
    // Plans of earlier versions say what stood in keys instead, which here it did not.
    let path = format!(".sternlight/runs/{id}/plan.json");
    let earlier = place.read(&path).replacen("\"format\": 3", "\"format\": 2,\n  \"nonce\": \"7\"", 1);
    place.write(&path, earlier);
    let said = place.said(&["verify", "last", "-q"]);
    assert!(said.contains("are not what they were") && said.contains("(run)"), "{said}");
}

#[test]
fn a_store_that_is_moved_is_read_where_it_lies() {
    let place = Workplace::with_pipeline();
    place.run();
    fs::rename(place.path(".sternlight"), place.path("moved")).unwrap();
    assert_eq!(exit_code(&place.sternlight(&["verify", "last", "--stored-only", "--store", "moved"])), 0);
}
