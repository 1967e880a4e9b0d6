//! What exports may touch: after any sequence of runs and of what people do meanwhile, nothing that was not exported has
//! changed or gone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use sternlight_engine::artifact::Inputs;
use sternlight_engine::contract::{Contract, Effect, InputTypes, Scope};
use sternlight_engine::place::resolved;
use sternlight_engine::problem::Problem;
use sternlight_engine::run::{RunError, RunOptions, RunReport};
use sternlight_engine::stage::{Context, Sink, Stage, StageError, Staging, Target, Work};
use sternlight_engine::store::Store;

use crate::fixtures::{Chain, Rows, rows, store};

/// Writes files of a text of its own: into a directory as many as it is told, else one and a card beside it.
#[derive(Clone, Debug)]
struct Writes {
    target: PathBuf,
    is_directory: bool,
    files: usize,
    text: String,
    overwrite: bool,
}

impl Writes {
    fn directory(target: PathBuf, files: usize, text: &str) -> Self {
        Self { target, is_directory: true, files, text: text.to_owned(), overwrite: false }
    }

    fn names(&self) -> Vec<String> {
        let name = self.target.file_name().unwrap().to_string_lossy().into_owned();
        match self.is_directory {
            true => (0..self.files).map(|index| format!("part-{index}")).chain(["card".to_owned()]).collect(),
            false => vec![format!("{name}.card"), name],
        }
    }

    /// Where its files lie, the list of a directory among them.
    fn places(&self) -> BTreeSet<PathBuf> {
        let names = self.names().into_iter();
        match self.is_directory {
            true => names.chain(["_manifest.json".to_owned()]).map(|name| self.target.join(name)).collect(),
            false => names.map(|name| self.target.with_file_name(name)).collect(),
        }
    }

    fn run(&self, store: &Store, limit: Option<u64>) -> Result<RunReport, RunError> {
        let source = Rows(vec![rows(4)]);
        // The name is the kind in keys: another text is another stage.
        let name = format!("write-{}-{}", self.text, self.files);
        let chain = Chain { stages: vec![("rows", &source), (&name, self)] };
        let mut options = RunOptions { threads: 1, ..RunOptions::default() };
        options.results.limit = limit;
        chain.run_observed(store, &options, &[], &|_| {})
    }
}

impl Stage for Writes {
    fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
        Ok(Contract { reads: Vec::new(), scope: Scope::Dataset, effect: Effect::Sink })
    }

    fn work(&self) -> Work<'_> {
        Work::Sink(self)
    }
}

impl Sink for Writes {
    fn target(&self) -> Target {
        let beside = if self.is_directory { Vec::new() } else { self.names().into_iter().take(1).collect() };
        let (path, is_directory, overwrite) = (self.target.clone(), self.is_directory, self.overwrite);
        Target { path, beside, within: Vec::new(), is_directory, overwrite }
    }

    fn sample(&self, groups: u64) -> Box<dyn Sink + '_> {
        let name = format!("{}.sample", self.target.file_name().unwrap().display());
        let text = format!("{} of {groups}", self.text);
        Box::new(Self { target: self.target.with_file_name(name), text, ..self.clone() })
    }

    fn export(&self, _: &Inputs, staging: &mut dyn Staging, _: &mut Context) -> Result<(), StageError> {
        for name in self.names() {
            fs::write(staging.place(&name)?, format!("ours: {name} {}", self.text)).unwrap();
        }
        Ok(())
    }
}

/// What lies below a directory, links unfollowed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Lies {
    File(Vec<u8>),
    Link(PathBuf),
    Directory,
}

fn tree(root: &Path) -> BTreeMap<PathBuf, Lies> {
    let (mut found, mut open) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let lies = if metadata.is_symlink() {
                Lies::Link(fs::read_link(&path).unwrap())
            } else if metadata.is_dir() {
                open.push(path.clone());
                Lies::Directory
            } else {
                Lies::File(fs::read(&path).unwrap())
            };
            found.insert(path, lies);
        }
    }
    found
}

/// Something that happens between runs, to one of a few places.
#[derive(Clone, Debug)]
enum Act {
    Write(usize),
    Edit(usize),
    Copy(usize, usize),
    Link(usize, usize),
    HardLink(usize, usize),
    Remove(usize),
    MoveAway,
    Run { store: usize, target: usize, files: usize, text: u8, overwrite: bool, limit: bool },
}

const PLACES: [&str; 13] = [
    "out/part-0",
    "out/part-1",
    "out/part-2",
    "out/card",
    "out/_manifest.json",
    "out/mine",
    "out",
    "out.sample",
    "one",
    "one.card",
    "else/part-1",
    "else/mine",
    "else",
];

