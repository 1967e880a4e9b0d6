//! The commands beside `run`, `runs` and `show`: what they print and with which code they end.

use std::fs;

use super::harness::{Workplace, chats, exit_code, json_lines};

/// A workplace in which the pipeline was run.
pub(crate) fn after_a_run() -> Workplace {
    let place = Workplace::with_pipeline();
    place.run();
    place
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
      = help: the columns are `trajectory_id`, `group_id`, `task_id`, `env`, `policy`, `prompt`, `tools`, `seed`, `turns.observation`, `turns.action`, `turns.tool_name`, `turns.tool_arguments`, `turns.tool_error`, `turns.tool_answered`, `turns.reward`, `final_observation`, `reward`, `success`, `status`, `error`, `source`, `extra`

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
      advantage      from reflect             would run 2 of 2 parts
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
      changed: options (2 parts, the first a.jsonl, records 0-5)
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
fn stages_are_listed_and_explained() {
    let place = Workplace::new();
    insta::assert_snapshot!(place.said(&["stages"]), @"
    exit code 0
    --- stdout
      advantage        Turns rewards into an advantage for each turn, relative to a group or the dataset
      best-of          Keeps the best trajectories of each group
      dedupe           Drops trajectories that say the same as another one, or nearly the same
      dynamic-sampling Keeps the groups whose trajectories did not all end alike
      export           Writes the dataset as ordinary Parquet or as chat messages, with a card; or a table, or a policy
      filter           Keeps the trajectories that meet a condition
      import           Brings recorded trajectories in from other programs' files
      merge            Joins datasets of differing columns: what one lacks is null in its rows
      pairs            Finds preference pairs of each group: the best against the worst, or all above a margin
      policy           Brings a policy in: a directory in the layout of Hugging Face checkpoints
      reflect          Judges each turn by what the environment said next
      relabel          Copies attempts as successes at what they did achieve
      reward           Scores each trajectory by its recorded outcome, by rules or by a rubric, or each turn by its verdict
      rollout          Acts in an environment and records the episodes
      sample           Keeps a share of the trajectories or of the groups, drawn by the pipeline's seed
      select           Keeps, drops, renames and derives columns
      split            Splits trajectories into parts, such as train and validation, by task
      stats            Makes a table of a dataset: counts, rewards, success with intervals, pass^k
      table            Brings a table in: from a CSV or Parquet file, or as it stands in the pipeline
    ");
    let registry = sternlight_stages::registry();
    for name in registry.kinds().map(|kind| kind.name) {
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
    assert_eq!(listed.len(), registry.kinds().count());
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
