//! The text of a pipeline: whatever it is, loading and checking it ends, and every fault lies within the text.

#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sternlight_engine::pipeline::{LoadOptions, PipelineErrors, check, load, render_plain};
use sternlight_fuzz::Place;

/// What pipelines may import.
const CHAT: &str = r#"{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes"}]}"#;

static PLACE: LazyLock<Place> = LazyLock::new(|| {
    let place = Place::new();
    place.write("a.jsonl", CHAT);
    place.write("rules.yaml", "off: [loop]\n");
    place
});

/// Paths that lead out of the directory would make what is found depend on the machine.
const OUTSIDE: [&str; 6] = ["**", "..", "*/", "/dev", "/proc", "/sys"];

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if OUTSIDE.iter().any(|path| text.contains(path)) {
        return;
    }
    // The first line may stand for the command line.
    let set = text.lines().next().and_then(|line| line.strip_prefix("#set ")).map(str::to_owned);
    let directory = PLACE.path("");
    let options = LoadOptions {
        set: set.as_slice(),
        environment: &|name| (name != "MISSING").then(|| name.to_owned()),
        directory: &directory,
        current_directory: &directory,
        cell: 0,
        iteration: 0,
        only: None,
    };
    match load(text, Path::new("fuzz.yaml"), &options, &sternlight_stages::registry()) {
        Err(errors) => judge(&errors),
        Ok(pipeline) => {
            if let Err(errors) = check(&pipeline) {
                judge(&errors);
            }
        }
    }
});

fn judge(errors: &PipelineErrors) {
    assert!(!errors.diagnostics().is_empty(), "refused without a reason");
    for diagnostic in errors.diagnostics() {
        let source = diagnostic.source.inner();
        let related = diagnostic.related.iter().map(|(span, _)| span);
        for span in [&diagnostic.span].into_iter().chain(related) {
            assert!(source.get(span.clone()).is_some(), "{span:?} is not in the text: {}", diagnostic.message);
        }
        assert!(!render_plain(diagnostic).is_empty());
    }
}
