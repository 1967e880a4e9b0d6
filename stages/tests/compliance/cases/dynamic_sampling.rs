//! Rewards that differ, rewards with a threshold, and successes.

use crate::{Case, Input};

const OPTIONS: [&str; 4] = [
    "{}",
    "{threshold: 0.5}",
    "{by: success}",
    "{by: reward, minimum_size: 3}",
];

pub(crate) fn case() -> Case {
    Case { stage: "dynamic-sampling", options: OPTIONS.map(str::to_owned).to_vec(), input: Input::Rows }
}
