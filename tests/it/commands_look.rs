//! `runs` and `show`: what they print of what is there.

use super::commands::after_a_run;
use super::harness::{Workplace, chats, json_lines};

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
      RUN  again                failed              TIME  SECONDS
      RUN  again                done                TIME  SECONDS
      RUN  replay               done                TIME  SECONDS
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
      advantage      advantage           12 trajectories  0 cached, 2 computed
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
    help: `sternlight runs` lists them; `last` is the newest, `last~1` the one before
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
      turns.tool_answered      Boolean
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
    error: `export` has no output: it wrote `HERE/out.jsonl`
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
