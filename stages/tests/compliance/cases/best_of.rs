//! Either order, with and without a minimum, by numbers and by success.

use crate::{Case, Input};

const OPTIONS: [&str; 4] = [
    "{}",
    "{count: 2, order: lowest}",
    "{minimum: 0.5}",
    "{column: success, count: 3}",
];

pub(crate) fn case() -> Case {
    Case { stage: "best-of", options: OPTIONS.map(str::to_owned).to_vec(), input: Input::Rows }
}
