//! Policies: directories in the layout of Hugging Face checkpoints. The engine knows their files and digests, and tells
//! people the facts that whoever made one gives; what the files mean is the business of stages.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::dataset::{FilePath, FileStamp, path_in};
use crate::error::StageError;
use crate::regular_file;
use crate::store::forget_damaged;

/// What an export writes beside the files of a policy: no part of it when it comes back.
pub(crate) const EXPORT_MANIFEST: &str = "_manifest.json";

/// A policy that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The store that a relative place begins at.
    #[serde(skip)]
    pub root: PathBuf,
    /// Its directory.
    pub place: FilePath,
    /// Its files, by their names.
    pub files: Vec<PolicyFile>,
    /// What is known of it.
    pub facts: PolicyFacts,
}

/// A file of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyFile {
    /// Its name in the directory.
    pub name: String,
    /// Length in bytes.
    pub bytes: u64,
    /// blake3 of the contents, in hexadecimal.
    pub digest: String,
    /// Of a file outside of the store, the time of its last change when it was digested, in nanoseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_ns: Option<u64>,
}

/// What is known of a policy, for people and for those who check whether two fit each other. What is not known is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyFacts {
    /// Its architecture, as its configuration names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// Numbers that training may change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<u64>,
    /// Tokens that it can say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vocabulary: Option<u64>,
    /// Positions that it can look back over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<u64>,
    /// The type of its weights, as safetensors spells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// The kind of its tokenizer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokenizer: Option<String>,
}

impl Policy {
    /// Describes the regular files of a directory, which hold the policy. Names that begin with a point, and directories,
    /// are no part of it. `digest` tells what is in a file of this state: [`Self::digest_of`], or what is remembered of it.
    ///
    /// # Errors
    /// If something cannot be read, or there is no file.
    pub fn of_directory(
        directory: &Path,
        place: FilePath,
        facts: PolicyFacts,
        digest: &dyn Fn(&Path, &FileStamp) -> Result<String, StageError>,
    ) -> Result<Self, StageError> {
        let unreadable = |error: std::io::Error| StageError::file("read", directory, &error);
        let mut files = Vec::new();
        for entry in fs::read_dir(directory).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if name.starts_with('.') || name == EXPORT_MANIFEST || path.is_dir() {
                continue;
            }
            let is_outside = matches!(place, FilePath::Outside(_));
            let stamp = FileStamp::of(&path).map_err(|error| StageError::file("read", &path, &error))?;
            let digest = digest(&path, &stamp)?;
            files.push(PolicyFile {
                name,
                bytes: stamp.bytes,
                digest,
                modified_ns: is_outside.then_some(stamp.modified_ns),
            });
        }
        if files.is_empty() {
            return Err(StageError::new(format!("the policy `{}` has no files", directory.display())));
        }
        files.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(Self { root: PathBuf::new(), place, files, facts })
    }

    /// blake3 of the contents of a file, in hexadecimal.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn digest_of(path: &Path) -> Result<String, StageError> {
        let unreadable = |error: std::io::Error| StageError::file("read", path, &error);
        let file = regular_file::open(path).map_err(unreadable)?;
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(file).map_err(unreadable)?;
        Ok(hasher.finalize().to_hex().to_string())
    }

    /// The same, in this store.
    #[must_use]
    pub(crate) fn in_store(self, root: &Path) -> Self {
        Self { root: root.to_owned(), ..self }
    }

    /// Where its files lie.
    pub fn directory(&self) -> PathBuf {
        path_in(&self.root, &self.place)
    }

    /// Tells one policy from another, wherever it lies: blake3 over the names, lengths and digests of its files.
    pub fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for file in &self.files {
            hasher.update(&(file.name.len() as u64).to_le_bytes());
            hasher.update(file.name.as_bytes());
            hasher.update(&file.bytes.to_le_bytes());
            hasher.update(file.digest.as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }

    /// Whether its files were removed from the store because nobody needed them any more.
    pub fn is_released(&self) -> bool {
        is_released(&self.directory())
    }

    /// Bytes of all its files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Whether files outside of the store still are as they were. One that was touched since is read again.
    ///
    /// # Errors
    /// The first that is not.
    pub fn unchanged(&self) -> Result<(), StageError> {
        for file in self.files.iter().filter(|file| file.modified_ns.is_some()) {
            let path = self.directory().join(&file.name);
            let same = match FileStamp::of(&path) {
                Ok(stamp) if stamp.bytes != file.bytes => false,
                Ok(stamp) => Some(stamp.modified_ns) == file.modified_ns || Self::digest_of(&path)? == file.digest,
                Err(error) if error.kind() == ErrorKind::NotFound => false,
                Err(error) => return Err(StageError::file("read", &path, &error)),
            };
            if !same {
                let message = format!("`{}` was changed since the policy was looked at", path.display());
                return Err(StageError::new(message).help("run again: what is computed from it is computed anew"));
            }
        }
        Ok(())
    }

    /// What is not as it was written, of every byte of every file; the bytes that were read.
    pub(crate) fn check(&self) -> (u64, Vec<String>) {
        let (mut bytes, mut damage) = (0, Vec::new());
        for file in self.files.iter().filter(|_| !self.is_released()) {
            let path = self.directory().join(&file.name);
            match Self::digest_of(&path) {
                Ok(digest) if digest == file.digest => bytes += file.bytes,
                Ok(_) => damage.push(format!("`{}` is not as it was written", path.display())),
                Err(error) => damage.push(error.to_string()),
            }
        }
        if let (false, FilePath::Store(relative)) = (damage.is_empty(), &self.place) {
            // So that the next run makes it again.
            forget_damaged(&self.root, &format!("{relative}/"));
        }
        (bytes, damage)
    }

    /// Whether all files are there, as long as they should be; or none, on purpose.
    pub(crate) fn is_there(&self, root: &Path) -> bool {
        let directory = path_in(root, &self.place);
        let has_length =
            |file: &PolicyFile| fs::metadata(directory.join(&file.name)).is_ok_and(|found| found.len() == file.bytes);
        is_released(&directory) || self.files.iter().all(has_length)
    }

    /// What cannot be, if anything: what describes it may have been damaged.
    pub(crate) fn fault(&self) -> Option<String> {
        let is_name = |name: &str| !name.is_empty() && !name.contains(['/', '\\']) && !name.starts_with('.');
        let stray = self.files.iter().find(|file| !is_name(&file.name));
        stray.map(|file| format!("`{}` is no file of a policy", file.name)).or_else(|| self.place.fault())
    }
}

