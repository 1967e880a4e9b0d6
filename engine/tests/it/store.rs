//! What the store promises: damage is named and never served, lost data is made again, races have one winner.

use std::fs;
use std::path::Path;

use sternlight_engine::event::{Event, Record};
use sternlight_engine::run::RunOptions;
use sternlight_engine::store::{PastStatus, Store};

use crate::fixtures::{AtLeast, Chain, Rows, digests, files_below, rows, store};

fn data_files(root: &Path) -> Vec<std::path::PathBuf> {
    files_below(&root.join("data"))
}

#[test]
fn a_damaged_commit_is_made_again() {
    let (_directory, store) = store();
    let source = Rows(vec![rows(30)]);
    let chain = Chain { stages: vec![("rows", &source), ("filter", &AtLeast(1))] };
    let whole = chain.run(&store, &RunOptions::default()).unwrap();
    let commits = files_below(&store.root().join("commits"));
    let filter = commits.iter().find(|path| fs::read_to_string(path).unwrap().contains("\"kept\"")).unwrap();
    let text = fs::read_to_string(filter).unwrap();
    let damaged = text.replacen("\n          1,\n          4\n", "\n          4,\n          1\n", 1);
    assert_ne!(text, damaged);
    fs::write(filter, damaged).unwrap();
    let again = chain.run(&store, &RunOptions::default()).unwrap();
    assert_eq!((again.stages[1].computed, again.dataset.shards), (1, whole.dataset.shards));
}

#[test]
fn runs_that_export_to_one_place_take_turns() {
    let (_directory, store) = store();
    let target = store.root().join("out");
    let first = store.lock_export(&target).unwrap();
    let other = store.clone();
    let waiting = std::thread::spawn(move || other.lock_export(&target).map(drop));
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert!(!waiting.is_finished());
    drop(first);
    waiting.join().unwrap().unwrap();
}

#[test]
fn lost_data_is_made_again() {
    let (_directory, store) = store();
    let source = Rows(vec![rows(30)]);
    let chain = Chain { stages: vec![("rows", &source)] };
    let before = digests(&chain.run(&store, &RunOptions::default()).unwrap().dataset);
    fs::remove_dir_all(store.root().join("data")).unwrap();
    let again = chain.run(&store, &RunOptions::default()).unwrap();
    assert_eq!((again.stages[0].computed, digests(&again.dataset)), (1, before));
}

#[test]
fn two_runs_at_once_agree_and_leave_one_copy() {
    let (_directory, store) = store();
    let source = Rows(rows(400).chunks(50).map(<[_]>::to_vec).collect());
    let chain = Chain { stages: vec![("rows", &source)] };
    let seen: Vec<_> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| digests(&chain.run(&store, &RunOptions::default()).unwrap().dataset)))
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(data_files(store.root()).len(), 8);
}

#[test]
fn a_store_that_cannot_be_is_an_error_that_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Store::open(&file.join("store")).unwrap_err();
    assert!(error.to_string().starts_with("cannot create the store `"), "{error}");
    let error = Store::open(directory.path()).unwrap_err();
    assert!(error.to_string().ends_with("is no store, and is not empty"), "{error}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    let root = directory.path().join("old");
    Store::open(&root).unwrap();
    fs::write(root.join("format"), "0").unwrap();
    assert!(Store::open(&root).unwrap_err().to_string().ends_with("has format 0, expected 1"));
}

#[test]
fn a_store_that_fails_while_a_run_goes_on_leaves_the_reason() {
    let (_directory, store) = store();
    let source = Rows(vec![rows(10)]);
    let lock = store.root().join("lock");
    let sabotage = |record: &Record| {
        if let Event::RunStarted { .. } = record.event {
            fs::remove_file(&lock).unwrap();
            fs::create_dir(&lock).unwrap();
        }
    };
    let chain = Chain { stages: vec![("rows", &source)] };
    assert!(chain.run_observed(&store, &RunOptions::default(), &[], &sabotage).is_err());
    let run = store.runs().unwrap().remove(0);
    assert_eq!(run.status, PastStatus::Failed);
    let events = store.events(&run).unwrap();
    let [.., Record { event: Event::RunFailed { message, .. }, .. }, _] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert!(message.starts_with(&format!("cannot open `{}`", lock.display())), "{message}");
}
