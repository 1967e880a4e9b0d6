//! What runs reach: the results whose keys they wrote down, the manifests that their events name, and the data of both.

use std::collections::HashSet;
use std::path::Path;

use super::commit::{Commit, directory_in};
use super::error::StoreError;
use super::files::read;
use super::key::KEY_DIGITS;
use super::past_run::{checked_text, keys_of};
use super::run_files::{EVENTS, KEYS};
use super::sealed::SealError;
use crate::place::is_file;

/// Names of what is to be spared.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// Keys, as digits.
    pub(super) keys: HashSet<String>,
    /// What the attempts of runs at work begin with.
    pub(super) at_work: HashSet<String>,
    /// Digests, as digits.
    pub(super) manifests: HashSet<String>,
    /// Directories of data, relative to the store.
    pub(super) data: HashSet<String>,
}

impl Reach {
    /// Adds what a run wrote down. A file that is damaged could name anything, so that nothing may be removed.
    pub(super) fn add_run(&mut self, folder: &Path, is_running: bool) -> Result<(), StoreError> {
        if is_file(&folder.join(KEYS)) {
            for record in keys_of(folder)? {
                if is_running {
                    self.at_work.insert(record.key.as_str()[..KEY_DIGITS].to_owned());
                }
                self.keys.insert(record.key.as_str().to_owned());
            }
        }
        if is_file(&folder.join(EVENTS)) {
            let events = checked_text(folder, EVENTS)?;
            self.manifests.extend(manifests_in(&String::from_utf8_lossy(&events)).map(str::to_owned));
        }
        Ok(())
    }

    /// Adds the data of a commit. One that is damaged keeps nothing: it is made again when it is needed. One in a form of
    /// another version keeps all that it names.
    pub(super) fn add_commit(&mut self, path: &Path) -> Result<(), StoreError> {
        let Some(text) = read(path)? else { return Ok(()) };
        match Commit::read(&text) {
            Ok(commit) => self.data.extend(commit.directories().map(str::to_owned)),
            Err(SealError::UnknownForm(_)) => {
                self.data.extend(data_in(&String::from_utf8_lossy(&text)).map(str::to_owned));
            }
            Err(SealError::Broken(_)) => {}
        }
        Ok(())
    }

    /// Adds the data of a manifest, whatever it is of. One that is not as it was written keeps what it names as well.
    pub(super) fn add_manifest(&mut self, path: &Path) -> Result<(), StoreError> {
        let Some(text) = read(path)? else { return Ok(()) };
        self.data.extend(data_in(&String::from_utf8_lossy(&text)).map(str::to_owned));
        Ok(())
    }
}

/// Digests of the manifests that a text names by their paths, whichever event they stand in.
fn manifests_in(text: &str) -> impl Iterator<Item = &str> {
    const DIGITS: usize = 2 * blake3::OUT_LEN;
    let named = text.split("manifests/").skip(1).filter_map(|rest| rest.get(..DIGITS));
    named.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

/// Directories of attempts that a text names, whatever else it says.
fn data_in(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').filter(|text| text.starts_with("data/")).filter_map(directory_in)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_are_found_wherever_they_are_named() {
        let (first, second) = ("0123456789abcdef".repeat(4), "f".repeat(64));
        let text =
            format!("{{\"dataset\":\"/a/manifests/{first}.json\"}}\n[\"x\",\"manifests/{second}.json\"] manifests/é");
        assert_eq!(manifests_in(&text).collect::<Vec<_>>(), [&first, &second]);
    }

    #[test]
    fn data_is_found_in_a_commit_of_any_form() {
        let text =
            r#"{"new": {"at": "data/ab/abcd-x/rows.parquet", "data/": 1}, "other": ["data/cd/x/a.parquet", "no"]}"#;
        assert_eq!(data_in(text).collect::<Vec<_>>(), ["data/ab/abcd-x", "data/", "data/cd/x"]);
    }
}