/// What lies beside the directory of a policy whose files are gone on purpose.
pub(crate) fn release_mark(directory: &Path) -> PathBuf {
    let name = directory.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    directory.with_file_name(format!("{name}.released"))
}

/// Whether what lay at a place was released.
pub(crate) fn is_released(directory: &Path) -> bool {
    release_mark(directory).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(directory: &Path) -> Policy {
        let place = FilePath::Outside(directory.to_owned());
        let digest = |path: &Path, _: &FileStamp| Policy::digest_of(path);
        Policy::of_directory(directory, place, PolicyFacts::default(), &digest).unwrap()
    }

    #[test]
    fn its_digest_is_that_of_its_files_wherever_they_lie() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for directory in [&one, &other] {
            fs::write(directory.path().join("config.json"), "{}").unwrap();
            fs::write(directory.path().join("model.safetensors"), "weights").unwrap();
            fs::create_dir(directory.path().join("logs")).unwrap();
            fs::write(directory.path().join(".git"), "").unwrap();
        }
        assert_eq!(policy(one.path()).digest(), policy(other.path()).digest());
        let names: Vec<String> = policy(one.path()).files.into_iter().map(|file| file.name).collect();
        assert_eq!(names, ["config.json", "model.safetensors"]);
        fs::write(other.path().join("model.safetensors"), "weighty").unwrap();
        assert_ne!(policy(one.path()).digest(), policy(other.path()).digest());
        // A name and its contents are not one text.
        fs::rename(other.path().join("config.json"), other.path().join("config.jso")).unwrap();
        assert_ne!(policy(one.path()).digest(), policy(other.path()).digest());
    }

    #[test]
    fn a_file_that_changes_is_seen() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("model.safetensors");
        fs::write(&path, "weights").unwrap();
        let policy = policy(directory.path());
        assert_eq!((policy.unchanged(), policy.check()), (Ok(()), (7, Vec::new())));
        fs::write(&path, "weights!").unwrap();
        assert!(policy.unchanged().unwrap_err().message.contains("was changed since the policy was looked at"));
        assert!(policy.check().1.concat().contains("is not as it was written"));
    }

    #[test]
    fn names_that_lead_elsewhere_are_a_fault() {
        let file = |name: &str| PolicyFile { name: name.into(), bytes: 0, digest: String::new(), modified_ns: None };
        let of = |name: &str, place: &str| Policy {
            root: PathBuf::new(),
            place: FilePath::Store(place.into()),
            files: vec![file(name)],
            facts: PolicyFacts::default(),
        };
        assert!(of("config.json", "data/ab/x/policy").fault().is_none());
        assert!(of("../config.json", "data/ab/x/policy").fault().is_some());
        assert!(of("config.json", "../elsewhere").fault().is_some());
    }
}
