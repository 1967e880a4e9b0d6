//! Both kinds of pairs, and bounds.

use crate::{Case, Input};

pub(crate) fn case() -> Case {
    let options = ["{}", "by: all\nmargin: 0.1\nmost: 3"].map(str::to_owned);
    Case { stage: "pairs", options: options.to_vec(), input: Input::Rows }
}
