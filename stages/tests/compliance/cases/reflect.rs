//! The built-in rules, and changes to each of them.

use crate::{Case, Input};

const OPTIONS: [&str; 8] = [
    "{by: rules}",
    "{by: rules, rules: {every_action_is_a_call: true, no_change_characters: 1}}",
    "{by: rules, rules: {off: [unknown-action, malformed-arguments, policy-refusal, tool-error]}}",
    "{by: rules, rules: {order: [loop, no-change, repeated-call], loop: {period: 1, repeats: 2}}}",
    "{by: rules, rules: {loop: {period: 50, repeats: 2}, every_action_is_a_call: true}}",
    "{by: rules, rules: {quote_characters: 1, refusal_characters: 1, refusal: {replace: ['(?s)^.*$']}}}",
    "{by: rules, rules: {tool_words: {reader: {replace: [look]}}, tools: {refund: {kind: program}}, labels: ['a']}}",
    "{by: rules, rules: [{error: ['.']}, {tools: {refund: {writes: true}}, write_verbs: {replace: []}}]}",
];

pub(crate) fn case() -> Case {
    Case { stage: "reflect", options: OPTIONS.map(str::to_owned).to_vec(), input: Input::Rows }
}
