//! What the store promises: damage is named and never served, lost data is made again, races have one winner.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, SystemTime};

use sternlight_engine::event::{Event, Record};
use sternlight_engine::run::RunOptions;
use sternlight_engine::store::{CollectOptions, PastStatus, Store};
use sternlight_engine::verify::check_stored;

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

/// A commit as a later version would seal it.
fn in_another_form(text: &str) -> String {
    let text = text.replacen("\"form\": 1", "\"form\": 2", 1);
    let (head, rest) = text.split_once("\"content\": ").unwrap();
    let content = rest.strip_suffix("\n}\n").unwrap();
    let (before, old) = head.split_once("\"blake3\": \"").unwrap();
    let digest = blake3::hash(content.as_bytes()).to_hex();
    format!("{before}\"blake3\": \"{digest}{}\"content\": {rest}", old.get(64..).unwrap())
}

#[test]
fn a_commit_of_another_version_is_left_alone_with_its_data() {
    let (_directory, store) = store();
    let source = Rows(vec![rows(30)]);
    let chain = Chain { stages: vec![("rows", &source)] };
    chain.run(&store, &RunOptions::default()).unwrap();
    let [commit] = files_below(&store.root().join("commits")).try_into().unwrap();
    let theirs = in_another_form(&fs::read_to_string(&commit).unwrap());
    fs::write(&commit, &theirs).unwrap();
    // Nobody knows the result, and nobody takes its place.
    let error = chain.run(&store, &RunOptions::default()).err().unwrap();
    assert!(error.to_string().ends_with("has a form that this version does not know"), "{error}");
    assert_eq!(fs::read_to_string(&commit).unwrap(), theirs);
    let data = data_files(store.root());
    // The runs are forgotten, the commit is young: what it names is spared.
    fs::remove_dir_all(store.root().join("runs")).unwrap();
    fs::remove_dir_all(store.root().join("manifests")).unwrap();
    let old = fs::FileTimes::new().set_modified(SystemTime::now() - Duration::from_secs(9999));
    for path in data.iter().flat_map(|file| file.ancestors().take(2)) {
        fs::File::open(path).unwrap().set_times(old).unwrap();
    }
    let options = CollectOptions { keep: Duration::ZERO, young: Duration::from_secs(999), dry_run: false };
    store.collect(&options).unwrap();
    assert_eq!(data_files(store.root()), data);
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

/// What lies elsewhere and is old, and a store with results that are old as well.
fn store_and_others() -> (tempfile::TempDir, Store, std::path::PathBuf) {
    let (directory, store) = store();
    let source = Rows(vec![rows(10)]);
    Chain { stages: vec![("rows", &source)] }.run(&store, &RunOptions::default()).unwrap();
    let others = directory.path().canonicalize().unwrap().join("others");
    fs::create_dir_all(others.join("deep")).unwrap();
    fs::write(others.join("deep/theirs"), "theirs").unwrap();
    for path in [others.join("deep/theirs"), others.join("deep"), others.clone()] {
        fs::File::open(path).unwrap().set_modified(SystemTime::now() - Duration::from_hours(1000)).unwrap();
    }
    (directory, store, others)
}

#[test]
fn cleaning_up_follows_no_link_out_of_the_store() {
    let (_directory, store, others) = store_and_others();
    for link in ["data/zz", "commits/zz", "runs/zz", "memo/zz", "manifests/zz", ".tmpzz", "manifests/.tmpzz"] {
        symlink(&others, store.root().join(link)).unwrap();
    }
    let attempt = fs::read_dir(store.root().join("data")).unwrap().map(|entry| entry.unwrap().path());
    let shelf = attempt.into_iter().find(|path| !path.ends_with("zz")).unwrap();
    symlink(&others, shelf.join("attempt")).unwrap();
    let everything = CollectOptions { keep: Duration::ZERO, young: Duration::ZERO, dry_run: false };
    store.collect(&everything).unwrap();
    store.collect(&everything).unwrap();
    assert_eq!(fs::read_to_string(others.join("deep/theirs")).unwrap(), "theirs");
}

#[test]
fn a_store_that_leads_out_of_itself_is_not_opened_nor_is_a_link_read() {
    let (_directory, store, others) = store_and_others();
    let root = store.root().to_owned();
    for name in ["data", "commits", "manifests", "runs", "memo", "exports"] {
        let (inside, outside) = (root.join(name), others.join(name));
        let was_there = inside.exists();
        if was_there {
            fs::rename(&inside, &outside).unwrap();
        }
        symlink(&outside, &inside).unwrap();
        let told = Store::open(&root).unwrap_err().to_string();
        assert_eq!(told, format!("`{}` is a link, and a store leads nowhere out of itself", inside.display()));
        fs::remove_file(&inside).unwrap();
        if was_there {
            fs::rename(&outside, &inside).unwrap();
        }
    }
    // A file behind a link is damaged, however right its bytes are.
    let run = store.runs().unwrap().remove(0);
    let results: Vec<_> = store
        .events(&run)
        .unwrap()
        .into_iter()
        .filter_map(|record| match record.event {
            Event::StageFinished(result) => Some(result),
            _ => None,
        })
        .collect();
    assert_eq!(check_stored(&store, &results).damaged, []);
    let file = data_files(&root).remove(0);
    fs::rename(&file, others.join("rows.parquet")).unwrap();
    symlink(others.join("rows.parquet"), &file).unwrap();
    let damaged = check_stored(&store, &results).damaged;
    assert!(damaged[0].message.contains("a link leads to it"), "{damaged:?}");
    fs::remove_file(&file).unwrap();
    fs::rename(others.join("rows.parquet"), &file).unwrap();
    // The lock of a store is no way to make a file elsewhere.
    fs::remove_file(root.join("lock")).unwrap();
    symlink(others.join("made"), root.join("lock")).unwrap();
    assert!(store.hold().is_err() && !others.join("made").exists());
}

#[test]
fn every_byte_of_a_data_file_is_verified() {
    let (_directory, store) = store();
    let source = Rows(vec![rows(2)]);
    let ran = Chain { stages: vec![("rows", &source)] }.run(&store, &RunOptions::default()).unwrap();
    assert_eq!(check_stored(&store, &ran.stages).damaged, []);
    let file = data_files(store.root()).remove(0);
    let whole = fs::read(&file).unwrap();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (at % 8);
        fs::write(&file, damaged).unwrap();
        assert!(!check_stored(&store, &ran.stages).damaged.is_empty(), "byte {at} of {}", whole.len());
    }
    fs::write(&file, whole).unwrap();
    assert_eq!(check_stored(&store, &ran.stages).damaged, []);
}

