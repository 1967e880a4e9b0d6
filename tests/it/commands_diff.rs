//! `diff`: what is told of two runs.

use super::commands::after_a_run;
use super::harness::{Workplace, chats, json_lines};

#[test]
fn a_run_that_was_repeated_does_not_differ() {
    let place = after_a_run();
    place.run();
    insta::assert_snapshot!(place.said(&["diff", "last~1", "last"]), @"
    exit code 0
    --- stdout
    first   RUN  replay, done, started TIME
    second  RUN  replay, done, started TIME

    the same in both: import, filter, reward, reflect, advantage, export
    ");
}

#[test]
fn another_estimator_changes_advantages_and_no_order() {
    let place = after_a_run();
    place.edit("pipeline.yaml", "estimator: grpo", "estimator: rloo");
    place.run();
    insta::assert_snapshot!(place.said(&["diff", "last~1", "last"]), @"
    exit code 0
    --- stdout
    first   RUN  replay, done, started TIME
    second  RUN  replay, done, started TIME

    advantage
      2 of 2 parts with another key: options
      columns changed: turns.advantage
      turns.advantage
        trajectories      8 of 12 changed
        values            25 of 36 changed
        change            0.2607 on average where changed
        largest           task-2-trial-1 turn 0: 1.3056 to 0.8333
        order in groups   0 of 18 pairs turned round, in 0 of 3 groups

    export
      1 of 1 part with another key: column turns.advantage, lineage

    the same in both: import, filter, reward, reflect
    ");
    let told = json_lines(&place.sternlight(&["diff", "last~1", "last", "--json"]).stdout);
    let stages = told[0]["stages"].as_array().unwrap();
    let advantage = stages.iter().find(|stage| stage["stage"] == "advantage").unwrap();
    assert_eq!(advantage["values"]["turns.advantage"]["trajectories"], 12);
    assert_eq!(advantage["keys"][0]["differing"][0], "options");
}

#[test]
fn other_rewards_turn_orders_round() {
    let place = after_a_run();
    let reward = "{ by: rules, rules: [{ turns: { min: 3, max: 3 } }] }";
    place.edit("pipeline.yaml", "{ by: outcome }", reward);
    place.run();
    insta::assert_snapshot!(place.said(&["diff", "last~1", "last"]), @"
    exit code 0
    --- stdout
    first   RUN  replay, done, started TIME
    second  RUN  replay, done, started TIME

    reward
      2 of 2 parts with another key: options, column status, column turns, column reward, column success
      columns changed: reward
      reward
        trajectories      7 of 12 changed
        values            7 of 12 changed
        change            0.8571 on average where changed
        largest           task-1-trial-0: 0.0000 to 1.0000
        order in groups   5 of 18 pairs turned round, in 2 of 3 groups
                          3 became equal, 3 were equal before
        most in           task-1: 4 of 6 pairs

    advantage
      2 of 2 parts with another key: column reward
      columns changed: turns.advantage
      turns.advantage
        trajectories      12 of 12 changed
        values            36 of 36 changed
        change            1.0234 on average where changed
        largest           task-1-trial-2 turn 0: 1.3056 to -0.8660
        order in groups   5 of 18 pairs turned round, in 2 of 3 groups
                          3 became equal, 3 were equal before
        most in           task-1: 4 of 6 pairs

    export
      1 of 1 part with another key: column turns.advantage, column reward, lineage

    the same in both: import, filter, reflect
    ");
}

#[test]
fn other_trajectories_and_other_stages() {
    let place = after_a_run();
    place.write("data/b.jsonl", chats(1..4, 2..4));
    place.edit(
        "pipeline.yaml",
        "  reflect: {",
        "  longer: { uses: filter, from: reward, with: { where: length(turns) > 2 } }\n  reflect: {",
    );
    place.edit("pipeline.yaml", "uses: reflect, from: reward", "uses: reflect, from: longer");
    place.edit("pipeline.yaml", "  filter: { uses: filter, from: import, with: { where: length(turns) > 0 } }\n", "");
    place.edit("pipeline.yaml", "from: filter", "from: import");
    place.run();
    insta::assert_snapshot!(place.said(&["diff", "last~1", "last"]), @"
    exit code 0
    --- stdout
    first   RUN  replay, done, started TIME
    second  RUN  replay, done, started TIME

    import
      1 of 2 parts with another key: digest
      columns changed: extra, group_id, reward, task_id, trajectory_id, turns.action, turns.observation, turns.reward, turns.tool_answered, turns.tool_arguments, turns.tool_error, turns.tool_name
      trajectories in both: 10
      only in the first: 2 (task-0-trial-2, task-0-trial-3)
      only in the second: 2 (task-3-trial-2, task-3-trial-3)
      reward: the same in the 10 trajectories of both
      turns.reward: the same in the 10 trajectories of both

    reward
      1 of 2 parts with another key: column trajectory_id, column reward

    longer
      only in the second

    reflect
      1 of 2 parts with another key: column turns.observation, column turns.action, column turns.tool_name, column turns.tool_arguments, column turns.tool_error, column turns.tool_answered, column extra, selection
      1 of 2 parts with another key: selection
      columns changed: turns.diagnosis, turns.rule, turns.verdict
      trajectories in both: 7
      only in the first: 5 (task-0-trial-0, task-2-trial-1, task-0-trial-2, …)
      only in the second: 1 (task-3-trial-2)

    advantage
      2 of 2 parts with another key: column trajectory_id, column group_id, column reward, column turns, selection
      columns changed: turns.advantage
      turns.advantage
        trajectories      6 of 7 changed
        values            21 of 24 changed
        change            0.4352 on average where changed
        largest           task-1-trial-1 turn 0: 0.2611 to 1.1547
        order in groups   0 of 6 pairs turned round, in 0 of 2 groups

    export
      1 of 1 part with another key: column trajectory_id, column group_id, column task_id, column turns.observation, column turns.action, column turns.tool_name, column turns.tool_arguments, column turns.tool_error, column turns.tool_answered, column turns.reward, column turns.verdict, column turns.diagnosis, column turns.rule, column turns.advantage, column reward, column extra, selection, lineage

    filter
      only in the first
    ");
}

#[test]
fn a_run_that_is_not_there() {
    let place = Workplace::with_pipeline();
    insta::assert_snapshot!(place.said(&["diff", "last~1", "last"]), @"
    exit code 2
    --- stderr
    error: there are no runs in this store
    help: run a pipeline first, or name the store with `--store DIR`
    ");
    place.run();
    insta::assert_snapshot!(place.said(&["diff", "last~1", "last"]), @"
    exit code 2
    --- stderr
    error: there is no run `last~1`
    help: `sternlight runs` lists them; `last` is the newest, `last~1` the one before
    ");
}
