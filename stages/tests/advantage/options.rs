//! What `with` may say, what is said when it says something else, and what the contract makes of it.

use std::sync::Arc;

use arrow::array::RecordBatch;
use sternlight_engine::contract::Scope;
use sternlight_engine::problem::Problem;
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectoryBuilder};

use super::harness::{build, contract};
use super::rows::{batch_of, outcomes};

fn problems(with: &str) -> String {
    let problems = build(with).err().unwrap_or_default();
    problems.iter().map(described).collect::<Vec<_>>().join("\n")
}

fn described(problem: &Problem) -> String {
    let path: Vec<String> = problem.path.iter().map(ToString::to_string).collect();
    let help = problem.help.as_ref().map(|help| format!("\n  help: {help}")).unwrap_or_default();
    format!("{}: {}{help}", path.join("."), problem.message)
}

#[test]
fn options_of_other_estimators_are_refused() {
    insta::assert_snapshot!(problems("{estimator: rloo, std: sample, omega: 0.5, gamma: 0.9, discount: turn}"), @r"
    std: `std` belongs to `grpo`, and the estimator is `rloo`
      help: remove `std`, or choose another `estimator`
    gamma: `gamma` belongs to `reinforce++`, `reinforce++-baseline`, `gigpo` and `turn-return`, and the estimator is `rloo`
      help: remove `gamma`, or choose another `estimator`
    discount: `discount` belongs to `reinforce++` and `reinforce++-baseline`, and the estimator is `rloo`
      help: remove `discount`, or choose another `estimator`
    omega: `omega` belongs to `gigpo`, and the estimator is `rloo`
      help: remove `omega`, or choose another `estimator`
    ");
    insta::assert_snapshot!(problems("{estimator: reinforce++, scale: std, baseline: group}"), @r"
    scale: `scale` belongs to `grpo`, `gigpo` and `turn-return`, and the estimator is `reinforce++`
      help: remove `scale`, or choose another `estimator`
    baseline: `baseline` belongs to `turn-return`, and the estimator is `reinforce++`
      help: remove `baseline`, or choose another `estimator`
    ");
}

#[test]
fn scales_of_other_estimators_are_refused() {
    insta::assert_snapshot!(problems("{estimator: grpo, scale: std}"), @"scale: this scale belongs to `gigpo` and `turn-return`; for `grpo` expected `group`, `batch` or `none`");
    insta::assert_snapshot!(problems("{estimator: gigpo, scale: batch}"), @"scale: this scale belongs to `grpo`; for `gigpo` expected `none` or `std`");
    insta::assert_snapshot!(problems("{estimator: turn-return, scale: std}"), @r"
    scale: `scale: std` divides by the spread of the baseline's set, and there is no baseline
      help: set `baseline: group` or `baseline: position`
    ");
}

#[test]
fn numbers_out_of_range_are_refused() {
    insta::assert_snapshot!(problems("{estimator: gigpo, gamma: 1.5, omega: -1.0}"), @r"
    gamma: `gamma` is 1.5, expected a number from 0 to 1
    omega: `omega` is -1, expected a finite number of at least 0
    ");
    insta::assert_snapshot!(problems("{estimator: grpo, eps: .nan}"), @"eps: `eps` is NaN, expected a finite number of at least 0");
}

#[test]
fn anchors_are_columns_of_turns() {
    insta::assert_snapshot!(problems("{estimator: gigpo, anchor: state}"), @r"
    anchor: `state` is not a column of the turns, expected `turns.…`
      help: for the column `state` of the turns write `turns.state`
    ");
    insta::assert_snapshot!(problems("{estimator: gigpo, anchor: turn.observation}"), @r"
    anchor: `turn.observation` is not a column of the turns, expected `turns.…`
      help: did you mean `turns.observation`?
    ");
}

#[test]
fn a_baseline_needs_outcomes() {
    insta::assert_snapshot!(problems("{estimator: reinforce++-baseline, outcome: ignore}"), @r"
    outcome: `reinforce++-baseline` compares outcomes, and `outcome: ignore` leaves none
      help: remove `outcome`, or set `estimator: reinforce++`
    ");
}

#[test]
fn unknown_keys_and_values_are_refused() {
    insta::assert_snapshot!(problems("{estimator: grpo, epsilon: 1.0e-4}"), @"
    epsilon: unknown key `epsilon`
      help: known keys: `estimator`, `into`, `std`, `eps`, `scale`, `gamma`, `discount`, `weight`, `outcome`, `baseline`, `omega`, `anchor`, `episode_over`
    ");
    insta::assert_snapshot!(problems("estimator: ppo"), @"
    estimator: unknown value `ppo`
      help: known values: `grpo`, `dr-grpo`, `rloo`, `reinforce++`, `reinforce++-baseline`, `gigpo`, `turn-return`
    ");
    insta::assert_snapshot!(problems("{std: sample}"), @": `estimator` is missing");
}

#[test]
fn a_default_spelled_out_is_the_same_stage() {
    let options = |with| build(with).unwrap().options;
    assert_eq!(options("estimator: grpo"), options("{estimator: grpo, std: sample, eps: 1.0e-6, scale: group}"));
    assert_eq!(options("estimator: gigpo"), options("{estimator: gigpo, gamma: 0.95, anchor: turns.observation}"));
    assert_ne!(options("estimator: grpo"), options("{estimator: grpo, std: population}"));
    assert_ne!(options("estimator: reinforce++"), options("{estimator: reinforce++, weight: tokens}"));
}

fn reads(with: &str) -> String {
    let contract = contract(with, &batch_of(&[])).unwrap();
    format!("{:?}: {}", contract.scope, contract.reads.iter().map(|path| path.as_str()).collect::<Vec<_>>().join(" "))
}

#[test]
fn only_what_is_needed_is_read() {
    insta::assert_snapshot!(reads("estimator: grpo"), @"Group: trajectory_id group_id reward turns");
    insta::assert_snapshot!(reads("{estimator: grpo, scale: batch}"), @"Dataset: trajectory_id group_id reward turns");
    insta::assert_snapshot!(reads("estimator: reinforce++"), @"Dataset: trajectory_id turns reward turns.reward turns.action_tokens");
    insta::assert_snapshot!(reads("{estimator: reinforce++-baseline, weight: turns}"), @"Dataset: trajectory_id turns reward turns.reward group_id");
    insta::assert_snapshot!(reads("{estimator: gigpo, outcome: ignore, anchor: turns.state}"), @"Group: trajectory_id group_id turns turns.reward turns.state");
    insta::assert_snapshot!(reads("estimator: turn-return"), @"Trajectory: trajectory_id turns reward turns.reward");
    insta::assert_snapshot!(reads("{estimator: turn-return, baseline: position}"), @"Group: trajectory_id turns group_id reward turns.reward");
}

#[test]
fn recorded_tokens_are_asked_for_before_anything_runs() {
    let batch = TrajectoryBuilder::new().finish().unwrap();
    let problem = |with| described(&contract(with, &batch).unwrap_err()[0]);
    insta::assert_snapshot!(problem("{estimator: reinforce++, weight: tokens}"), @r"
    weight: `weight: tokens` needs `turns.action_tokens`, which the input does not have
      help: remove `weight`, or bring in trajectories with recorded tokens
    ");
    insta::assert_snapshot!(problem("{estimator: reinforce++-baseline, discount: token}"), @r"
    discount: `discount: token` needs `turns.action_tokens`, which the input does not have
      help: remove `discount`, or bring in trajectories with recorded tokens
    ");
    assert_eq!(contract("estimator: reinforce++", &batch).unwrap().scope, Scope::Dataset);
}

#[test]
fn anchors_are_text() {
    let problem = contract("{estimator: gigpo, anchor: turns.reward}", &batch_of(&[])).unwrap_err().remove(0);
    insta::assert_snapshot!(described(&problem), @r"
    anchor: `turns.reward` has type Float32, expected text
      help: name a text column of the turns that says which state a turn met
    ");
}

#[test]
fn a_missing_reward_is_left_to_the_engine_to_report() {
    let whole = batch_of(&outcomes(&[Some(1.0)]));
    let keep: Vec<usize> = vec![0, 1];
    let batch = RecordBatch::clone(whole.record_batch()).project(&keep).unwrap();
    let batch =
        TrajectoryBatch::new(RecordBatch::try_new(Arc::clone(&batch.schema()), batch.columns().to_vec()).unwrap());
    for with in ["estimator: grpo", "estimator: turn-return", "estimator: reinforce++-baseline"] {
        let contract = contract(with, batch.as_ref().unwrap()).unwrap();
        assert!(contract.reads.iter().any(|path| path.as_str() == "reward"), "{with}");
    }
}
