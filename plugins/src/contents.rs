//! What lies in a directory, as one digest: names, and what files hold. Times and permissions are no part of it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// A plugin's own data, not a data set: those are read by stages. All of it is read whenever the pipeline is checked.
const FILES: usize = 10_000;
const BYTES: u64 = 1 << 30;

/// The digest of what lies in a directory and below. Links are what they point to, unread: no plugin follows them out.
///
/// # Errors
/// If it cannot be read, is too much, or holds something that is neither file, directory nor link.
pub(crate) fn digest(directory: &Path) -> Result<String, String> {
    let mut found = Found::default();
    found.look(directory, Path::new(""))?;
    found.entries.sort();
    let mut hasher = blake3::Hasher::new();
    for (path, kind, contents) in &found.entries {
        for text in [path.as_os_str().as_encoded_bytes(), kind.as_bytes(), contents.as_slice()] {
            hasher.update(&(text.len() as u64).to_le_bytes()).update(text);
        }
    }
    Ok(hasher.finalize().to_hex().to_string())
}

#[derive(Default)]
struct Found {
    /// Path below the directory, what it is, digest of its contents.
    entries: Vec<(PathBuf, &'static str, Vec<u8>)>,
    bytes: u64,
}

impl Found {
    fn look(&mut self, directory: &Path, below: &Path) -> Result<(), String> {
        let told = |path: &Path, error: io::Error| format!("cannot read `{}`: {error}", path.display());
        for entry in fs::read_dir(directory).map_err(|error| told(directory, error))? {
            let entry = entry.map_err(|error| told(directory, error))?;
            let (path, below) = (entry.path(), below.join(entry.file_name()));
            let metadata = fs::symlink_metadata(&path).map_err(|error| told(&path, error))?;
            let (kind, contents) = if metadata.is_symlink() {
                let target = fs::read_link(&path).map_err(|error| told(&path, error))?;
                ("link", target.as_os_str().as_encoded_bytes().to_vec())
            } else if metadata.is_dir() {
                self.look(&path, &below)?;
                ("directory", Vec::new())
            } else if metadata.is_file() {
                self.bytes = self.bytes.saturating_add(metadata.len());
                if self.bytes > BYTES {
                    return Err("it holds more than 1 GiB; grant a smaller directory".to_owned());
                }
                let mut hasher = blake3::Hasher::new();
                File::open(&path)
                    .and_then(|file| hasher.update_reader(file).map(|_| ()))
                    .map_err(|error| told(&path, error))?;
                ("file", hasher.finalize().as_bytes().to_vec())
            } else {
                return Err(format!("`{}` is neither file, directory nor link", below.display()));
            };
            self.entries.push((below, kind, contents));
            if self.entries.len() > FILES {
                return Err(format!("it holds more than {FILES} files; grant a smaller directory"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_contents_are_in_it_and_times_are_not() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        fs::create_dir(path("a")).unwrap();
        fs::write(path("a/one"), "1").unwrap();
        let first = digest(place.path()).unwrap();
        fs::write(path("a/one"), "1").unwrap();
        assert_eq!(digest(place.path()).unwrap(), first);
        fs::write(path("a/one"), "2").unwrap();
        let second = digest(place.path()).unwrap();
        fs::rename(path("a/one"), path("one")).unwrap();
        let third = digest(place.path()).unwrap();
        fs::create_dir(path("b")).unwrap();
        let fourth = digest(place.path()).unwrap();
        let mut all = vec![first, second, third, fourth];
        all.dedup();
        assert_eq!(all.len(), 4);
    }

    #[cfg(unix)]
    #[test]
    fn what_can_hang_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let _listener = std::os::unix::net::UnixListener::bind(place.path().join("socket")).unwrap();
        assert_eq!(digest(place.path()).unwrap_err(), "`socket` is neither file, directory nor link");
    }
}
