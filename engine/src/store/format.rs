//! Whether a directory is a store, and of which version: the file `format` says so.

use std::fs;
use std::path::Path;

use super::error::StoreError;
use super::files::{TEMPORARY, read};
use crate::place::{is_directory, is_file, is_link};

/// Version of the directory's layout.
const FORMAT: u32 = 1;

/// The file that says so.
const FILE: &str = "format";

/// What lies in a store, of which links are refused.
const DIRECTORIES: [&str; 8] = ["commits", "data", "exchange", "exports", "manifests", "memo", "numbers", "runs"];

/// The file's text.
pub(super) fn text() -> String {
    FORMAT.to_string()
}

/// What a directory is, as far as stores are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// There is a store.
    Begun,
    /// Nothing is there but what another process has just begun, or did not get further than.
    Empty,
}

/// What a directory is. Somebody's own files are neither hidden from git nor mixed with ours.
pub(super) fn state(root: &Path) -> Result<State, StoreError> {
    let is_begun = || fs::symlink_metadata(root.join(FILE)).is_ok();
    if is_begun() {
        return Ok(State::Begun);
    }
    let is_ours = |name: &str| name == ".gitignore" || name.starts_with(TEMPORARY);
    let entries = fs::read_dir(root).map_err(StoreError::file("open the store", root))?;
    let names = entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()));
    let others: Vec<String> = names.filter(|name| !is_ours(name)).collect();
    match others.is_empty() {
        true => Ok(State::Empty),
        // By another process, while the names were read: the file is there before anything else.
        false if is_begun() => Ok(State::Begun),
        false if has_contents(root) => Err(damaged(root, "nothing: it is gone".to_owned())),
        false => Err(StoreError::Occupied { path: root.to_owned() }),
    }
}

/// Checks that the store at a directory is of this version, and leads nowhere out of itself.
pub(super) fn check(root: &Path) -> Result<(), StoreError> {
    let file = root.join(FILE);
    if !is_link(&file) && !is_file(&file) {
        return Err(damaged(root, "nothing: it is no file".to_owned()));
    }
    let found = read(&file)?.unwrap_or_default();
    let found = String::from_utf8_lossy(&found);
    match found.trim().parse::<u32>() {
        Ok(FORMAT) => {}
        Ok(other) => {
            return Err(StoreError::Format { path: root.to_owned(), found: other.to_string(), expected: FORMAT });
        }
        Err(_) if found.trim().is_empty() => return Err(damaged(root, "nothing".to_owned())),
        Err(_) => return Err(damaged(root, format!("`{}`", found.trim().escape_debug().take(40).collect::<String>()))),
    }
    match DIRECTORIES.map(|name| root.join(name)).into_iter().find(|directory| is_link(directory)) {
        Some(path) => Err(StoreError::Link { path }),
        None => Ok(()),
    }
}

fn damaged(root: &Path, found: String) -> StoreError {
    StoreError::FormatFile { path: root.join(FILE), found, expected: FORMAT }
}

/// Whether there are the directories that every store has once something ran.
fn has_contents(root: &Path) -> bool {
    ["runs", "commits"].iter().all(|name| is_directory(&root.join(name))) && is_file(&root.join(".gitignore"))
}

/// Whether a directory looks like a store, of whichever version: nothing of anybody else's is to be written there.
pub(crate) fn looks_like_store(directory: &Path) -> bool {
    /// No version's number is longer.
    const BYTES: u64 = 16;
    let file = directory.join(FILE);
    let is_short = || fs::metadata(&file).is_ok_and(|file| file.len() <= BYTES);
    let is_number = |text: String| text.trim().parse::<u32>().is_ok();
    (is_file(&file) && is_short() && fs::read_to_string(&file).is_ok_and(is_number)) || has_contents(directory)
}
