//! Pipelines with faults, and what is said about them: `tests/cases/pipelines/NAME.yaml` and the `NAME.stderr`
//! beside it. `UPDATE=1` writes the latter anew.

#![expect(clippy::unwrap_used, reason = "what is in the way of a test may fail it")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use sternlight_engine::pipeline::{LoadOptions, PipelineErrors, check, load};

/// How many faulty pipelines there must be at least.
const FEWEST_CASES: usize = 30;

fn cases() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/pipelines");
    let mut cases: Vec<PathBuf> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    cases.sort();
    cases
}

fn errors_of(case: &Path) -> Option<PipelineErrors> {
    let directory = case.parent().unwrap();
    // Output paths begin at a made-up place, so that messages are the same on every machine.
    let current_directory = Path::new("/work-directory");
    let options =
        LoadOptions { set: &[], environment: &|_| None, directory, current_directory, iteration: 0, only: None };
    let name = Path::new(case.file_name().unwrap());
    let text = fs::read_to_string(case).unwrap();
    match load(&text, name, &options, &sternlight_stages::registry()) {
        Ok(pipeline) => check(&pipeline).err(),
        Err(errors) => Some(errors),
    }
}

#[test]
fn every_broken_pipeline_is_explained() {
    let update = std::env::var_os("UPDATE").is_some();
    let cases = cases();
    assert!(cases.len() >= FEWEST_CASES, "only {} cases", cases.len());
    let mut differences = String::new();
    for case in &cases {
        let said = errors_of(case).map(|errors| errors.to_string()).unwrap_or_default();
        let said = said.replace(&*case.parent().unwrap().to_string_lossy(), "DIRECTORY");
        let expected_path = case.with_extension("stderr");
        if update {
            fs::write(&expected_path, &said).unwrap();
        }
        let expected = fs::read_to_string(&expected_path).unwrap_or_default();
        if said.is_empty() || said != expected {
            let _ = writeln!(differences, "{}\n--- expected\n{expected}\n--- said\n{said}", case.display());
        }
    }
    assert!(differences.is_empty(), "run with UPDATE=1 to accept\n{differences}");
}