fn act() -> impl Strategy<Value = Act> {
    let place = || 0..PLACES.len();
    prop_oneof![
        2 => place().prop_map(Act::Write),
        2 => place().prop_map(Act::Edit),
        1 => (place(), place()).prop_map(|(from, to)| Act::Copy(from, to)),
        2 => (place(), place()).prop_map(|(from, to)| Act::Link(from, to)),
        1 => (place(), place()).prop_map(|(from, to)| Act::HardLink(from, to)),
        2 => place().prop_map(Act::Remove),
        1 => Just(Act::MoveAway),
        8 => (0..2usize, 0..3usize, 1..4usize, 0..3u8, prop::bool::weighted(0.1), prop::bool::weighted(0.2)).prop_map(
            |(store, target, files, text, overwrite, limit)| Act::Run { store, target, files, text, overwrite, limit }
        ),
    ]
}

/// A directory in which things happen. Whatever is not as a run left it, or lies elsewhere, is somebody's.
struct World {
    root: PathBuf,
    stores: [Store; 2],
    /// What runs wrote, as they wrote it.
    ours: BTreeMap<PathBuf, BTreeSet<Vec<u8>>>,
    step: usize,
}

impl World {
    fn place(&self, index: usize) -> PathBuf {
        self.root.join(PLACES[index])
    }

    fn is_ours(&self, path: &Path, lies: &Lies) -> bool {
        matches!(lies, Lies::File(bytes) if self.ours.get(path).is_some_and(|contents| contents.contains(bytes)))
    }

    /// What people do does not always succeed.
    fn happens(&mut self, act: &Act) {
        self.step += 1;
        let text = format!("theirs {}", self.step);
        match act {
            Act::Write(place) => drop(fs::write(self.place(*place), text)),
            Act::Edit(place) => {
                let file = fs::OpenOptions::new().append(true).open(self.place(*place));
                drop(file.map(|mut file| std::io::Write::write_all(&mut file, text.as_bytes())));
            }
            Act::Copy(from, to) => drop(fs::copy(self.place(*from), self.place(*to))),
            Act::Link(from, to) => drop(symlink(self.place(*from), self.place(*to))),
            Act::HardLink(from, to) => drop(fs::hard_link(self.place(*from), self.place(*to))),
            Act::Remove(place) => {
                let path = self.place(*place);
                let is_directory = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir());
                drop(if is_directory { fs::remove_dir_all(path) } else { fs::remove_file(path) });
            }
            Act::MoveAway => drop(fs::rename(self.root.join("out"), self.root.join(format!("archive-{}", self.step)))),
            Act::Run { .. } => self.runs(act),
        }
    }

    fn runs(&mut self, act: &Act) {
        let Act::Run { store, target, files, text, overwrite, limit } = act else { return };
        let target = ["out", "one", "else/../out"][*target];
        let sink = Writes {
            target: self.root.join(target),
            is_directory: target != "one",
            files: *files,
            text: text.to_string(),
            overwrite: *overwrite,
        };
        let before = tree(&self.root);
        // Where it may write, as it is found: links above it are followed, those that lead nowhere as they are spelled.
        let directory = resolved(sink.target.parent().unwrap());
        let outcome = sink.run(&self.stores[*store], limit.then_some(1));
        let after = tree(&self.root);
        let written = if *limit { sampled(&sink) } else { sink.clone() };
        let written = Writes { target: directory.join(written.target.file_name().unwrap()), ..written };
        let places = written.places();
        for (path, lies) in &before {
            let now = after.get(path);
            if now == Some(lies) {
                continue;
            }
            let may_go = match lies {
                Lies::File(_) => self.is_ours(path, lies) || (*overwrite && places.contains(path)),
                Lies::Link(_) | Lies::Directory => false,
            };
            assert!(may_go, "{act:?}: {} was {lies:?} and is {now:?}", path.display());
        }
        for path in after.keys().filter(|path| !before.contains_key(*path)) {
            let made = written.target.starts_with(path) && written.is_directory;
            assert!(made || places.contains(path), "{act:?} left {}", path.display());
        }
        if outcome.is_ok() {
            for name in written.names() {
                let path = if written.is_directory {
                    written.target.join(&name)
                } else {
                    written.target.with_file_name(&name)
                };
                let expected = format!("ours: {name} {}", written.text);
                assert_eq!(fs::read_to_string(&path).unwrap(), expected, "{act:?}");
                assert!(!fs::symlink_metadata(&path).unwrap().is_symlink());
            }
        }
        for path in &places {
            if let Some(Lies::File(bytes)) = after.get(path)
                && (before.get(path) != after.get(path) || outcome.is_ok())
            {
                self.ours.entry(path.clone()).or_default().insert(bytes.clone());
            }
        }
    }
}

