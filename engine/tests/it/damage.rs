//! Damage to any file of a store is noticed by whoever reads it, named, and repaired by running again; what comes out is
//! what was written or nothing.

use std::fs;
use std::path::{Path, PathBuf};

use sternlight_engine::contract::Scope;
use sternlight_engine::dataset::{BatchLimit, Dataset};
use sternlight_engine::run::RunOptions;
use sternlight_engine::stage::StageError;
use sternlight_engine::store::{RunSummary, Store};

use crate::fixtures::{AtLeast, Centre, Chain, Rows, digests, files_below, rows, store};

const CENTRE: Centre = Centre { scope: Scope::Group, surplus: 0 };

/// Every value of a dataset.
fn values(dataset: &Dataset) -> Result<String, StageError> {
    let mut text = String::new();
    for shard in &dataset.shards {
        for batch in dataset.read(shard, &dataset.schema.paths(), BatchLimit::default())? {
            text.push_str(&format!("{:?}", batch?.record_batch()));
        }
    }
    Ok(text)
}

/// Ways to damage a file: a bit flipped at some places, and the end cut off.
fn damages(bytes: &[u8]) -> Vec<Vec<u8>> {
    let flipped = (0..bytes.len()).step_by(bytes.len().div_ceil(12).max(1)).map(|at| {
        let mut flipped = bytes.to_vec();
        flipped[at] ^= 0x04;
        flipped
    });
    flipped.chain([bytes[..bytes.len() / 2].to_vec(), Vec::new()]).collect()
}

/// Runs and reads everything; again if that is refused. How often it was, and what was said.
fn read_by_running(chain: &Chain<'_>, store: &Store, expected: &(Vec<String>, String)) -> Vec<String> {
    let mut refusals = Vec::new();
    loop {
        let read = chain
            .run(store, &RunOptions::default())
            .map_err(|error| error.to_string())
            .and_then(|ran| Ok((digests(&ran.dataset), values(&ran.dataset).map_err(|error| error.to_string())?)));
        match read {
            Ok(found) => {
                assert!(found == *expected, "something else was served");
                return refusals;
            }
            Err(refusal) => refusals.push(refusal),
        }
        assert!(refusals.len() < 4, "not repaired: {refusals:?}");
    }
}

#[test]
fn whatever_else_is_damaged_is_made_again_without_further_ado() {
    let (_directory, store) = store();
    let source = Rows::in_shards(100, 60);
    let chain = Chain { stages: vec![("rows", &source), ("filter", &AtLeast(1)), ("centre", &CENTRE)] };
    let ran = chain.run(&store, &RunOptions::default()).unwrap();
    let expected = (digests(&ran.dataset), values(&ran.dataset).unwrap());
    for directory in ["commits", "manifests", "memo"] {
        let files = files_below(&store.root().join(directory));
        assert!(!files.is_empty(), "{directory}");
        for file in files {
            let bytes = fs::read(&file).unwrap();
            for damaged in damages(&bytes) {
                fs::write(&file, damaged).unwrap();
                let refusals = read_by_running(&chain, &store, &expected);
                assert!(refusals.is_empty(), "{}: {refusals:?}", file.display());
            }
        }
    }
}

#[test]
fn damaged_data_are_refused_by_name_and_made_again() {
    let (_directory, store) = store();
    let source = Rows::in_shards(100, 60);
    let chain = Chain { stages: vec![("rows", &source), ("filter", &AtLeast(1)), ("centre", &CENTRE)] };
    let ran = chain.run(&store, &RunOptions::default()).unwrap();
    let expected = (digests(&ran.dataset), values(&ran.dataset).unwrap());
    let mut dataset = ran.dataset;
    let mut refused = 0;
    for round in 0..60 {
        // Repairing makes other files.
        let files: Vec<PathBuf> =
            dataset.shards.iter().flat_map(|shard| &shard.files).map(|file| dataset.path_of(file)).collect();
        let file = &files[round % files.len()];
        let bytes = fs::read(file).unwrap();
        let mut damages = damages(&bytes);
        fs::write(file, damages.swap_remove(round % damages.len())).unwrap();
        let refusals = read_by_running(&chain, &store, &expected);
        let attempt = file.parent().unwrap().to_string_lossy();
        assert!(refusals.len() <= 1 && refusals.iter().all(|said| said.contains(&*attempt)), "{refusals:?}");
        refused += refusals.len();
        dataset = chain.run(&store, &RunOptions::default()).unwrap().dataset;
    }
    // What lies between the chunks and the footer is not read.
    assert!(refused > 40, "only {refused} times was damaged data met");
}

/// A store with one run, its folder's files, and the summary of the run.
fn after_a_run() -> (tempfile::TempDir, Store, RunSummary) {
    let (directory, store) = store();
    let source = Rows(vec![rows(30)]);
    Chain { stages: vec![("rows", &source), ("filter", &AtLeast(1))] }.run(&store, &RunOptions::default()).unwrap();
    let run = store.runs().unwrap().remove(0);
    (directory, store, run)
}

fn says_that_it_is_damaged<T>(result: Result<T, sternlight_engine::store::StoreError>, file: &Path) -> bool {
    let expected = format!("`{}` is damaged", file.display());
    result.err().is_some_and(|error| error.to_string().starts_with(&expected))
}

#[test]
fn what_a_run_wrote_down_is_refused_if_it_was_changed() {
    let (_directory, store, run) = after_a_run();
    let (events, keys): (PathBuf, PathBuf) = (run.path.join("events.jsonl"), run.path.join("keys.jsonl"));
    for file in [&events, &keys] {
        let bytes = fs::read(file).unwrap();
        for damaged in damages(&bytes) {
            fs::write(file, damaged).unwrap();
            let noticed = match file == &events {
                true => says_that_it_is_damaged(store.events(&run), file),
                false => says_that_it_is_damaged(store.keys(&run), file),
            };
            assert!(noticed, "{}", file.display());
        }
        fs::write(file, bytes).unwrap();
    }
    assert!(store.events(&run).is_ok() && store.keys(&run).is_ok());
}

#[test]
fn a_run_that_was_killed_may_have_a_last_line_cut_short_and_no_other() {
    let (_directory, store, run) = after_a_run();
    // A run that was killed has not sealed what it wrote.
    fs::remove_file(run.path.join("seal.json")).unwrap();
    let keys = run.path.join("keys.jsonl");
    let text = fs::read_to_string(&keys).unwrap();
    let lines = store.keys(&run).unwrap().len();
    fs::write(&keys, &text[..text.len() - 9]).unwrap();
    assert_eq!(store.keys(&run).unwrap().len(), lines - 1);
    fs::write(&keys, text.replacen("\"version\"", "\"versiom\"", 1)).unwrap();
    assert!(says_that_it_is_damaged(store.keys(&run), &keys));
    fs::write(&keys, text.replacen("{", "(", 1)).unwrap();
    assert!(says_that_it_is_damaged(store.keys(&run), &keys));
}
