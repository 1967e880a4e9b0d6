//! Exact and near duplicates, in groups and in all, first and preferred.

use crate::{Case, Input};

const OPTIONS: [&str; 6] = [
    "{by: exact}",
    "{by: exact, within: group, prefer: reward}",
    "{by: exact, columns: [reward, turns.action, turns.action_tokens]}",
    "{by: near}",
    "{by: near, within: group, threshold: 1}",
    "{by: near, threshold: 0.3, columns: [turns.action], prefer: success}",
];

pub(crate) fn case() -> Case {
    Case { stage: "dedupe", options: OPTIONS.map(str::to_owned).to_vec(), input: Input::Rows }
}