/// What a sink writes in a run of one group.
fn sampled(sink: &Writes) -> Writes {
    let name = format!("{}.sample", sink.target.file_name().unwrap().display());
    Writes { target: sink.target.with_file_name(name), text: format!("{} of 1", sink.text), ..sink.clone() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_was_not_exported_ever_changes_or_goes(acts in prop::collection::vec(act(), 1..24)) {
        let (directory, first) = store();
        let second = Store::open(&directory.path().join("second")).unwrap();
        let root = directory.path().canonicalize().unwrap().join("place");
        fs::create_dir_all(root.join("else")).unwrap();
        let mut world = World { root, stores: [first, second], ours: BTreeMap::new(), step: 0 };
        acts.iter().for_each(|act| world.happens(act));
    }
}

fn place() -> (tempfile::TempDir, Store, PathBuf) {
    let (directory, store) = store();
    let root = directory.path().canonicalize().unwrap().join("place");
    fs::create_dir(&root).unwrap();
    (directory, store, root)
}

fn told(outcome: Result<RunReport, RunError>, root: &Path) -> String {
    outcome.unwrap_err().to_string().replace(&*root.to_string_lossy(), "HERE")
}

#[test]
fn what_somebody_put_in_the_place_of_an_export_stays() {
    let (_directory, store, root) = place();
    let sink = Writes::directory(root.join("out"), 3, "one");
    sink.run(&store, None).unwrap();
    fs::write(root.join("out/part-1"), "theirs").unwrap();
    let another = Writes { text: "two".to_owned(), ..sink.clone() };
    let refused =
        "stage `write-two-3`: `HERE/out/part-1` is there already, and sternlight did not write it as it is now";
    assert_eq!(told(another.run(&store, None), &root), refused);
    assert_eq!(fs::read_to_string(root.join("out/part-0")).unwrap(), "ours: part-0 one");
    // Fewer files: what is no longer written goes, but for what is not as it was written, which is said.
    let fewer = Writes { files: 1, ..another.clone() };
    let report = fewer.run(&store, None).unwrap();
    assert!(report.stages[1].warnings[0].contains("out/part-1` was part of an earlier export and stays"));
    assert!(!root.join("out/part-2").exists());
    assert_eq!(fs::read_to_string(root.join("out/part-1")).unwrap(), "theirs");
    Writes { overwrite: true, ..another }.run(&store, None).unwrap();
    assert_eq!(fs::read_to_string(root.join("out/part-1")).unwrap(), "ours: part-1 two");
}

#[test]
fn links_are_neither_followed_nor_replaced() {
    let (_directory, store, root) = place();
    fs::create_dir(root.join("else")).unwrap();
    fs::write(root.join("else/part-0"), "theirs").unwrap();
    let sink = Writes { overwrite: true, ..Writes::directory(root.join("out"), 1, "one") };
    symlink("else", root.join("out")).unwrap();
    insta::assert_snapshot!(told(sink.run(&store, None), &root), @"stage `write-one-1`: `write-one-1` writes to `HERE/out`, which is a link");
    fs::remove_file(root.join("out")).unwrap();
    fs::create_dir(root.join("out")).unwrap();
    for name in ["part-0", "_manifest.json"] {
        symlink("../else/part-0", root.join("out").join(name)).unwrap();
        let refused = format!("stage `write-one-1`: `HERE/out/{name}` is a link, and exports follow and replace none");
        assert_eq!(told(sink.run(&store, None), &root), refused);
        fs::remove_file(root.join("out").join(name)).unwrap();
    }
    // Directories above the target may be links.
    symlink("else", root.join("way")).unwrap();
    Writes { target: root.join("way/out"), ..sink }.run(&store, None).unwrap();
    assert!(root.join("else/out/part-0").exists());
    assert_eq!(fs::read_to_string(root.join("else/part-0")).unwrap(), "theirs");
}

#[test]
fn another_store_may_replace_what_a_manifest_lists_and_no_more() {
    let (directory, first, root) = place();
    let second = Store::open(&directory.path().join("second")).unwrap();
    let sink = Writes::directory(root.join("out"), 2, "one");
    sink.run(&first, None).unwrap();
    let another = Writes { files: 1, text: "two".to_owned(), ..sink.clone() };
    let report = another.run(&second, None).unwrap();
    assert!(report.stages[1].warnings[0].contains("out/part-1` was part of an earlier export"));
    assert_eq!(fs::read_to_string(root.join("out/part-1")).unwrap(), "ours: part-1 one");
    // A list that names what lies elsewhere is no permission, nor is one that somebody wrote.
    fs::write(root.join("theirs"), "theirs").unwrap();
    let manifest = fs::read_to_string(root.join("out/_manifest.json")).unwrap();
    for forged in [manifest.replace("\"card\"", "\"../theirs\""), manifest.replace("\"rows\": 4", "\"rows\": 5")] {
        assert_ne!(forged, manifest);
        fs::write(root.join("out/_manifest.json"), &forged).unwrap();
        let error = told(sink.run(&first, None), &root);
        assert!(error.contains("is there already, and sternlight did not write it"), "{error}");
        assert_eq!(fs::read_to_string(root.join("out/_manifest.json")).unwrap(), forged);
    }
    assert_eq!(fs::read_to_string(root.join("theirs")).unwrap(), "theirs");
}

#[test]
fn a_sample_is_written_beside_and_replaces_samples_alone() {
    let (_directory, store, root) = place();
    let sink = Writes::directory(root.join("out"), 1, "one");
    sink.run(&store, None).unwrap();
    let before = tree(&root.join("out"));
    let report = sink.run(&store, Some(1)).unwrap();
    assert_eq!((report.stages[1].sample, report.stages[1].target.clone()), (Some(1), Some(root.join("out.sample"))));
    sink.run(&store, Some(2)).unwrap();
    assert_eq!(fs::read_to_string(root.join("out.sample/part-0")).unwrap(), "ours: part-0 one of 2");
    assert_eq!(tree(&root.join("out")), before);
    // What another pipeline exports under that name is no sample.
    let whole = Writes::directory(root.join("out.sample"), 1, "whole");
    whole.run(&store, None).unwrap();
    let error = told(sink.run(&store, Some(1)), &root);
    assert!(
        error.ends_with("`HERE/out.sample/part-0` is there already, and is no sample that sternlight wrote"),
        "{error}"
    );
    assert_eq!(fs::read_to_string(root.join("out.sample/part-0")).unwrap(), "ours: part-0 whole");
}

#[test]
fn left_overs_are_known_by_their_names_and_not_by_records() {
    let (_directory, store, root) = place();
    let sink = Writes::directory(root.join("out"), 1, "one");
    sink.run(&store, None).unwrap();
    // As an interrupted export, somebody, and a link would leave them.
    let name = |digits: &str| root.join("out").join(format!(".sternlight-{digits}-x1y2z3"));
    fs::create_dir(root.join("out/.sternlight-backup")).unwrap();
    fs::create_dir(name("0123456789abcdef")).unwrap();
    let records: Vec<_> =
        fs::read_dir(store.root().join("exports")).unwrap().map(|entry| entry.unwrap().path()).collect();
    for record in records.iter().filter(|path| path.extension().is_some_and(|extension| extension == "json")) {
        // As records were before: paths, and a directory to be removed.
        let content = format!("{{\n  \"files\": [\n    {:?}\n  ],\n  \"staging\": {:?}\n}}", root.join("theirs"), root);
        let digest = blake3::hash(content.as_bytes()).to_hex();
        fs::write(record, format!("{{\n  \"blake3\": \"{digest}\",\n  \"content\": {content}\n}}\n")).unwrap();
    }
    fs::write(root.join("theirs"), "theirs").unwrap();
    Writes { text: "two".to_owned(), ..sink }.run(&store, None).unwrap();
    assert!(root.join("theirs").exists() && root.join("out/.sternlight-backup").exists());
    assert!(name("0123456789abcdef").exists());
}

#[test]
fn an_export_that_fails_leaves_no_directory_but_one_that_was_there() {
    let (_directory, store, root) = place();
    let sink = Writes { files: 0, text: "/".to_owned(), ..Writes::directory(root.join("out/deep"), 0, "") };
    fs::create_dir(root.join("out")).unwrap();
    fs::write(root.join("out/deep.card"), "theirs").unwrap();
    let file = Writes { is_directory: false, ..sink.clone() };
    assert!(file.run(&store, None).is_err());
    assert_eq!(tree(&root.join("out")).len(), 1);
    fs::create_dir(root.join("out/deep")).unwrap();
    fs::create_dir(root.join("out/deep/card")).unwrap();
    let error = told(sink.run(&store, None), &root);
    assert!(error.ends_with("`HERE/out/deep/card` is there already, and is no file"), "{error}");
    fs::remove_dir(root.join("out/deep/card")).unwrap();
    assert!(root.join("out/deep").exists());
}

#[test]
fn files_of_a_store_have_the_modes_that_the_mask_leaves_them() {
    let (directory, store, root) = place();
    Writes::directory(root.join("out"), 1, "one").run(&store, None).unwrap();
    let probe = directory.path().join("probe");
    fs::create_dir(&probe).unwrap();
    fs::write(probe.join("file"), "").unwrap();
    let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
    let (directories, files) = (mode(&probe), mode(&probe.join("file")));
    for (path, lies) in tree(store.root()).into_iter().chain(tree(&root)) {
        let expected = if lies == Lies::Directory { directories } else { files };
        assert_eq!(mode(&path), expected, "{}", path.display());
    }
}
