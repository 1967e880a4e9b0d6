//! Everything that README and docs tell people to type is typed here, document by document, each in a directory of its
//! own and in the order in which it is read.
//!
//! - A block marked `sh` must succeed. `sh recordings` needs other people's recordings; `sh build` is what `.ci/run`
//!   does anyway, or what only people do.
//! - A block marked `console` is a transcript: each `$ command` must say what stands under it, but for times and names
//!   of runs. `UPDATE=1` writes it anew.
//! - A block marked `yaml` that is a whole pipeline must pass `check`; one that begins with `stages:` must have options
//!   that its stages understand.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;
use serde_yaml::Value;
use sternlight_engine::stage::BuildContext;

use crate::markdown::{Block, blocks, documents, is_update, root};
use crate::sandbox::Sandbox;

/// What differs from run to run.
static PASSING: LazyLock<[(Regex, &str); 3]> = LazyLock::new(|| {
    [
        (Regex::new(r"\b\d+\.\d\d s\b").unwrap(), "0.00 s"),
        (Regex::new(r"\b\d{8}-\d{6}-\w{4}\b").unwrap(), "RUN"),
        (Regex::new(r"\d{4}-\d\d-\d\dT[\d:.]+Z").unwrap(), "TIME"),
    ]
});

fn without_what_passes(text: &str) -> String {
    PASSING.iter().fold(text.to_owned(), |text, (pattern, word)| pattern.replace_all(&text, *word).into_owned())
}

fn must_succeed(sandbox: &Sandbox, block: &Block, document: &Path) {
    let output = sandbox.run(&block.text);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}: {}\n{}\n{said}", block.place(document), output.status, block.text);
}

/// The transcript as it would read now.
fn replayed(sandbox: &Sandbox, transcript: &Block) -> String {
    let home = sandbox.path();
    let mut text = String::new();
    for command in transcript.text.lines().filter_map(|line| line.strip_prefix("$ ")) {
        let said = sandbox.run(command).stdout;
        let said = String::from_utf8(said).unwrap().replace(&*home.to_string_lossy(), "/home/you/sternlight");
        let lines = said.lines().map(|line| format!("{}\n", line.trim_end()));
        text.push_str(&format!("$ {command}\n"));
        text.extend(lines);
    }
    text
}

#[test]
fn every_command_runs_and_says_what_is_documented() {
    let mut stale = Vec::new();
    for document in documents() {
        let sandbox = Sandbox::new();
        let mut changed: Vec<(Block, String)> = Vec::new();
        for block in blocks(&document) {
            match block.info.as_str() {
                "sh" => must_succeed(&sandbox, &block, &document),
                "console" => {
                    let now = replayed(&sandbox, &block);
                    if without_what_passes(&now) != without_what_passes(&block.text) {
                        stale.push(format!("{}\n{now}", block.place(&document)));
                        changed.push((block, now));
                    }
                }
                _ => {}
            }
        }
        if is_update() {
            rewrite(&document, &changed);
        }
    }
    assert!(stale.is_empty() || is_update(), "run with UPDATE=1 to accept\n{}", stale.join("\n"));
}

fn rewrite(document: &Path, changed: &[(Block, String)]) {
    let text = fs::read_to_string(document).unwrap();
    let mut lines: Vec<String> = text.lines().map(|line| format!("{line}\n")).collect();
    for (block, now) in changed.iter().rev() {
        lines.splice(block.lines.clone(), [now.clone()]);
    }
    fs::write(document, lines.concat()).unwrap();
}

#[test]
#[ignore = "needs STERNLIGHT_RECORDINGS"]
fn commands_over_recordings_run() {
    let recordings = PathBuf::from(std::env::var_os("STERNLIGHT_RECORDINGS").unwrap());
    for document in documents() {
        let marked: Vec<Block> = blocks(&document).into_iter().filter(|block| block.info == "sh recordings").collect();
        if marked.is_empty() {
            continue;
        }
        let sandbox = Sandbox::new();
        std::os::unix::fs::symlink(&recordings, sandbox.path().join("recordings")).unwrap();
        marked.iter().for_each(|block| must_succeed(&sandbox, block, &document));
    }
}

#[test]
fn every_shell_block_has_a_known_marker() {
    let known = ["sh", "sh build", "sh recordings", "console"];
    for document in documents() {
        for block in blocks(&document) {
            let is_shell = ["sh", "bash", "shell", "console"].iter().any(|language| block.info.starts_with(language));
            assert!(!is_shell || known.contains(&block.info.as_str()), "{}: {}", block.place(&document), block.info);
        }
    }
}

#[test]
fn every_pipeline_in_documents_is_right() {
    let sandbox = Sandbox::new();
    let home = sandbox.path();
    // The inputs that the examples speak of.
    fs::create_dir_all(home.join("rules")).unwrap();
    fs::write(home.join("rules/desk.yaml"), "off: [loop]\n").unwrap();
    fs::write(home.join("rubrics.yaml"), "'*': [{id: brief, turns: {max: 12}}]\n").unwrap();
    fs::create_dir_all(home.join("models/tiny")).unwrap();
    fs::create_dir_all(home.join("runs")).unwrap();
    fs::copy(root().join("pipelines/data/chat.jsonl"), home.join("runs/a.jsonl")).unwrap();
    for document in documents() {
        for block in blocks(&document).into_iter().filter(|block| block.info == "yaml") {
            let place = block.place(&document);
            let value: Value = serde_yaml::from_str(&block.text).unwrap_or_else(|error| panic!("{place}: {error}"));
            if value.get("version").is_some() {
                let directory = if block.text.contains("data/") { "pipelines" } else { "." };
                fs::write(home.join(directory).join("documented.yaml"), &block.text).unwrap();
                let output = sandbox.run(&format!("sternlight check {directory}/documented.yaml"));
                assert!(output.status.success(), "{place}: {}", String::from_utf8_lossy(&output.stdout));
            } else if let Some(stages) = value.get("stages") {
                options_are_right(stages, &home, &place);
            }
        }
    }
}

/// Builds each stage of a part of a pipeline.
fn options_are_right(stages: &Value, directory: &Path, place: &str) {
    let registry = sternlight_stages::registry();
    for (name, stage) in stages.as_mapping().unwrap_or_else(|| panic!("{place}: `stages` is no map")) {
        let uses =
            stage.get("uses").and_then(Value::as_str).unwrap_or_else(|| panic!("{place}: {name:?} lacks `uses`"));
        let kind = registry.get(uses).unwrap_or_else(|| panic!("{place}: there is no stage `{uses}`"));
        let context = BuildContext::new(directory, directory);
        let with = stage.get("with").cloned().unwrap_or_default();
        if let Err(problems) = kind.build(with, &context) {
            panic!("{place}: {problems:?}");
        }
    }
}

#[test]
fn every_pipeline_that_ships_runs() {
    let sandbox = Sandbox::new();
    for entry in fs::read_dir(root().join("pipelines")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let pipeline: Value = serde_yaml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let asks_for_files =
            pipeline.get("params").and_then(|params| params.get("files")).is_some_and(|files| files.is_null());
        let set = if asks_for_files { "--set params.files=data/service-desk-0.json.zst" } else { "" };
        let name = path.file_name().unwrap().to_string_lossy();
        let output = sandbox.run(&format!("sternlight run pipelines/{name} {set}"));
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stdout));
    }
}
