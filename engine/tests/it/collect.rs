//! Cleaning up: what is spared, what goes, and that runs beside it never notice.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use sternlight_engine::contract::Scope;
use sternlight_engine::event::Event;
use sternlight_engine::run::RunOptions;
use sternlight_engine::store::{CollectOptions, Collection, Kind, RunFolder, Store};

use crate::fixtures::{AtLeast, Centre, Chain, Rows, centred, digests, files_below, rows, store};

const DAY: Duration = Duration::from_hours(24);
const CENTRE: Centre = Centre { scope: Scope::Group, surplus: 0 };

fn options(dry_run: bool) -> CollectOptions {
    CollectOptions { keep: 14 * DAY, young: DAY, dry_run }
}

/// Makes all that lies in a directory look as if it had been written days ago.
fn age(directory: &Path, days: u32) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            age(&path, days);
        }
        fs::File::open(&path).unwrap().set_modified(SystemTime::now() - DAY * days).unwrap();
    }
}

fn counts(collection: &Collection) -> BTreeMap<Kind, u64> {
    collection.kinds.iter().map(|(kind, collected)| (*kind, collected.count)).collect()
}

#[test]
fn recent_and_pinned_runs_keep_what_they_reach_and_the_rest_goes() {
    let (_directory, store) = store();
    let source = Rows::in_shards(70, 40);
    // Names are in the keys of these stages.
    let chain = |stage: &'static (&str, AtLeast)| Chain {
        stages: vec![("rows", &source), (stage.0, &stage.1), ("centre", &CENTRE)],
    };
    let (pinned, old, recent) = (&("one", AtLeast(1)), &("two", AtLeast(2)), &("three", AtLeast(3)));
    let first = chain(pinned).run(&store, &RunOptions::default()).unwrap();
    store.pin(&store.runs().unwrap()[0]).unwrap();
    let second = chain(old).run(&store, &RunOptions::default()).unwrap();
    let whole = |dataset| (digests(dataset), centred(dataset));
    let whole_before = whole(&second.dataset);
    age(store.root(), 20);
    let third = chain(recent).run(&store, &RunOptions::default()).unwrap();

    let before = files_below(store.root());
    let planned = store.collect(&options(true)).unwrap();
    assert_eq!(files_below(store.root()), before, "a dry run removes nothing");
    let done = store.collect(&options(false)).unwrap();
    assert_eq!(done, planned);
    // The filter's results are selections, without data; the fact about the rows was asked for.
    let expected = [(Kind::Run, 1), (Kind::Result, 4), (Kind::Data, 2), (Kind::Manifest, 2)];
    assert_eq!(counts(&done), BTreeMap::from(expected));
    assert!(done.bytes > 1000);

    assert_eq!(store.runs().unwrap().len(), 2);
    for kept in [&first.dataset, &third.dataset] {
        assert!(!whole(kept).1.is_empty());
    }
    let again = chain(old).run(&store, &RunOptions::default()).unwrap();
    assert_eq!(whole(&again.dataset), whole_before);
    let computed: Vec<usize> = again.stages.iter().map(|stage| stage.computed).collect();
    assert_eq!(computed, [0, 2, 2], "what another run reaches is still there");
    assert_eq!(store.collect(&options(false)).unwrap(), Collection::default());
}

#[test]
fn nothing_young_goes_and_left_overs_do() {
    let (_directory, store) = store();
    let source = Rows(vec![rows(10)]);
    Chain { stages: vec![("rows", &source)] }.run(&store, &RunOptions::default()).unwrap();
    let run = store.runs().unwrap().remove(0);
    fs::remove_dir_all(run.path).unwrap();
    assert_eq!(store.collect(&options(false)).unwrap(), Collection::default());
    // What killed processes leave: data without a commit, half-written files, rows gathered half-way.
    for name in ["data/ab/abcd-killed/rows.parquet", "commits/ab/.tmpx", ".tmpverify/data", "exchange/data/x"] {
        let path = store.root().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "left over").unwrap();
    }
    drop(store.exchange().unwrap());
    age(store.root(), 2);
    let running = store.exchange().unwrap();
    let mut expected = BTreeMap::from([
        (Kind::Result, 1),
        (Kind::Data, 1),
        (Kind::Unfinished, 1),
        (Kind::Manifest, 1),
        (Kind::Temporary, 2),
    ]);
    assert_eq!(counts(&store.collect(&options(true)).unwrap()), expected, "a run needs the exchange");
    drop(running);
    expected.insert(Kind::Exchange, 1);
    assert_eq!(counts(&store.collect(&options(false)).unwrap()), expected);
    let left: Vec<String> = files_below(store.root())
        .iter()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .filter(|name| !name.ends_with("lock") && name != "format" && name != ".gitignore")
        .collect();
    // The fact is younger than the runs that are spared, and no run gets the last one's number again.
    assert_eq!((left.len(), left.last().map(String::as_str)), (2, Some("1")), "{left:?}");
}

