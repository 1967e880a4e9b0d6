//! Projects that are built: every kind in every language from `plugin new` to a run, and the examples that are committed,
//! built again. Needs the toolchains that CONTRIBUTING.md names; what is fetched and compiled is kept for the next time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectorySchema};

use super::exported::exported;
use super::harness::{Workplace, exit_code, shipped};

/// A place whose machine code of plugins goes with it: two builds of a plugin in Python differ, and each has 36 MB.
fn place() -> Workplace {
    let place = Workplace::on_disk();
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sternlight/builds");
    fs::create_dir_all(&kept).unwrap();
    fs::create_dir_all(place.path("cache/sternlight")).unwrap();
    std::os::unix::fs::symlink(kept, place.path("cache/sternlight/builds")).unwrap();
    place
}

fn succeeded(output: &Output) -> Vec<u8> {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(exit_code(output), 0, "{said}{}", String::from_utf8_lossy(&output.stdout));
    output.stdout.clone()
}

/// Runs the program in a folder of the place.
fn sternlight(place: &Workplace, folder: &str, arguments: &[&str]) -> Vec<u8> {
    let mut command = place.command(arguments);
    command.current_dir(place.path(folder)).env("XDG_CACHE_HOME", place.path("cache"));
    succeeded(&command.output().unwrap())
}

fn json(text: &[u8]) -> Value {
    serde_json::from_slice(text).unwrap()
}

/// A project's own tests, which know nothing of WebAssembly.
fn test_natively(place: &Workplace, language: &str) {
    let mut command = match language {
        "rust" => {
            let mut command = Command::new("cargo");
            // What the projects have in common is compiled once.
            command.args(["test", "--quiet", "--target-dir"]).arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("native"));
            command
        }
        "python" => {
            let mut command = Command::new("python3");
            command.args(["-m", "unittest"]);
            command
        }
        _ => {
            let mut command = Command::new("npm");
            command.arg("test");
            command
        }
    };
    succeeded(&command.current_dir(place.path("tried")).output().unwrap());
}

/// From nothing to what a stage of a run gave, whose name depends on the kind only: what each episode has at a path.
fn project(language: &str, kind: &str) -> (Workplace, Value) {
    let place = place();
    sternlight(&place, ".", &["plugin", "new", "tried", "--lang", language, "--kind", kind]);
    test_natively(&place, language);
    let built = json(&sternlight(&place, "tried", &["plugin", "build", "--json"]));
    assert_eq!((&built["name"], &built["path"]), (&json!("tried"), &json!("tried.wasm")));
    let world = if language == "rust" && !["relabel", "environment"].contains(&kind) { "batch" } else { kind };
    assert_eq!((&built["world"], &built["imports"]), (&json!(world), &json!([])));
    let inspected = json(&sternlight(&place, "tried", &["plugin", "inspect", "tried.wasm", "--json"]));
    assert_eq!(inspected["sha256"], built["sha256"]);
    (place, inspected)
}

/// What a stage of the project's pipeline gave each of the sample episodes, as `pick` has it: the same in all languages.
fn run(place: &Workplace, stage: &str, pick: impl Fn(&Value) -> Value) -> String {
    sternlight(place, "tried", &["run", "pipeline.yaml"]);
    let sample = place.read("tried/data/trajectories.jsonl");
    let row = |line: &str| {
        let id = json(line.as_bytes())["trajectory_id"].as_str().unwrap().to_owned();
        let row = json(&sternlight(place, "tried", &["show", "last", stage, &id, "--json"]));
        format!("{id}: {}\n", pick(&row))
    };
    sample.lines().map(row).collect()
}

/// One value of each turn.
fn of_turns(row: &Value, column: &str) -> Value {
    row["turns"].as_array().unwrap().iter().map(|turn| turn[column].clone()).collect()
}

fn reward(language: &str) {
    let (place, plugin) = project(language, "reward");
    assert_eq!(plugin["columns"]["adds"], json!([["reward", "float32"]]));
    insta::allow_duplicates! {
        insta::assert_snapshot!(run(&place, "reward", |row| row["reward"].clone()), @"");
    }
}

fn reflect(language: &str) {
    let (place, _) = project(language, "reflect");
    insta::allow_duplicates! {
        insta::assert_snapshot!(run(&place, "reflect", |row| of_turns(row, "diagnosis")), @"");
    }
}

fn advantage(language: &str) {
    let (place, plugin) = project(language, "advantage");
    assert_eq!(plugin["columns"]["scope"], "group");
    insta::allow_duplicates! {
        insta::assert_snapshot!(run(&place, "advantage", |row| of_turns(row, "advantage")), @"");
    }
}

#[test]
#[ignore = "needs the Rust toolchain for WebAssembly"]
fn a_reward_in_rust() {
    reward("rust");
}

#[test]
#[ignore = "needs the Python toolchain for WebAssembly"]
fn a_reward_in_python() {
    reward("python");
}

#[test]
#[ignore = "needs the JavaScript toolchain for WebAssembly"]
fn a_reward_in_javascript() {
    reward("js");
}

#[test]
#[ignore = "needs the Rust toolchain for WebAssembly"]
fn a_reflection_in_rust() {
    reflect("rust");
}

#[test]
#[ignore = "needs the Python toolchain for WebAssembly"]
fn a_reflection_in_python() {
    reflect("python");
}

#[test]
#[ignore = "needs the JavaScript toolchain for WebAssembly"]
fn a_reflection_in_javascript() {
    reflect("js");
}

#[test]
#[ignore = "needs the Rust toolchain for WebAssembly"]
fn an_advantage_in_rust() {
    advantage("rust");
}

#[test]
#[ignore = "needs the Python toolchain for WebAssembly"]
fn an_advantage_in_python() {
    advantage("python");
}

#[test]
#[ignore = "needs the JavaScript toolchain for WebAssembly"]
fn an_advantage_in_javascript() {
    advantage("js");
}

#[test]
#[ignore = "needs the Rust toolchain for WebAssembly"]
fn columns_of_batches_in_rust() {
    let (place, _) = project("rust", "batch");
    let lengths = |row: &Value| json!([row["action_length"], of_turns(row, "action_length")]);
    insta::assert_snapshot!(run(&place, "measure", lengths), @"");
}
