//! What a store keeps about results: a manifest, a commit, events or keys that somebody damaged are refused, or read
//! without harm. The first byte chooses which it is; `DATA` in the text stands for the directory of the data, whose
//! name nobody knows before.

#![no_main]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use sternlight_engine::store::{Commit, Store};
use sternlight_fuzz::{
    Place, STORE_PIPELINE, abort_on_panics_that_nobody_catches, data_directory, files_below, made, unsealed, walk,
};

/// A store with the results of a pipeline, every file of it, and its commits in the pipeline's order.
struct Made {
    place: Place,
    files: Vec<(PathBuf, Vec<u8>)>,
    commits: Vec<PathBuf>,
}

static MADE: LazyLock<Made> = LazyLock::new(|| {
    let (place, commits) = made();
    let files = files_below(&place.path(""));
    let files = files.into_iter().map(|path| (path.clone(), fs::read(path).expect("a file"))).collect();
    Made { place, files, commits }
});

impl Made {
    /// The store as it was.
    fn restored(&self) -> Store {
        let _ = fs::remove_dir_all(self.place.path("store"));
        for (path, bytes) in &self.files {
            fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
            fs::write(path, bytes).expect("a file");
        }
        Store::open(&self.place.path("store")).expect("a store")
    }

    fn original(&self, path: &Path) -> &[u8] {
        self.files.iter().find(|(known, _)| known == path).map_or(&[], |(_, bytes)| bytes)
    }
}

fuzz_target!(init: abort_on_panics_that_nobody_catches(), |bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match kind {
        b'm' => manifest(&MADE, bytes),
        b'e' => events(&MADE, bytes),
        b'0'..=b'3' => commit(&MADE, usize::from(kind - b'0'), bytes),
        _ => {}
    }
});

fn manifest(made: &Made, bytes: &[u8]) {
    let store = Store::open(&made.place.path("store")).expect("a store");
    let directory = data_directory(made.original(&made.commits[0])).expect("a data file");
    let text = String::from_utf8_lossy(bytes).replace("DATA", &directory);
    // Under its digest, as manifests are named: otherwise it would be refused for that alone.
    let name = format!("{}.json", blake3::hash(text.as_bytes()).to_hex());
    made.place.write(&name, text);
    let read = store.dataset(&made.place.path(&name));
    let _ = fs::remove_file(made.place.path(&name));
    let Ok(dataset) = read else { return };
    let _ = dataset.rows();
    let _ = walk(&dataset);
    let whole = made.place.path("whole.parquet");
    let _ = dataset.write_parquet(&dataset.shards, &whole);
    let _ = fs::remove_file(whole);
}

fn events(made: &Made, bytes: &[u8]) {
    let store = Store::open(&made.place.path("store")).expect("a store");
    for name in ["events.jsonl", "keys.jsonl"] {
        made.place.write(&format!("store/runs/20260101-000000-fuzz/{name}"), bytes);
    }
    for run in store.runs().expect("runs") {
        let _ = store.events(&run);
        let _ = store.keys(&run);
    }
}

/// The outcome and context of a commit, with the parts of the key that it must have to be found.
fn commit(made: &Made, index: usize, bytes: &[u8]) {
    let path = &made.commits[index];
    let original = made.original(path);
    let directory = data_directory(original).unwrap_or_default();
    let text = String::from_utf8_lossy(bytes).replace("DATA", &directory);
    let Ok(Value::Object(given)) = serde_json::from_str(&text) else { return };
    let mut damaged = unsealed(original);
    for (name, value) in given {
        if name != "parts" {
            damaged[name] = value;
        }
    }
    let text = damaged.to_string();
    if serde_json::from_str::<Commit>(&text).is_err() {
        return;
    }
    let store = made.restored();
    for below in &made.commits[index + 1..] {
        fs::remove_file(below).expect("a commit");
    }
    let sealed =
        format!("{{\n  \"blake3\": \"{}\",\n  \"content\": {text}\n}}\n", blake3::hash(text.as_bytes()).to_hex());
    fs::write(path, sealed).expect("a commit");
    let _ = made.place.run(STORE_PIPELINE, &store);
}
