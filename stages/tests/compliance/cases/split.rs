//! Both of what is held together.

use crate::{Case, Input};

pub(crate) fn case() -> Case {
    let options = ["{}", "parts: {a: 0.5, b: 0.25, c: 0.25}\nby: group\nseed: 3"].map(str::to_owned);
    Case { stage: "split", options: options.to_vec(), input: Input::Rows }
}
