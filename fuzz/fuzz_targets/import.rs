//! Recorded runs as JSON, plain or compressed: whatever a file holds, it is refused with a reason or becomes rows that
//! keep the schema's promises. The first byte chooses the options.

#![no_main]

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

use libfuzzer_sys::fuzz_target;
use sternlight_engine::contract::InputTypes;
use sternlight_engine::stage::{Context, Memo, TaskContext, Work};
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectorySchema, validate};
use sternlight_fuzz::{Place, build};

/// What the first byte chooses from.
const OPTIONS: [&str; 7] = [
    "files: runs",
    "{files: runs, format: openai-chat}",
    "{files: runs, format: tau-bench}",
    "{files: runs, format: openai-chat, task_from: first_user, reasoning: include, group_by: task}",
    "{files: runs, format: tau-bench, failed_reward: recorded, reasoning: include, policy: p, env: e}",
    "{files: runs, format: sternlight, identity: content}",
    "{files: runs, format: anthropic, unknown_parts: placeholder, reasoning: include}",
];

static PLACE: LazyLock<Place> = LazyLock::new(Place::new);

#[derive(Default)]
struct Notes(Mutex<BTreeMap<String, Vec<u8>>>);

impl Memo for Notes {
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        // Only a panic while it is held poisons a lock, and that ends the target as a finding.
        self.0.lock().expect("no thread panicked").get(key).cloned()
    }

    fn put(&self, key: &str, value: &[u8]) {
        // As above.
        self.0.lock().expect("no thread panicked").insert(key.to_owned(), value.to_owned());
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    PLACE.write("runs", bytes);
    let with = OPTIONS[usize::from(*choice) % OPTIONS.len()];
    // A text of this file, and options that the importer takes: whichever it is, no input changes it.
    let with = serde_yaml::from_str(with).expect("YAML");
    // The options are among those above, which fit.
    let built = build("import", with, &PLACE.path("")).expect("options that fit");
    if built.stage.contract(&InputTypes::from(&TrajectorySchema::empty())).is_err() {
        return;
    }
    let Work::Source(source) = built.stage.work() else { panic!("import is a source") };
    let Ok(survey) = source.survey(&Notes::default()) else { return };
    let shards: Vec<usize> = (0..survey.shards.len()).collect();
    let _ =
        source.read(&survey, &shards, &TaskContext::alone(), &mut |_: usize, batch: TrajectoryBatch, _: Context| {
            let violations = validate(&batch);
            assert!(violations.is_empty(), "{}", violations[0]);
            Ok(())
        });
});
