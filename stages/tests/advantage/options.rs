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
    insta::assert_snapshot!(problems("{estimator: rloo, std: sample, omega: 0.5, gamma: 0.9, discount: turn}"), @"");
    insta::assert_snapshot!(problems("{estimator: reinforce++, scale: std, baseline: group}"), @"");
}

#[test]
fn scales_of_other_estimators_are_refused() {
    insta::assert_snapshot!(problems("{estimator: grpo, scale: std}"), @"");
    insta::assert_snapshot!(problems("{estimator: gigpo, scale: batch}"), @"");
    insta::assert_snapshot!(problems("{estimator: turn-return, scale: std}"), @"");
}

#[test]
fn numbers_out_of_range_are_refused() {
    insta::assert_snapshot!(problems("{estimator: gigpo, gamma: 1.5, omega: -1.0}"), @"");
    insta::assert_snapshot!(problems("{estimator: grpo, eps: .nan}"), @"");
}

#[test]
fn anchors_are_columns_of_turns() {
    insta::assert_snapshot!(problems("{estimator: gigpo, anchor: state}"), @"");
    insta::assert_snapshot!(problems("{estimator: gigpo, anchor: turn.observation}"), @"");
}

#[test]
fn a_baseline_needs_outcomes() {
    insta::assert_snapshot!(problems("{estimator: reinforce++-baseline, outcome: ignore}"), @"");
}

#[test]
fn unknown_keys_and_values_are_refused() {
    insta::assert_snapshot!(problems("{estimator: grpo, epsilon: 1.0e-4}"), @"");
    insta::assert_snapshot!(problems("estimator: ppo"), @"");
    insta::assert_snapshot!(problems("{std: sample}"), @"");
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
    insta::assert_snapshot!(reads("estimator: grpo"), @"");
    insta::assert_snapshot!(reads("{estimator: grpo, scale: batch}"), @"");
    insta::assert_snapshot!(reads("estimator: reinforce++"), @"");
    insta::assert_snapshot!(reads("{estimator: reinforce++-baseline, weight: turns}"), @"");
    insta::assert_snapshot!(reads("{estimator: gigpo, outcome: ignore, anchor: turns.state}"), @"");
    insta::assert_snapshot!(reads("estimator: turn-return"), @"");
    insta::assert_snapshot!(reads("{estimator: turn-return, baseline: position}"), @"");
}

#[test]
fn recorded_tokens_are_asked_for_before_anything_runs() {
    let batch = TrajectoryBuilder::new().finish().unwrap();
    let problem = |with| described(&contract(with, &batch).unwrap_err());
    insta::assert_snapshot!(problem("{estimator: reinforce++, weight: tokens}"), @"");
    insta::assert_snapshot!(problem("{estimator: reinforce++-baseline, discount: token}"), @"");
    assert_eq!(contract("estimator: reinforce++", &batch).unwrap().scope, Scope::Dataset);
}

#[test]
fn anchors_are_text() {
    let problem = contract("{estimator: gigpo, anchor: turns.reward}", &batch_of(&[])).unwrap_err();
    insta::assert_snapshot!(described(&problem), @"");
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
