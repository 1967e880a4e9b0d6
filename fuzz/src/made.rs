//! A store with the results of a small pipeline.

use std::path::{Path, PathBuf};

use sternlight_engine::store::Store;

use crate::Place;

/// A shape of outcome a stage.
pub const STORE_PIPELINE: &str = "
version: 1
stages:
  import: { uses: import, with: { files: in.jsonl, format: openai-chat } }
  filter: { uses: filter, from: import, with: { where: 'reward >= 0' } }
  advantage: { uses: advantage, from: filter, with: { estimator: rloo } }
  export: { uses: export, from: advantage, with: { to: out.parquet, overwrite: true } }
";

/// Few rows of two groups; a filter for rewards drops one.
pub const CHATS: &str = include_str!("chats.jsonl");

/// The place of a store, and the paths of its commits in the pipeline's order.
pub fn made() -> (Place, Vec<PathBuf>) {
    let place = Place::new();
    place.write("in.jsonl", CHATS);
    let store = Store::open(&place.path("store")).expect("a store");
    place.run(STORE_PIPELINE, &store).expect("a pipeline that is right").expect("a run that ends well");
    let run = store.runs().expect("runs").remove(0);
    let keys = store.keys(&run).expect("keys");
    let path = |key: &str| store.root().join(format!("commits/{}/{key}.json", &key[..2]));
    let commits = keys.iter().map(|record| path(record.key.as_str())).collect();
    (place, commits)
}

/// The directory of the data that a commit speaks of.
pub fn data_directory(commit: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(commit);
    let file = text.split('"').find(|text| text.starts_with("data/"))?;
    file.rsplit_once('/').map(|(directory, _)| directory.to_owned())
}

/// Every file below a directory.
pub fn files_below(directory: &Path) -> Vec<PathBuf> {
    let (mut files, mut open) = (Vec::new(), vec![directory.to_owned()]);
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { open.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}
