//! `diff`: what is told of two runs.

use super::commands::after_a_run;
use super::harness::{Workplace, chats, json_lines};

#[test]
fn a_run_that_was_repeated_does_not_differ() {
    let place = after_a_run();
    place.run();
    insta::assert_snapshot!(place.said(&["diff", "last~1", "last"]), @"");
}

#[test]
fn another_estimator_changes_advantages_and_no_order() {
    let place = after_a_run();
    place.edit("pipeline.yaml", "estimator: grpo", "estimator: rloo");
    place.run();
    insta::assert_snapshot!(place.said(&["diff", "last~1", "last"]), @"");
    let told = json_lines(&place.sternlight(&["diff", "last~1", "last", "--json"]).stdout);
    let stages = told[0]["stages"].as_array().unwrap();
    let advantage = stages.iter().find(|stage| stage["stage"] == "advantage").unwrap();
    assert_eq!(advantage["values"]["turns.advantage"]["trajectories"], 12);
    assert_eq!(advantage["keys"][0]["differing"][0], "options");
}

#[test]
fn other_rewards_turn_orders_round() {
    let place = after_a_run();
    let reward = "{ by: rules, rules: [{ turns: { max: 2 } }] }";
    place.edit("pipeline.yaml", "{ by: outcome }", reward);
    place.run();
    insta::assert_snapshot!(place.said(&["diff", "last~1", "last"]), @"");
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
    insta::assert_snapshot!(place.said(&["diff", "last~1", "last"]), @"");
}

#[test]
fn a_run_that_is_not_there() {
    let place = Workplace::with_pipeline();
    insta::assert_snapshot!(place.said(&["diff", "last~1", "last"]), @"");
    place.run();
    insta::assert_snapshot!(place.said(&["diff", "last~1", "last"]), @"");
}