#[test]
fn a_run_that_may_still_be_at_work_keeps_its_keys() {
    let (_directory, store) = store();
    let source = Rows(vec![rows(10)]);
    Chain { stages: vec![("rows", &source)] }.run(&store, &RunOptions::default()).unwrap();
    let done = store.runs().unwrap().remove(0);
    let mut running = RunFolder::create(&store).unwrap();
    running.use_keys(store.keys(&done).unwrap().into_iter()).unwrap();
    fs::remove_dir_all(&done.path).unwrap();
    age(store.root(), 30);
    let expected = BTreeMap::from([(Kind::Manifest, 1), (Kind::Fact, 1)]);
    assert_eq!(counts(&store.collect(&options(true)).unwrap()), expected);
    drop(running);
    let expected = [(Kind::Run, 1), (Kind::Result, 1), (Kind::Data, 1), (Kind::Manifest, 1), (Kind::Fact, 1)];
    assert_eq!(counts(&store.collect(&options(false)).unwrap()), BTreeMap::from(expected));
}

#[test]
fn nothing_goes_if_what_a_spared_run_wrote_down_is_damaged() {
    let (_directory, store) = store();
    let source = Rows(vec![rows(10)]);
    Chain { stages: vec![("rows", &source)] }.run(&store, &RunOptions::default()).unwrap();
    let run = store.runs().unwrap().remove(0);
    store.pin(&run).unwrap();
    age(store.root(), 30);
    fs::write(run.path.join("keys.jsonl"), "{}\n").unwrap();
    let before = files_below(store.root());
    let error = store.collect(&options(false)).unwrap_err().to_string();
    assert!(error.contains("keys.jsonl` is damaged"), "{error}");
    assert_eq!(files_below(store.root()), before);
}

/// Everything is garbage the moment that its run has ended; results of runs at work must still be whole when they are
/// read, and come out the same every time.
#[test]
fn runs_do_not_notice_that_somebody_cleans_up_all_the_time() {
    let (_directory, store) = store();
    let sources = [Rows::in_shards(50, 30), Rows::in_shards(25, 25), Rows::in_shards(40, 15)];
    let seen: Mutex<BTreeMap<usize, Vec<String>>> = Mutex::default();
    let mut removed = 0;
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..2)
            .map(|runner| {
                let (store, sources, seen) = (&store, &sources, &seen);
                scope.spawn(move || (0..20).for_each(|turn| run_and_read(store, sources, (runner + turn) % 3, seen)))
            })
            .collect();
        let clean_up = || {
            let options = CollectOptions { keep: Duration::ZERO, young: Duration::ZERO, dry_run: false };
            counts(&store.collect(&options).unwrap()).values().sum::<u64>()
        };
        while running.iter().any(|runner| !runner.is_finished()) {
            let (one, other) = twice_at_once(&clean_up);
            removed += one + other;
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    assert!(removed > 50, "only {removed} things were removed");
}

/// Twice at once.
fn twice_at_once(work: &(dyn Fn() -> u64 + Sync)) -> (u64, u64) {
    std::thread::scope(|scope| {
        let other = scope.spawn(work);
        (work(), other.join().unwrap())
    })
}

fn run_and_read(store: &Store, sources: &[Rows], which: usize, seen: &Mutex<BTreeMap<usize, Vec<String>>>) {
    let chain = Chain { stages: vec![("rows", &sources[which]), ("filter", &AtLeast(1)), ("centre", &CENTRE)] };
    let options = RunOptions { threads: 2, ..RunOptions::default() };
    let observe = |record: &sternlight_engine::event::Record| {
        let Event::StageFinished(result) = &record.event else { return };
        let dataset = store.dataset(result.dataset.as_ref().unwrap()).unwrap();
        if result.stage == "centre" {
            assert!(!centred(&dataset).is_empty());
            let found = digests(&dataset);
            assert_eq!(*seen.lock().unwrap().entry(which).or_insert_with(|| found.clone()), found);
        }
    };
    chain.run_observed(store, &options, &[], &observe).unwrap();
}
