//! Rows in the pipeline, and each kind of file.

use crate::{Case, Input};

pub(crate) fn case() -> Case {
    let options = ["rows: [{policy: alder, price: 0.5}, {policy: birch}]", "file: prices.csv", "rows: []"];
    let files = vec![("prices.csv", b"policy,price\nalder,0.5\nbirch,\n".to_vec())];
    Case { stage: "table", options: options.map(str::to_owned).to_vec(), input: Input::Files(files) }
}
