//! `run`: what it prints and with which code it ends, when all is well and when not.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use super::harness::{Workplace, chats, exit_code, json_lines};

#[test]
fn run_shows_progress_on_stderr_and_a_summary_on_stdout() {
    let place = Workplace::with_pipeline();
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml"]), @r#"
    exit code 0
    --- stdout

    trajectories            12 with 36 turns
    groups                  3
    groups without signal   1 of 3 (all rewards equal, or fewer than two)
    reward                  mean 0.250, from 0 to 1
    advantage               mean -0.109, spread 0.655, from -0.783 to 1.306
    turns by verdict        20 progress, 0 redundant, 8 invalid, 8 failed, 0 none

    most blamed turn: task-1-trial-0 turn 0, advantage -0.783
        verdict           invalid
        rule              policy-refusal
        diagnosis         refused: "Only a manager may do this"
        action            <tool_call> {"name": "refund", "arguments": {"booking":"R-1","step":0}} </tool_call>
        next observation  Only a manager may do this

    most praised turn: task-1-trial-2 turn 0, advantage +1.306
        verdict           failed
        rule              tool-error
        diagnosis         error: "Error: no such booking"
        action            <tool_call> {"name": "refund", "arguments": {"booking":"R-1","step":0}} </tool_call>
        next observation  Error: no such booking

    written by export       out.jsonl

    next
      sternlight show last advantage 'task-1-trial-0'
          that trajectory: its turns, verdicts and advantages
      sternlight plan pipeline.yaml
          edit the pipeline, then see what would run again
      sternlight stages
          what pipelines can do
    --- stderr
      import                12 trajectories  computed 2 parts, SECONDS
      filter                12 trajectories  computed 2 parts, SECONDS
      reward                12 trajectories  computed 2 parts, SECONDS
      reflect               12 trajectories  computed 2 parts, SECONDS
      advantage             12 trajectories  computed 2 parts, SECONDS
      export                12 trajectories  computed 1 part, SECONDS
    "#);
    let second = place.said(&["run", "pipeline.yaml"]);
    assert!(second.contains("\nnothing to do: every result was there already\n"), "{second}");
    insta::assert_snapshot!(second.split_once("--- stderr\n").unwrap().1, @"
    import                12 trajectories  cached
    filter                12 trajectories  cached
    reward                12 trajectories  cached
    reflect               12 trajectories  cached
    advantage             12 trajectories  cached
    export                12 trajectories  cached
    ");
}

#[test]
fn run_quietly_prints_the_result_alone() {
    insta::assert_snapshot!(Workplace::with_pipeline().said(&["run", "pipeline.yaml", "--quiet"]), @r#"
    exit code 0
    --- stdout

    trajectories            12 with 36 turns
    groups                  3
    groups without signal   1 of 3 (all rewards equal, or fewer than two)
    reward                  mean 0.250, from 0 to 1
    advantage               mean -0.109, spread 0.655, from -0.783 to 1.306
    turns by verdict        20 progress, 0 redundant, 8 invalid, 8 failed, 0 none

    most blamed turn: task-1-trial-0 turn 0, advantage -0.783
        verdict           invalid
        rule              policy-refusal
        diagnosis         refused: "Only a manager may do this"
        action            <tool_call> {"name": "refund", "arguments": {"booking":"R-1","step":0}} </tool_call>
        next observation  Only a manager may do this

    most praised turn: task-1-trial-2 turn 0, advantage +1.306
        verdict           failed
        rule              tool-error
        diagnosis         error: "Error: no such booking"
        action            <tool_call> {"name": "refund", "arguments": {"booking":"R-1","step":0}} </tool_call>
        next observation  Error: no such booking

    written by export       out.jsonl
    "#);
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
    insta::assert_snapshot!(kinds.join("\n"), @"
    run_started 
    stage_started import
    part_finished import
    part_finished import
    stage_finished import
    stage_started filter
    part_finished filter
    part_finished filter
    stage_finished filter
    stage_started reward
    part_finished reward
    part_finished reward
    stage_finished reward
    stage_started reflect
    part_finished reflect
    part_finished reflect
    stage_finished reflect
    stage_started advantage
    part_finished advantage
    part_finished advantage
    part_finished advantage
    part_finished advantage
    part_finished advantage
    stage_finished advantage
    stage_started export
    part_finished export
    stage_finished export
    run_finished
    ");
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
    place.write("data/b.jsonl", chats(0..1, 2..3) + "{\"messages\": [");
    let output = place.sternlight(&["run", "pipeline.yaml", "--json"]);
    assert_eq!(exit_code(&output), 1);
    let events = json_lines(&output.stdout);
    let [.., failed, finished] = events.as_slice() else { panic!("events") };
    assert_eq!((&failed["event"], &failed["stage"]), (&"stage_failed".into(), &"import".into()));
    assert!(failed["message"].as_str().unwrap().starts_with("data/b.jsonl:2:"), "{failed}");
    assert_eq!((&finished["event"], &finished["status"]), (&"run_finished".into(), &"failed".into()));
}

#[test]
fn run_with_a_limit_takes_the_first_groups() {
    let place = Workplace::with_pipeline();
    let limited = place.run_with(&["run", "pipeline.yaml", "--limit", "2"], &[]);
    let rows: Vec<_> = limited.of_kind("stage_finished").map(|stage| stage["rows"].as_u64().unwrap()).collect();
    assert_eq!(rows, [8; 6]);
    assert_eq!(place.read("out.sample.jsonl").lines().count(), 8);
    assert!(!place.path("out.jsonl").exists());
    // What was imported is there for all groups.
    assert!(!place.run().computed().contains_key("import"));
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml", "--limit", "0"]), @"
    exit code 2
    --- stderr
    error: invalid value '0' for '--limit <N>': 0 is not in 1..18446744073709551615

    For more information, try '--help'.
    ");
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
    insta::assert_snapshot!(place.said(&[&["run", "pipeline.yaml"][..], &wrong].concat()), @r#"
    exit code 2
    --- stderr
    command line:1:7: error: `--set` can only set `params.…`, not `estimator`
      |
    1 | --set estimator=rloo
      |       ^^^^^^^^^
      = help: make it a parameter: add it under `params`, and write `${params.estimator}` where it is used

    command line:1:14: error: there is no parameter `leest`
      |
    1 | --set params.leest=3
      |              ^^^^^ not in `params`
      = help: did you mean `params.least`?

    command line:1:20: error: `--set params.least` wants a whole number, as its default is, and got `few`
      |
    1 | --set params.least=few
      |                    ^^^

    pipeline.yaml:12:67: error: unknown value `grop`
       |
    12 |   advantage: { uses: advantage, from: reflect, with: { estimator: "${params.estimator}" } }
       |                                                                   ^^^^^^^^^^^^^^^^^^^^^ not known here
       = help: did you mean `grpo`?

    error: 4 problems
    "#);
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
    insta::assert_snapshot!(place.told(&child.wait_with_output().unwrap()), @"
    exit code 130
    --- stderr
    interrupted; what was computed is kept: run the same command to go on
    ");
    assert!(events.last().unwrap().contains("\"status\":\"interrupted\""), "{events:?}");
    assert!(!place.path("out.jsonl").exists());
    insta::assert_snapshot!(place.said(&["runs"]), @"
    exit code 0
    --- stdout
      RUN  replay               interrupted         TIME  SECONDS
    ");

    let next = place.run_with(&["run", "pipeline.yaml"], &[shards]);
    let import = next.of_kind("stage_finished").next().unwrap();
    assert_eq!(import["cached"], kept);
    assert_eq!(place.read("out.jsonl").lines().count(), 400);
}
