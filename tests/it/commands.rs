//! Every command: what it prints and with which code it ends, when all is well and when not.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use super::harness::{Workplace, chats, exit_code};

fn json_lines(text: &[u8]) -> Vec<serde_json::Value> {
    std::str::from_utf8(text).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A workplace in which the pipeline was run.
fn after_a_run() -> Workplace {
    let place = Workplace::with_pipeline();
    place.run();
    place
}

#[test]
fn run_shows_progress_on_stderr_and_a_summary_on_stdout() {
    let place = Workplace::with_pipeline();
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml"]), @"");
    let second = place.said(&["run", "pipeline.yaml"]);
    assert!(second.contains("\nnothing to do: every result was there already\n"), "{second}");
    insta::assert_snapshot!(second.split_once("--- stderr\n").unwrap().1, @"");
}

#[test]
fn run_quietly_prints_the_result_alone() {
    insta::assert_snapshot!(Workplace::with_pipeline().said(&["run", "pipeline.yaml", "--quiet"]), @"");
}

#[test]
fn run_for_programs_prints_the_events_that_it_keeps() {
    let place = Workplace::with_pipeline();
    let output = place.sternlight(&["run", "pipeline.yaml", "--json", "--threads", "1"]);
    assert_eq!((exit_code(&output), output.stderr.as_slice()), (0, b"".as_slice()));
    let events = json_lines(&output.stdout);
    let kinds: Vec<String> = events
        .iter()
        .map(|event| format!("{} {}", event["event"].as_str().unwrap(), event["stage"].as_str().unwrap_or("")))
        .collect();
    insta::assert_snapshot!(kinds.join("\n"), @"");
    let run = events[0]["run"].as_str().unwrap();
    assert!(place.read(&format!(".sternlight/runs/{run}/events.jsonl")).as_bytes() == output.stdout);
    let last = events.last().unwrap();
    assert_eq!(
        (&last["status"], &last["stages_computed"], &last["stages_cached"]),
        (&"done".into(), &6.into(), &0.into())
    );
    for dataset in last["datasets"].as_array().unwrap() {
        assert!(fs::exists(dataset[1].as_str().unwrap()).unwrap());
    }
}

#[test]
fn run_for_programs_tells_of_failure_in_an_event() {
    let place = Workplace::with_pipeline();
    place.write("data/b.jsonl", "{\"messages\": [");
    let output = place.sternlight(&["run", "pipeline.yaml", "--json"]);
    assert_eq!(exit_code(&output), 1);
    let events = json_lines(&output.stdout);
    let [.., failed, finished] = events.as_slice() else { panic!("events") };
    assert_eq!((&failed["event"], &failed["stage"]), (&"stage_failed".into(), &"import".into()));
    assert!(failed["message"].as_str().unwrap().starts_with("b.jsonl:1:"), "{failed}");
    assert_eq!((&finished["event"], &finished["status"]), (&"run_finished".into(), &"failed".into()));
}

#[test]
fn run_with_a_limit_takes_the_first_groups() {
    let place = Workplace::with_pipeline();
    let limited = place.run_with(&["run", "pipeline.yaml", "--limit", "2"], &[]);
    let rows: Vec<_> = limited.of_kind("stage_finished").map(|stage| stage["rows"].as_u64().unwrap()).collect();
    assert_eq!(rows, [8; 6]);
    assert_eq!(place.read("out.jsonl").lines().count(), 8);
    // What was imported is there for all groups.
    assert!(!place.run().computed().contains_key("import"));
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml", "--limit", "0"]), @"");
}

#[test]
fn parameters_are_set_and_checked() {
    let place = Workplace::with_pipeline();
    place.edit("pipeline.yaml", "seed: 7\n", "seed: 7\nparams: { estimator: grpo, least: 0 }\n");
    place.edit("pipeline.yaml", "estimator: grpo }", "estimator: \"${params.estimator}\" }");
    place.edit("pipeline.yaml", "length(turns) > 0", "\"length(turns) > ${params.least}\"");
    place.run();
    let other = place.run_with(&["run", "pipeline.yaml", "--set", "params.estimator=rloo"], &[]);
    assert_eq!(other.computed().into_keys().collect::<Vec<_>>(), ["advantage", "export"]);
    let wrong = [
        "--set",
        "params.leest=3",
        "--set",
        "params.least=few",
        "--set",
        "estimator=rloo",
        "--set",
        "params.estimator=grop",
    ];
    insta::assert_snapshot!(place.said(&[&["run", "pipeline.yaml"][..], &wrong].concat()), @"");
}

#[test]
fn check_tells_all_errors_of_all_files() {
    let place = Workplace::with_pipeline();
    insta::assert_snapshot!(place.said(&["check", "pipeline.yaml"]), @"");
    let text = place.read("pipeline.yaml");
    place
        .write("one.yaml", text.replace("estimator: grpo", "estimator: gpro").replace("from: reward", "from: rewards"));
    place.write("two.yaml", text.replace("where: length(turns) > 0", "where: length(turn) > 0"));
    insta::assert_snapshot!(place.said(&["check", "one.yaml", "pipeline.yaml", "two.yaml"]), @"");
    assert!(!place.path(".sternlight").exists(), "checking leaves nothing");
    assert!(!place.path("out.jsonl").exists());
}

#[test]
fn check_for_programs_prints_a_report_a_file() {
    let place = Workplace::with_pipeline();
    let text = place.read("pipeline.yaml");
    place.write("wrong.yaml", text.replace("estimator: grpo", "estimator: gpro"));
    let output = place.sternlight(&["check", "--json", "pipeline.yaml", "wrong.yaml"]);
    assert_eq!((exit_code(&output), output.stderr.as_slice()), (2, b"".as_slice()));
    let reports = json_lines(&output.stdout);
    assert_eq!((&reports[0]["ok"], &reports[0]["stages"][0]["name"]), (&true.into(), &"import".into()));
    insta::assert_snapshot!(format!("{:#}", reports[1]), @"");
}

#[test]
fn plan_tells_what_would_run() {
    let place = Workplace::with_pipeline();
    insta::assert_snapshot!(place.said(&["plan", "pipeline.yaml"]), @"");
    place.run();
    place.edit("pipeline.yaml", "estimator: grpo", "estimator: rloo");
    insta::assert_snapshot!(place.said(&["plan", "pipeline.yaml"]), @"");
    let stages = json_lines(&place.sternlight(&["plan", "pipeline.yaml", "--json"]).stdout);
    let readiness: Vec<_> = stages.iter().map(|stage| stage["readiness"].as_str().unwrap()).collect();
    assert_eq!(readiness, ["cached", "cached", "cached", "cached", "would_run", "waits_for_input"]);
    // Planning is no run, and runs nothing.
    assert_eq!(json_lines(&place.sternlight(&["runs", "--json"]).stdout).len(), 1);
    insta::assert_snapshot!(place.said(&["plan", "missing.yaml"]), @"");
}

#[test]
fn plan_says_why_a_stage_would_run() {
    let place = Workplace::with_pipeline();
    let why = |stage: &str| place.said(&["plan", "pipeline.yaml", "--why", stage]);
    insta::assert_snapshot!(why("import"), @"");
    place.run();
    insta::assert_snapshot!(why("import"), @"");
    place.write("data/c.jsonl", chats(3..4, 0..2));
    insta::assert_snapshot!(why("import"), @"");
    fs::remove_file(place.path("data/c.jsonl")).unwrap();
    place.write("rules.yaml", "refusal: ['(?i)nobody may']\n");
    insta::assert_snapshot!(why("reflect"), @"");
    insta::assert_snapshot!(why("advantage"), @"");
    place.write("rules.yaml", "refusal: ['(?i)only a manager may']\n");
    place.edit("pipeline.yaml", "estimator: grpo", "estimator: rloo");
    insta::assert_snapshot!(why("advantage"), @"");
    insta::assert_snapshot!(why("advantages"), @"");
    place.edit("pipeline.yaml", "estimator: rloo", "estimator: grpo");
    fs::remove_file(place.path("out.jsonl")).unwrap();
    insta::assert_snapshot!(why("export"), @"");
}

#[test]
fn runs_lists_the_newest_first() {
    let place = Workplace::with_pipeline();
    insta::assert_snapshot!(place.said(&["runs"]), @"");
    place.run();
    place.edit("pipeline.yaml", "name: replay", "name: again");
    place.run();
    place.write("data/b.jsonl", "{");
    place.sternlight(&["run", "pipeline.yaml"]);
    insta::assert_snapshot!(place.said(&["runs"]), @"");
    let runs = json_lines(&place.sternlight(&["runs", "--json"]).stdout);
    let told: Vec<_> =
        runs.iter().map(|run| (run["pipeline"].as_str().unwrap(), run["status"].as_str().unwrap())).collect();
    assert_eq!(told, [("again", "failed"), ("again", "done"), ("replay", "done")]);
}

#[test]
fn show_a_run() {
    let place = Workplace::with_pipeline();
    insta::assert_snapshot!(place.said(&["show"]), @"");
    place.run();
    insta::assert_snapshot!(place.said(&["show"]), @"");
    assert_eq!(place.said(&["show"]), place.said(&["show", "last"]));
    insta::assert_snapshot!(place.said(&["show", "yesterday"]), @"");
    let shown = json_lines(&place.sternlight(&["show", "--json"]).stdout);
    assert_eq!(shown[0]["stages"].as_array().unwrap().len(), 6);
}

#[test]
fn show_a_dataset() {
    let place = after_a_run();
    insta::assert_snapshot!(place.said(&["show", "last", "advantage"]), @"");
    insta::assert_snapshot!(place.said(&["show", "last", "advantages"]), @"");
    insta::assert_snapshot!(place.said(&["show", "last", "export"]), @"");
    insta::assert_snapshot!(place.said(&["show", "last", "advantage", "--path"]), @"");
    let shown = json_lines(&place.sternlight(&["show", "last", "advantage", "--json"]).stdout);
    assert_eq!((&shown[0]["rows"], &shown[0]["shards"]), (&12.into(), &2.into()));
}

#[test]
fn show_a_trajectory() {
    let place = after_a_run();
    insta::assert_snapshot!(place.said(&["show", "last", "advantage", "task-1-trial-2"]), @"");
    insta::assert_snapshot!(place.said(&["show", "last", "advantage", "task-1"]), @"");
    let shown = json_lines(&place.sternlight(&["show", "last", "advantage", "task-1-trial-2", "--json"]).stdout);
    assert_eq!((&shown[0]["trajectory_id"], &shown[0]["reward"]), (&"task-1-trial-2".into(), &1.0.into()));
    assert_eq!(shown[0]["turns"].as_array().unwrap().len(), 2);
}

#[test]
fn stages_are_listed_and_explained() {
    let place = Workplace::new();
    insta::assert_snapshot!(place.said(&["stages"]), @"");
    for name in ["advantage", "export", "filter", "import", "reflect", "reward"] {
        let said = place.said(&["stages", name]);
        assert!(said.starts_with(&format!("exit code 0\n--- stdout\n{name}: ")), "{said}");
        assert!(said.contains("```yaml"), "`{name}` has no example");
    }
    insta::assert_snapshot!(place.said(&["stages", "advantages"]), @"");
    let listed = json_lines(&place.sternlight(&["stages", "--json"]).stdout);
    assert_eq!(listed.len(), 6);
}

#[test]
fn schema_is_the_committed_one_or_at_least_a_schema() {
    let output = Workplace::new().sternlight(&["schema"]);
    assert_eq!(exit_code(&output), 0);
    let schema: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(schema["type"], "object");
    assert!(schema["properties"]["stages"].is_object());
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    let place = Workplace::new();
    insta::assert_snapshot!(place.said(&["rum"]), @"");
    insta::assert_snapshot!(place.said(&["run"]), @"");
    insta::assert_snapshot!(place.said(&["check", "a.yaml", "--theads", "2"]), @"");
    assert_eq!(
        place.said(&["--version"]),
        format!("exit code 0\n--- stdout\nsternlight {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn colours_are_for_terminals() {
    let place = after_a_run();
    for arguments in [&["show"][..], &["show", "last", "advantage", "task-1-trial-2"], &["run", "missing.yaml"]] {
        let output = place.sternlight(arguments);
        assert!(![output.stdout, output.stderr].concat().contains(&0x1b), "{arguments:?}");
    }
    // A stand-in for a terminal: `CLICOLOR_FORCE` asks for colours in a pipe, and `NO_COLOR` outweighs it.
    let coloured = |name: &str| {
        let mut command = place.command(&["show"]);
        command.env(name, "1").output().unwrap().stdout.contains(&0x1b)
    };
    assert!(coloured("CLICOLOR_FORCE"));
    assert!(!coloured("NO_COLOR"));
}

#[test]
fn an_interrupted_run_says_how_to_go_on_and_does() {
    let place = Workplace::with_pipeline();
    place.write("data/a.jsonl", chats(0..100, 0..2));
    place.write("data/b.jsonl", chats(0..100, 2..4));
    let shards = ("STERNLIGHT_SHARD_BYTES", "10000");
    let mut command = place.command(&["run", "pipeline.yaml", "--json", "--threads", "1"]);
    let mut child = command.env(shards.0, shards.1).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut kept = 0;
    // Well inside of the import.
    while kept < 3 {
        kept += usize::from(lines.next().unwrap().unwrap().contains("\"part_finished\""));
    }
    let signalled = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(signalled.success());
    let events: Vec<String> = lines.map(Result::unwrap).collect();
    kept += events.iter().filter(|event| event.contains("\"part_finished\"")).count();
    insta::assert_snapshot!(place.told(&child.wait_with_output().unwrap()), @"");
    assert!(events.last().unwrap().contains("\"status\":\"interrupted\""), "{events:?}");
    assert!(!place.path("out.jsonl").exists());
    insta::assert_snapshot!(place.said(&["runs"]), @"");

    let next = place.run_with(&["run", "pipeline.yaml"], &[shards]);
    let import = next.of_kind("stage_finished").next().unwrap();
    assert_eq!(import["cached"], kept);
    assert_eq!(place.read("out.jsonl").lines().count(), 400);
}
