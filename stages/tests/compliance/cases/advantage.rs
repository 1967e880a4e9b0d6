//! Every estimator, and every option of each.

use crate::{Case, Input};

const OPTIONS: [&str; 25] = [
    "{estimator: grpo}",
    "{estimator: grpo, std: population, eps: 0}",
    "{estimator: grpo, scale: batch}",
    "{estimator: grpo, scale: none}",
    "{estimator: dr-grpo}",
    "{estimator: rloo}",
    "{estimator: reinforce++}",
    "{estimator: reinforce++, gamma: 0.9, discount: token}",
    "{estimator: reinforce++, gamma: 0.9, weight: turns, outcome: add}",
    "{estimator: reinforce++, weight: trajectories, outcome: ignore}",
    "{estimator: reinforce++-baseline}",
    "{estimator: reinforce++-baseline, weight: turns, outcome: add}",
    "{estimator: reinforce++-baseline, weight: trajectories, discount: token, gamma: 0}",
    "{estimator: gigpo}",
    "{estimator: gigpo, scale: std, omega: 0.5, gamma: 1}",
    "{estimator: gigpo, anchor: turns.action, episode_over: turns}",
    "{estimator: gigpo, omega: 0, outcome: add}",
    "{estimator: turn-return}",
    "{estimator: turn-return, baseline: group, gamma: 0.5}",
    "{estimator: turn-return, baseline: group, scale: std}",
    "{estimator: turn-return, baseline: position}",
    "{estimator: turn-return, baseline: position, scale: std, outcome: add}",
    "{estimator: turn-return, outcome: ignore}",
    "{estimator: grpo, into: turns.advantage_grpo}",
    "{estimator: gigpo, into: turns.advantage_gigpo}",
];

pub(crate) fn case() -> Case {
    Case { stage: "advantage", options: OPTIONS.map(str::to_owned).to_vec(), input: Input::Rows }
}
