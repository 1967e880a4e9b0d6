//! The README's first screen keeps its promises. That its commands run, and say what it shows, is tested with those of
//! all documents.

use std::fs;

use serde_json::Value;

use crate::markdown::{Block, blocks, root};

/// The first screen shows a pipeline of at most so many lines.
const PIPELINE_LINES: usize = 25;

fn readme() -> Vec<Block> {
    blocks(&root().join("README.md"))
}

#[test]
fn the_first_blocks_are_the_two_commands_and_what_one_sees() {
    let blocks = readme();
    assert_eq!(blocks[0].text, "cargo run --release -- run pipelines/quickstart.yaml\n");
    assert_eq!(blocks[1].text, "cargo test --workspace\n");
    assert_eq!(blocks[2].info, "console");
    assert!(blocks[2].text.starts_with(&format!("$ {}", blocks[0].text)));
}

#[test]
fn the_pipeline_shown_is_the_one_that_ships() {
    let shown = readme().into_iter().find(|block| block.info == "yaml").unwrap();
    assert_eq!(shown.text, fs::read_to_string(root().join("pipelines/quickstart.yaml")).unwrap());
    assert!(shown.lines.len() <= PIPELINE_LINES);
}

#[test]
fn the_record_shown_is_one_of_those_that_ship() {
    let shown = readme().into_iter().find(|block| block.info == "json").unwrap();
    let shown: Value = serde_json::from_str(&shown.text).unwrap();
    let records = fs::read_to_string(root().join("pipelines/data/chat.jsonl")).unwrap();
    let mut records = records.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    assert!(records.any(|record| record == shown));
}
