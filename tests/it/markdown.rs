//! The documents that people read, and the fenced blocks in them. Not a Markdown parser: a fence begins its line.

use std::fs;
use std::path::{Path, PathBuf};

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every document, generated ones included, in a fixed order.
pub(crate) fn documents() -> Vec<PathBuf> {
    let markdown = |directory: &str| -> Vec<PathBuf> {
        let entries = fs::read_dir(root().join(directory)).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
    };
    let mut documents = [markdown("."), markdown("docs"), markdown("docs/design"), markdown("docs/stages")].concat();
    documents.sort();
    documents
}

/// A fenced block of a document.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// Lines of the document that lie between the fences, from 0.
    pub(crate) lines: std::ops::Range<usize>,
    /// What stands behind the opening fence: a language and markers.
    pub(crate) info: String,
    pub(crate) text: String,
}

impl Block {
    /// For messages: the file and the line of its opening fence.
    pub(crate) fn place(&self, document: &Path) -> String {
        format!("{}:{}", document.strip_prefix(root()).unwrap_or(document).display(), self.lines.start)
    }
}

/// The blocks of a document, in order.
pub(crate) fn blocks(document: &Path) -> Vec<Block> {
    let text = fs::read_to_string(document).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let mut blocks = Vec::new();
    let mut open: Option<(usize, &str)> = None;
    for (number, line) in lines.iter().enumerate() {
        let Some(info) = line.strip_prefix("```") else { continue };
        open = match open {
            None => Some((number + 1, info)),
            Some((first, info)) => {
                let text = lines[first..number].iter().map(|line| format!("{line}\n")).collect();
                blocks.push(Block { lines: first..number, info: info.trim().to_owned(), text });
                None
            }
        };
    }
    assert!(open.is_none(), "{} has an unclosed fence", document.display());
    blocks
}

/// Whether expected texts are to be written anew instead of compared.
pub(crate) fn is_update() -> bool {
    std::env::var_os("UPDATE").is_some()
}
