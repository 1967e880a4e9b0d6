//! What every stage must keep, whatever it does: its declaration is what it does; the same input gives the same bytes,
//! however many threads work on it and wherever batches are cut; hard data give a result or an error that names the
//! trajectory; the example in its documentation runs. What a stage computes is tested elsewhere.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

mod cases;
mod documentation;
mod drawn;
mod environments;
mod hard;
mod promises;
mod relabelled;
mod replay;
mod rows;

use std::collections::BTreeSet;

use environments::registry;

/// A stage, and options that between them lead into all of its branches.
pub(crate) struct Case {
    /// The name in `uses:`.
    pub(crate) stage: &'static str,
    /// Each a `with`, as YAML.
    pub(crate) options: Vec<String>,
    /// What it works on.
    pub(crate) input: Input,
}

/// What a stage works on.
pub(crate) enum Input {
    /// Rows, which the harness makes.
    Rows,
    /// Files, by their names in the directory of the pipeline.
    Files(Vec<(&'static str, Vec<u8>)>),
}

#[test]
fn every_stage_of_the_registry_has_a_case() {
    let registered: BTreeSet<&str> = registry().kinds().map(|kind| kind.name).collect();
    let covered: BTreeSet<&str> = cases::all().iter().map(|case| case.stage).collect();
    assert_eq!(registered, covered, "each stage has a file in `stages/tests/compliance/cases`");
}
