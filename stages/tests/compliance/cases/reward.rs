//! The recorded outcome; every rule in every place; several together.

use crate::{Case, Input};

const TEXT_RULES: [&str; 5] =
    ["exact: done", "regex: '(?i)^.*[é\\p{Arabic}]'", "length: {min: 3}", "length: {max: 9}", "length: {min: 2, max: 4, ramp: 5}"];

const PLACES: [&str; 4] = ["last_action", "any_action", "any_observation", "final_observation"];

const OTHERS: [&str; 5] = [
    "{by: outcome}",
    "{by: rules, rules: [{tool_called: refund}]}",
    "{by: rules, rules: [{turns: {min: 1, max: 3}}]}",
    "{by: rules, rules: [{turns: {max: 2}, weight: -1e30}, {exact: '', weight: 0}]}",
    "{by: rules, rules: [{regex: a, weight: 0.1}, {length: {max: 5, ramp: 3}, weight: 0.7}, {tool_called: x, name: x}]}",
];

pub(crate) fn case() -> Case {
    let one = |rule: &str, place: &str| format!("{{by: rules, rules: [{{{rule}, on: {place}}}]}}");
    let rules = TEXT_RULES.iter().flat_map(|rule| PLACES.iter().map(move |place| one(rule, place)));
    let options = rules.chain(OTHERS.map(str::to_owned)).collect();
    Case { stage: "reward", options, input: Input::Rows }
}
