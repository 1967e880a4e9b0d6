//! The example in each stage's documentation, on the recordings that ship. What it takes for granted (the stages before
//! it, a file of rules) is put there.

use std::path::Path;

use crate::cases::policy::checkpoint;
use crate::environments::registry;
use crate::replay::Place;
use serde_yaml::{Mapping, Value};
use sternlight_engine::loading::Origin;
use sternlight_engine::run::{Engine, RunOptions};

/// Stages that examples come behind.
const BEFORE: &str = "
import: { uses: import, with: { files: 'runs/*.json.zst' } }
reward: { uses: reward, from: import, with: { by: outcome } }
";

/// The pipelines, whole or in part, in a page of documentation.
fn examples(page: &str) -> Vec<Value> {
    let blocks = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let values = blocks.map(|block| serde_yaml::from_str::<Value>(block).unwrap());
    values.filter(|value| value.get("stages").is_some()).collect()
}

/// The example with the stages that it begins behind.
fn completed(mut example: Value) -> String {
    let before: Mapping = serde_yaml::from_str(BEFORE).unwrap();
    let stages = example.get_mut("stages").and_then(Value::as_mapping_mut).unwrap();
    for (name, stage) in before {
        stages.entry(name).or_insert(stage);
    }
    example.as_mapping_mut().unwrap().entry("version".into()).or_insert(1.into());
    serde_yaml::to_string(&example).unwrap()
}

fn prepare(directory: &Path) {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pipelines/data");
    for entry in std::fs::read_dir(data).unwrap() {
        let path = entry.unwrap().path();
        std::fs::create_dir_all(directory.join("runs")).unwrap();
        std::fs::copy(&path, directory.join("runs").join(path.file_name().unwrap())).unwrap();
    }
    std::fs::create_dir_all(directory.join("rules")).unwrap();
    std::fs::write(directory.join("rules/desk.yaml"), "off: [loop]\n").unwrap();
    let rubric = "'0': [{id: found, text: The customer is looked up., tool_called: find_customer}]\n\
        '*': [{id: brief, turns: {max: 12}}]\n";
    std::fs::write(directory.join("rubrics.yaml"), rubric).unwrap();
    std::fs::create_dir_all(directory.join("models/tiny")).unwrap();
    for (name, bytes) in checkpoint() {
        std::fs::write(directory.join("models/tiny").join(name), bytes).unwrap();
    }
}

#[test]
fn the_examples_of_every_stage_run() {
    for kind in registry().kinds() {
        let examples = examples(kind.documentation);
        assert!(!examples.is_empty(), "the documentation of `{}` has no example", kind.name);
        for example in examples {
            let place = Place::new();
            prepare(place.path());
            let text = completed(example);
            let results = run(&place, &text);
            assert!(results.iter().any(|(uses, _)| uses == kind.name), "`{}` is not in its example", kind.name);
            let has_rows = |(uses, rows): &(String, u64)| *rows > 0 || uses == "policy";
            assert!(results.iter().all(has_rows), "{results:?}\n{text}");
        }
    }
}

/// Kind and rows of each stage.
fn run(place: &Place, text: &str) -> Vec<(String, u64)> {
    let file = Path::new("example.yaml");
    let origin = Origin::written(file, text.to_owned(), place.path().to_owned());
    let checked = origin.check(&registry()).unwrap_or_else(|error| panic!("{error}"));
    let jobs = checked.jobs().unwrap_or_else(|error| panic!("{error}: {text}"));
    let options = RunOptions::default();
    let report = Engine::new(&place.store, &options).run("example", file, &jobs, &|_| {});
    report.unwrap().stages.into_iter().map(|stage| (stage.uses, stage.rows)).collect()
}
