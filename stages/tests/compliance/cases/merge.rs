//! Nothing to choose.

use crate::{Case, Input};

pub(crate) fn case() -> Case {
    Case { stage: "merge", options: vec!["{}".to_owned()], input: Input::Rows }
}
