//! Fractions and counts of either unit, with and without strata.

use crate::{Case, Input};

const OPTIONS: [&str; 8] = [
    "{fraction: 0.5}",
    "{fraction: 1}",
    "{of: groups, fraction: 0.5}",
    "{count: 3}",
    "{of: groups, count: 2}",
    "{count: 100000}",
    "{count: 5, stratify: env}",
    "{of: groups, count: 3, stratify: reward}",
];

pub(crate) fn case() -> Case {
    Case { stage: "sample", options: OPTIONS.map(str::to_owned).to_vec(), input: Input::Rows }
}
