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
      advantage             12 trajectories  computed 1 part, SECONDS
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
    assert_eq!(place.read("out.jsonl").lines().count(), 8);
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
fn check_tells_all_errors_of_all_files() {
    let place = Workplace::with_pipeline();
    insta::assert_snapshot!(place.said(&["check", "pipeline.yaml"]), @"
    exit code 0
    --- stdout
    pipeline.yaml: ok, 6 stages
    ");
    let text = place.read("pipeline.yaml");
    place
        .write("one.yaml", text.replace("estimator: grpo", "estimator: gpro").replace("from: reward", "from: rewards"));
    place.write("two.yaml", text.replace("where: length(turns) > 0", "where: length(turn) > 0"));
    insta::assert_snapshot!(place.said(&["check", "one.yaml", "pipeline.yaml", "two.yaml"]), @"
    exit code 2
    --- stdout
    pipeline.yaml: ok, 6 stages
    --- stderr
    one.yaml:10:35: error: there is no stage named `rewards`
       |
    10 |   reflect: { uses: reflect, from: rewards, with: { by: rules, rules: rules.yaml } }
       |                                   ^^^^^^^ not among `stages`
       = help: did you mean `reward`?

    one.yaml:11:67: error: unknown value `gpro`
       |
    11 |   advantage: { uses: advantage, from: reflect, with: { estimator: gpro } }
       |                                                                   ^^^^ not known here
       = help: did you mean `grpo`?

    error: 2 problems
    two.yaml:8:63: error: there is no column `turn`
      |
    8 |   filter: { uses: filter, from: import, with: { where: length(turn) > 0 } }
      |                                                               ^^^^
      = help: the columns are `trajectory_id`, `group_id`, `task_id`, `env`, `policy`, `prompt`, `tools`, `seed`, `turns.observation`, `turns.action`, `turns.tool_name`, `turns.tool_arguments`, `turns.tool_error`, `turns.reward`, `final_observation`, `reward`, `success`, `status`, `error`, `source`, `extra`

    error: 1 problem
    ");
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
    insta::assert_snapshot!(format!("{:#}", reports[1]), @r#"
    {
      "file": "wrong.yaml",
      "ok": false,
      "errors": [
        {
          "severity": "error",
          "file": "wrong.yaml",
          "line": 11,
          "column": 67,
          "end_line": 11,
          "end_column": 71,
          "message": "unknown value `gpro`",
          "label": "not known here",
          "help": "did you mean `grpo`?",
          "stage": "advantage"
        }
      ],
      "warnings": [],
      "stages": []
    }
    "#);
}

#[test]
fn plan_tells_what_would_run() {
    let place = Workplace::with_pipeline();
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
    place.run();
    place.edit("pipeline.yaml", "estimator: grpo", "estimator: rloo");
    insta::assert_snapshot!(place.said(&["plan", "pipeline.yaml"]), @"
    exit code 0
    --- stdout
      import                                  cached, 12 trajectories
      filter         from import              cached, 12 trajectories
      reward         from filter              cached, 12 trajectories
      reflect        from reward              cached, 12 trajectories
      advantage      from reflect             would run 1 of 1 parts
      export         from advantage           waits for its input: cached if that comes out as before
    ");
    let stages = json_lines(&place.sternlight(&["plan", "pipeline.yaml", "--json"]).stdout);
    let readiness: Vec<_> = stages.iter().map(|stage| stage["readiness"].as_str().unwrap()).collect();
    assert_eq!(readiness, ["cached", "cached", "cached", "cached", "would_run", "waits_for_input"]);
    // Planning is no run, and runs nothing.
    assert_eq!(json_lines(&place.sternlight(&["runs", "--json"]).stdout).len(), 1);
    insta::assert_snapshot!(place.said(&["plan", "missing.yaml"]), @"
    exit code 2
    --- stderr
    error: cannot read `missing.yaml`: No such file or directory (os error 2)
    ");
}

#[test]
fn plan_says_why_a_stage_would_run() {
    let place = Workplace::with_pipeline();
    let why = |stage: &str| place.said(&["plan", "pipeline.yaml", "--why", stage]);
    insta::assert_snapshot!(why("import"), @"
    exit code 0
    --- stdout
    import
      no earlier run of this pipeline had this stage
    ");
    place.run();
    insta::assert_snapshot!(why("import"), @"
    exit code 0
    --- stdout
    import
      its result is there: nothing would run
    ");
    place.write("data/c.jsonl", chats(3..4, 0..2));
    insta::assert_snapshot!(why("import"), @"
    exit code 0
    --- stdout
    import
      new (c.jsonl, records 0-1)
    ");
    fs::remove_file(place.path("data/c.jsonl")).unwrap();
    place.write("rules.yaml", "refusal: ['(?i)nobody may']\n");
    insta::assert_snapshot!(why("reflect"), @"
    exit code 0
    --- stdout
    reflect
      changed: file rules.yaml (2 parts, the first a.jsonl, records 0-5)
    ");
    insta::assert_snapshot!(why("advantage"), @"
    exit code 0
    --- stdout
    advantage
      not known before its input has run: reflect
    ");
    place.write("rules.yaml", "refusal: ['(?i)only a manager may']\n");
    place.edit("pipeline.yaml", "estimator: grpo", "estimator: rloo");
    insta::assert_snapshot!(why("advantage"), @"
    exit code 0
    --- stdout
    advantage
      changed: options (2 shards)
    ");
    insta::assert_snapshot!(why("advantages"), @"
    exit code 2
    --- stderr
    error: the pipeline has no stage `advantages`
    help: its stages: import, filter, reward, reflect, advantage, export
    ");
    place.edit("pipeline.yaml", "estimator: rloo", "estimator: grpo");
    fs::remove_file(place.path("out.jsonl")).unwrap();
    insta::assert_snapshot!(why("export"), @"
    exit code 0
    --- stdout
    export
      its keys are those of the last run, but the result is gone from the store or from its target
    ");
}

#[test]
fn runs_lists_the_newest_first() {
    let place = Workplace::with_pipeline();
    insta::assert_snapshot!(place.said(&["runs"]), @"
    exit code 0
    --- stdout
    no runs yet: try `sternlight run pipelines/quickstart.yaml`
    ");
    place.run();
    place.edit("pipeline.yaml", "name: replay", "name: again");
    place.run();
    place.write("data/b.jsonl", chats(0..1, 2..3) + "{");
    place.sternlight(&["run", "pipeline.yaml"]);
    insta::assert_snapshot!(place.said(&["runs"]), @"
    exit code 0
    --- stdout
      RUN  again                failed       SECONDS
      RUN  again                done         SECONDS
      RUN  replay               done         SECONDS
    ");
    let runs = json_lines(&place.sternlight(&["runs", "--json"]).stdout);
    let told: Vec<_> =
        runs.iter().map(|run| (run["pipeline"].as_str().unwrap(), run["status"].as_str().unwrap())).collect();
    assert_eq!(told, [("again", "failed"), ("again", "done"), ("replay", "done")]);
}

#[test]
fn show_a_run() {
    let place = Workplace::with_pipeline();
    insta::assert_snapshot!(place.said(&["show"]), @"
    exit code 2
    --- stderr
    error: there are no runs in this store
    help: run a pipeline first, or name the store with `--store DIR`
    ");
    place.run();
    insta::assert_snapshot!(place.said(&["show"]), @r#"
    exit code 0
    --- stdout
    RUN replay, done, started TIME
      import         import              12 trajectories  0 cached, 2 computed
      filter         filter              12 trajectories  0 cached, 2 computed
      reward         reward              12 trajectories  0 cached, 2 computed
      reflect        reflect             12 trajectories  0 cached, 2 computed
      advantage      advantage           12 trajectories  0 cached, 1 computed
      export         export              12 trajectories  0 cached, 1 computed

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
    assert_eq!(place.said(&["show"]), place.said(&["show", "last"]));
    insta::assert_snapshot!(place.said(&["show", "yesterday"]), @"
    exit code 2
    --- stderr
    error: there is no run `yesterday`
    help: `sternlight runs` lists them; `last` is the newest
    ");
    let shown = json_lines(&place.sternlight(&["show", "--json"]).stdout);
    assert_eq!(shown[0]["stages"].as_array().unwrap().len(), 6);
}

#[test]
fn show_a_dataset() {
    let place = after_a_run();
    insta::assert_snapshot!(place.said(&["show", "last", "advantage"]), @"
    exit code 0
    --- stdout
    advantage: 12 trajectories in 2 shards

      trajectory_id            Utf8
      group_id                 Utf8
      task_id                  Utf8
      env                      Utf8
      policy                   Utf8
      prompt                   Utf8
      tools                    Utf8
      seed                     UInt64
      turns.observation        Utf8
      turns.action             Utf8
      turns.tool_name          Utf8
      turns.tool_arguments     Utf8
      turns.tool_error         Boolean
      turns.reward             Float32
      turns.verdict            Utf8
      turns.diagnosis          Utf8
      turns.rule               Utf8
      turns.advantage          Float32
      final_observation        Utf8
      reward                   Float32
      success                  Boolean
      status                   Utf8
      error                    Utf8
      source                   Utf8
      extra                    Utf8

      task-0-trial-0                   task-0                                   reward 0.0      2 turns  done
      task-1-trial-0                   task-1                                   reward 0.0      3 turns  done
      task-2-trial-0                   task-2                                   reward 0.0      4 turns  done
      task-0-trial-1                   task-0                                   reward 0.0      3 turns  done
      task-1-trial-1                   task-1                                   reward 0.5      4 turns  done
      task-2-trial-1                   task-2                                   reward 1.0      2 turns  done
      task-0-trial-2                   task-0                                   reward 0.0      4 turns  done
      task-1-trial-2                   task-1                                   reward 1.0      2 turns  done
      task-2-trial-2                   task-2                                   reward 0.5      3 turns  done
      task-0-trial-3                   task-0                                   reward 0.0      2 turns  done
      and 2 more
    ");
    insta::assert_snapshot!(place.said(&["show", "last", "advantages"]), @"
    exit code 2
    --- stderr
    error: run `RUN` has no result of a stage `advantages`
    help: it has: import, filter, reward, reflect, advantage, export
    ");
    insta::assert_snapshot!(place.said(&["show", "last", "export"]), @"
    exit code 2
    --- stderr
    error: `export` has no dataset: it wrote `HERE/out.jsonl`
    help: show a stage before it
    ");
    insta::assert_snapshot!(place.said(&["show", "last", "advantage", "--path"]), @"
    exit code 0
    --- stdout
    HERE/.sternlight/manifests/DIGEST.json
    ");
    let shown = json_lines(&place.sternlight(&["show", "last", "advantage", "--json"]).stdout);
    assert_eq!((&shown[0]["rows"], &shown[0]["shards"]), (&12.into(), &2.into()));
}

#[test]
fn show_a_trajectory() {
    let place = after_a_run();
    insta::assert_snapshot!(place.said(&["show", "last", "advantage", "task-1-trial-2"]), @r#"
    exit code 0
    --- stdout
    trajectory_id    task-1-trial-2
    group_id         task-1
    task_id          task-1
    env              desk
    policy           agent
    reward           1.0
    status           done
    source           b.jsonl#1

    turn 0  failed (tool-error)  advantage +1.306
      observed    Please refund booking R-1.
      did         <tool_call>
                  {"name": "refund", "arguments": {"booking":"R-1","step":0}}
                  </tool_call>
      diagnosis   error: "Error: no such booking"

    turn 1  progress  advantage +1.306
      observed    Error: no such booking
      did         Is there anything else?
    "#);
    insta::assert_snapshot!(place.said(&["show", "last", "advantage", "task-1"]), @"
    exit code 2
    --- stderr
    error: the dataset has no trajectory `task-1`
    help: `sternlight show RUN STAGE` lists some; a filter above may have dropped it
    ");
    let shown = json_lines(&place.sternlight(&["show", "last", "advantage", "task-1-trial-2", "--json"]).stdout);
    assert_eq!((&shown[0]["trajectory_id"], &shown[0]["reward"]), (&"task-1-trial-2".into(), &1.0.into()));
    assert_eq!(shown[0]["turns"].as_array().unwrap().len(), 2);
}

#[test]
fn stages_are_listed_and_explained() {
    let place = Workplace::new();
    insta::assert_snapshot!(place.said(&["stages"]), @"
    exit code 0
    --- stdout
      advantage    Turns rewards into an advantage for each turn, relative to a group or the dataset
      export       Writes the dataset as ordinary Parquet or as chat messages, with a card
      filter       Keeps the trajectories that meet a condition
      import       Brings recorded trajectories in from other programs' files
      reflect      Judges each turn by what the environment said next
      reward       Scores each trajectory, by its recorded outcome or by rules
    ");
    for name in ["advantage", "export", "filter", "import", "reflect", "reward"] {
        let said = place.said(&["stages", name]);
        assert!(said.starts_with(&format!("exit code 0\n--- stdout\n{name}: ")), "{said}");
        assert!(said.contains("```yaml"), "`{name}` has no example");
    }
    insta::assert_snapshot!(place.said(&["stages", "advantages"]), @"
    exit code 2
    --- stderr
    error: there is no stage `advantages`
    help: did you mean `advantage`?
    ");
    let listed = json_lines(&place.sternlight(&["stages", "--json"]).stdout);
    assert_eq!(listed.len(), 6);
}

#[test]
fn schema_prints_a_json_schema() {
    let output = Workplace::new().sternlight(&["schema"]);
    assert_eq!(exit_code(&output), 0);
    let schema: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(schema["type"], "object");
    assert!(schema["properties"]["stages"].is_object());
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    let place = Workplace::new();
    insta::assert_snapshot!(place.said(&["rum"]), @"
    exit code 2
    --- stderr
    error: unrecognized subcommand 'rum'

      tip: some similar subcommands exist: 'runs', 'run'

    Usage: sternlight [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(place.said(&["run"]), @"
    exit code 2
    --- stderr
    error: the following required arguments were not provided:
      <FILE>

    Usage: sternlight run <FILE>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(place.said(&["check", "a.yaml", "--theads", "2"]), @"
    exit code 2
    --- stderr
    error: unexpected argument '--theads' found

      tip: a similar argument exists: '--threads'

    Usage: sternlight check --threads <N> <FILE>...

    For more information, try '--help'.
    ");
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
      RUN  replay               interrupted  SECONDS
    ");

    let next = place.run_with(&["run", "pipeline.yaml"], &[shards]);
    let import = next.of_kind("stage_finished").next().unwrap();
    assert_eq!(import["cached"], kept);
    assert_eq!(place.read("out.jsonl").lines().count(), 400);
}
