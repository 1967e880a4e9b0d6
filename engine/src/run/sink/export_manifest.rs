//! `_manifest.json` of an exported directory: lists the files with lengths and digests, for other programs and for other
//! stores.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::artifact::EXPORT_MANIFEST;
use crate::place;
use crate::stage::ExportedFile;

/// Its name.
pub(super) const MANIFEST: &str = EXPORT_MANIFEST;

/// What it calls itself.
const FORMAT: &str = "sternlight export 1";

/// No list of files is longer.
const BYTES: u64 = 256 << 20;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    format: String,
    rows: u64,
    /// Of so many groups of each source, the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sample: Option<u64>,
    files: BTreeMap<String, Entry>,
    /// Of all that stands before it, in hexadecimal: a list that somebody edited is theirs. Earlier versions had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    blake3: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    bytes: u64,
    blake3: String,
}

impl Manifest {
    pub(super) fn new<'a>(
        rows: u64,
        sample: Option<u64>,
        files: impl Iterator<Item = (&'a String, &'a ExportedFile)>,
    ) -> serde_json::Result<Self> {
        let entry = |file: &ExportedFile| Entry { bytes: file.bytes, blake3: file.digest.clone() };
        let files = files.map(|(name, file)| (name.clone(), entry(file))).collect();
        let mut manifest = Self { format: FORMAT.to_owned(), rows, sample, files, blake3: None };
        manifest.blake3 = Some(manifest.digest()?);
        Ok(manifest)
    }

    /// Of all but the digest, which must not be there.
    fn digest(&self) -> serde_json::Result<String> {
        Ok(blake3::hash(&serde_json::to_vec(self)?).to_hex().to_string())
    }

    /// The manifest in a directory, as sternlight writes it to the byte; `None` if there is none, or something else.
    pub(super) fn at(directory: &Path) -> Option<Self> {
        let path = directory.join(MANIFEST);
        if !place::is_file(&path) || fs::metadata(&path).ok()?.len() > BYTES {
            return None;
        }
        let text = fs::read_to_string(path).ok()?;
        let mut found: Self = serde_json::from_str(&text).ok()?;
        let is_as_written = found.format == FORMAT && found.text().is_ok_and(|written| written == text);
        let digest = found.blake3.take();
        let is_whole = digest.is_none_or(|digest| found.digest().is_ok_and(|whole| whole == digest));
        (is_as_written && is_whole).then_some(found)
    }

    pub(super) fn text(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Whether it lists a file of this name and digest.
    pub(super) fn lists(&self, name: &str, digest: &str) -> bool {
        self.files.get(name).is_some_and(|entry| entry.blake3 == digest)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }
}
