//! Every way; goals of columns and patterns under every strategy; copies with and without their originals.

use crate::{Case, Input};

const OPTIONS: [&str; 14] = [
    r"{by: goal, achieved: {pattern: '(\w+)'}, task: 'Reach {goal}.'}",
    r"{by: goal, keep: relabelled, strategy: future, achieved: {pattern: '(\w+)$'}, task: '{prompt} Reach {goal}.'}",
    r"{by: goal, strategy: episode, count: 2, achieved: {pattern: '(?s)(?<goal>.)(.*)', in: action}, task: '{goal}'}",
    "{by: goal, strategy: random, count: 1024, achieved: turns.action, task: '{goal}'}",
    "{by: goal, strategy: future, achieved: turns.reward, task: '{goal}{{}}'}",
    "{by: goal, strategy: random, achieved: seed, task: '{goal}'}",
    "{by: outcome-instruction}",
    "{by: outcome-instruction, keep: relabelled, success_reward: 0.5, right: '{prompt}: right', wrong: 'wrong'}",
    "{by: satisfied-criteria}",
    "{by: satisfied-criteria, minimum_share: 0, task: '{prompt}{criteria}'}",
    "{by: rules}",
    "{by: rules, weight: severity, minimum_confidence: 0, minimum_severity: 0, success_reward: -1}",
    "{by: rules, keep: relabelled, success_reward: 1e30, minimum_confidence: 0.1, task: '{prompt}{achieved}'}",
    "{by: rules, minimum_severity: 1}",
];

pub(crate) fn case() -> Case {
    Case { stage: "relabel", options: OPTIONS.map(str::to_owned).to_vec(), input: Input::Rows }
}
