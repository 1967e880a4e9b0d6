//! All rows, and rows for what there is.

use crate::{Case, Input};

pub(crate) fn case() -> Case {
    let options = ["{}", "by: [policy, env, status]", "by: [group]\npass: 2\nconfidence: 0.9"].map(str::to_owned);
    Case { stage: "stats", options: options.to_vec(), input: Input::Rows }
}
