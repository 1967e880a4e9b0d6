//! The recorded outcome; every rule in every place; rules about the whole trajectory; verdicts; rubrics; length.

use crate::{Case, Input};

/// Rules about texts, of which each is judged in each of the places.
const TEXT_RULES: [&str; 5] = [
    "exact: done",
    "regex: '(?i)^.*[é\\p{Arabic}]'",
    "length: {min: 3}, weight: 0.1",
    "length: {max: 9}, weight: -1e30",
    "length: {min: 2, max: 4, ramp: 5}, name: soft",
];

const PLACES: [&str; 4] = ["last_action", "any_action", "any_observation", "final_observation"];

const OTHERS: [&str; 13] = [
    "{by: outcome}",
    "{by: verdicts, values: {failed: -0.5, progress: 1}}",
    "{by: verdicts, values: {invalid: 1e30}}",
    "{by: rules, rules: [{tool_called: refund}]}",
    "{by: rules, rules: [{turns: {min: 1, max: 3}}, {turns: {max: 2}, weight: -1}]}",
    "{by: rules, rules: [{exact: '', weight: 0}, {regex: a, on: any_action}, {tool_called: x, name: x}]}",
    "{by: rubric}",
    "{by: rubric, sparse: true}",
    "{by: rubric, criteria: [{id: a, regex: a, on: any_action, weight: 3e38}, {id: é, length: {max: 3, ramp: 9}, on: final_observation}, {id: c, turns: {min: 1}, weight: -1}]}",
    "{by: rubric, sparse: true, criteria: [{id: x, text: X, tool_called: refund}, {id: y, exact: done, on: any_observation, weight: 0}]}",
    "{by: outcome, overlong: {limit: 9, buffer: 4, factor: 0.5}}",
    "{by: outcome, overlong: {limit: 20, buffer: 20, length: characters}}",
    "{by: rubric, criteria: [{id: a, turns: {max: 2}}], overlong: {limit: 3, buffer: 1, factor: 3e38, length: characters}}",
];

pub(crate) fn case() -> Case {
    let all_in = |place: &str| {
        let rules: Vec<String> = TEXT_RULES.iter().map(|rule| format!("{{{rule}, on: {place}}}")).collect();
        format!("{{by: rules, rules: [{}]}}", rules.join(", "))
    };
    let options = PLACES.map(all_in).into_iter().chain(OTHERS.map(str::to_owned)).collect();
    Case { stage: "reward", options, input: Input::Rows }
}