#[test]
fn a_format_that_is_damaged_is_named_and_nothing_is_begun_anew() {
    let (_directory, store, _) = store_and_others();
    let file = store.root().join("format");
    for (text, found) in [("x", "`x`"), ("", "nothing"), ("\u{1b}[31m1", "`\\u{1b}[31m1`")] {
        fs::write(&file, text).unwrap();
        let error = Store::open(store.root()).unwrap_err();
        assert_eq!(error.to_string(), format!("`{}` is damaged: it says {found}, expected `1`", file.display()));
        assert!(error.help().starts_with("write the expected number into the file"));
        assert!(Store::existing(store.root()).is_err());
    }
    fs::remove_file(&file).unwrap();
    let error = Store::open(store.root()).unwrap_err().to_string();
    assert!(error.ends_with("it says nothing: it is gone, expected `1`"), "{error}");
    assert!(!file.exists());
    fs::write(&file, "1").unwrap();
    assert_eq!(Store::open(store.root()).unwrap().runs().unwrap().len(), 1);
}

#[test]
fn runs_are_in_the_order_in_which_they_began_whatever_the_clock_said() {
    let (_directory, store) = store();
    let source = Rows(vec![rows(2)]);
    let chain = Chain { stages: vec![("rows", &source)] };
    let ids: Vec<String> = (0..3)
        .map(|_| {
            chain.run(&store, &RunOptions::default()).unwrap();
            store.runs().unwrap().remove(0).id
        })
        .collect();
    let runs = store.runs().unwrap();
    let change = |index: usize, change: &dyn Fn(&str) -> String| {
        let events = runs[index].path.join("events.jsonl");
        let text = fs::read_to_string(&events).unwrap();
        fs::write(events, change(&text)).unwrap();
    };
    // The first ran while the clock was ahead; the second is of a version that knew no numbers, and the clock was ahead too.
    change(2, &|text| text.replacen("\"at\":\"2", "\"at\":\"3", 1));
    change(1, &|text| text.replacen("\"at\":\"2", "\"at\":\"4", 1).replacen("\"number\":2,", "", 1));
    let found: Vec<(String, Option<u64>)> = store.runs().unwrap().into_iter().map(|run| (run.id, run.number)).collect();
    let expected = [(ids[2].clone(), Some(3)), (ids[0].clone(), Some(1)), (ids[1].clone(), None)];
    assert_eq!(found, expected);
}
