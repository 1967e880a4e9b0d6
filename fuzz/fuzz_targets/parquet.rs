//! Parquet of other origin, where it lies: it is refused with a reason, or the stages work on it and what is exported
//! can be read and keeps the schema's promises.
//!
//! The first byte chooses what the rest is: a file; or the length of the pages, the pages and the footer, so that both
//! can change their lengths and still make a file.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sternlight_engine::store::Store;
use sternlight_fuzz::{Place, abort_on_panics_that_nobody_catches, walk};

/// A stage of each shape over the file, and the file as it is.
const PIPELINE: &str = "
version: 1
stages:
  import: { uses: import, with: { files: in.parquet, identity: content } }
  copy: { uses: export, from: import, with: { to: copy.parquet, overwrite: true } }
  filter: { uses: filter, from: import, with: { where: 'length(turns) >= 0 and reward is not null' } }
  reward: { uses: reward, from: filter, with: { by: rules, rules: [{ exact: a, on: any_action }] } }
  advantage: { uses: advantage, from: reward, with: { estimator: grpo } }
  export: { uses: export, from: advantage, with: { to: out.jsonl, format: openai-chat, overwrite: true } }
  all: { uses: export, from: advantage, with: { to: all.parquet, overwrite: true } }
";

const AGAIN: &str = "
version: 1
stages:
  import: { uses: import, with: { files: in.parquet, identity: content } }
";

const MAGIC: &[u8] = b"PAR1";

static PLACE: LazyLock<Place> = LazyLock::new(Place::new);

fuzz_target!(init: abort_on_panics_that_nobody_catches(), |bytes: &[u8]| {
    let Some(file) = file_of(bytes) else { return };
    let place = &*PLACE;
    let _ = std::fs::remove_dir_all(place.path("store"));
    for name in ["copy.parquet", "all.parquet"] {
        let _ = std::fs::remove_file(place.path(name));
    }
    place.write("in.parquet", file);
    let store = Store::open(&place.path("store")).expect("a store");
    let Some(outcome) = place.run(PIPELINE, &store) else { return };
    if outcome.is_err() {
        return;
    }
    // Chunks are copied as they are: texts that are damaged in the one are in the other. Ids were read.
    for export in ["copy.parquet", "all.parquet"] {
        place.write("in.parquet", std::fs::read(place.path(export)).expect("an export"));
        let report = place.run(AGAIN, &store).expect("an export that can be imported").expect("rows with ids");
        let manifest = report.stages[0].dataset.as_ref().expect("a dataset");
        let _ = walk(&store.dataset(manifest).expect("a manifest"));
    }
});

/// The file that the bytes stand for.
fn file_of(bytes: &[u8]) -> Option<Vec<u8>> {
    let (kind, rest) = bytes.split_first()?;
    if kind % 2 == 0 {
        return Some(rest.to_vec());
    }
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (pages, footer) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    let length = u32::try_from(footer.len()).ok()?;
    Some([MAGIC, pages, footer, &length.to_le_bytes(), MAGIC].concat())
}
