//! What lies in a directory: as one digest of names and of what files hold, and as it looks without reading any file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sternlight_engine::regular_file;

/// A plugin's own data, not a data set: those are read by stages. All of it is read whenever the pipeline is checked.
const FILES: usize = 10_000;
const BYTES: u64 = 1 << 30;

/// What lies in a directory and below, but for stores of sternlight, which change with every run and are no part of what is
/// granted: files by their lengths and times. Two looks that are alike saw the same.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// Paths below the directory, ascending, and what is there.
    entries: Vec<(PathBuf, Entry)>,
}

#[derive(Debug, PartialEq, Eq)]
enum Entry {
    /// What it points to, unread: no plugin follows it out.
    Link(PathBuf),
    Directory,
    File {
        bytes: u64,
        changed: Option<SystemTime>,
    },
}

/// Looks at a directory.
///
/// # Errors
/// If it cannot be read, is too much, or holds something that is neither file, directory nor link.
pub(crate) fn look(directory: &Path) -> Result<Look, String> {
    let mut look = Look { entries: Vec::new() };
    let mut bytes = 0;
    look.add(directory, Path::new(""), &mut bytes)?;
    look.entries.sort_by(|(left, _), (right, _)| left.cmp(right));
    Ok(look)
}

/// The digest of what lies in a directory, and how it looked before any file was read. Times and permissions are no part of
/// the digest.
///
/// # Errors
/// As [`look`], or if a file cannot be read.
pub(crate) fn digest(directory: &Path) -> Result<(String, Look), String> {
    let look = look(directory)?;
    let mut hasher = blake3::Hasher::new();
    for (path, entry) in &look.entries {
        let (kind, contents) = match entry {
            Entry::Link(target) => ("link", target.as_os_str().as_encoded_bytes().to_vec()),
            Entry::Directory => ("directory", Vec::new()),
            Entry::File { .. } => {
                let path = directory.join(path);
                let mut hasher = blake3::Hasher::new();
                regular_file::open(&path)
                    .and_then(|file| hasher.update_reader(file).map(|_| ()))
                    .map_err(|error| unreadable(&path, &error))?;
                ("file", hasher.finalize().as_bytes().to_vec())
            }
        };
        for text in [path.as_os_str().as_encoded_bytes(), kind.as_bytes(), contents.as_slice()] {
            hasher.update(&(text.len() as u64).to_le_bytes()).update(text);
        }
    }
    Ok((hasher.finalize().to_hex().to_string(), look))
}

/// By these files a store is known, without a look into them: what is granted is asked the same by plugins.
pub(crate) const STORE_FILES: [&str; 2] = ["format", ".gitignore"];

/// No version of a store's format takes more.
pub(crate) const FORMAT_BYTES: u64 = 16;

fn is_store(directory: &Path) -> bool {
    let file = |name: &str, bytes: u64| {
        fs::symlink_metadata(directory.join(name)).is_ok_and(|found| found.is_file() && found.len() <= bytes)
    };
    let [format, ignored] = STORE_FILES;
    file(format, FORMAT_BYTES) && file(ignored, u64::MAX)
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    format!("cannot read `{}`: {error}", path.display())
}

impl Look {
    fn add(&mut self, directory: &Path, below: &Path, all_bytes: &mut u64) -> Result<(), String> {
        for entry in fs::read_dir(directory).map_err(|error| unreadable(directory, &error))? {
            let entry = entry.map_err(|error| unreadable(directory, &error))?;
            let (path, below) = (entry.path(), below.join(entry.file_name()));
            let told = |error: io::Error| unreadable(&path, &error);
            let metadata = fs::symlink_metadata(&path).map_err(told)?;
            if metadata.is_dir() && is_store(&path) {
                continue;
            }
            let found = if metadata.is_symlink() {
                Entry::Link(fs::read_link(&path).map_err(told)?)
            } else if metadata.is_dir() {
                self.add(&path, &below, all_bytes)?;
                Entry::Directory
            } else if metadata.is_file() {
                *all_bytes = all_bytes.saturating_add(metadata.len());
                if *all_bytes > BYTES {
                    return Err("it holds more than 1 GiB; grant a smaller directory".to_owned());
                }
                Entry::File { bytes: metadata.len(), changed: metadata.modified().ok() }
            } else {
                return Err(format!("`{}` is neither file, directory nor link", below.display()));
            };
            self.entries.push((below, found));
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
    fn names_and_contents_are_in_the_digest_and_times_are_not() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        let digest = || digest(place.path()).unwrap().0;
        fs::create_dir(path("a")).unwrap();
        fs::write(path("a/one"), "1").unwrap();
        let first = digest();
        fs::write(path("a/one"), "1").unwrap();
        assert_eq!(digest(), first);
        fs::write(path("a/one"), "2").unwrap();
        let second = digest();
        fs::rename(path("a/one"), path("one")).unwrap();
        let third = digest();
        fs::create_dir(path("b")).unwrap();
        let fourth = digest();
        let mut all = vec![first, second, third, fourth];
        all.dedup();
        assert_eq!(all.len(), 4);
    }

    #[test]
    fn a_file_that_was_written_again_looks_other() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("one");
        fs::write(&file, "1").unwrap();
        let (_, first) = digest(place.path()).unwrap();
        assert_eq!(look(place.path()).unwrap(), first);
        let later = SystemTime::now() + std::time::Duration::from_secs(1);
        fs::write(&file, "2").unwrap();
        fs::File::options().write(true).open(&file).unwrap().set_modified(later).unwrap();
        assert_ne!(look(place.path()).unwrap(), first);
    }

    #[test]
    fn a_store_is_no_part_of_what_lies_there() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("one"), "1").unwrap();
        let before = digest(place.path()).unwrap();
        sternlight_engine::store::Store::open(&place.path().join(".sternlight")).unwrap();
        assert_eq!(digest(place.path()).unwrap(), before);
    }

    #[cfg(unix)]
    #[test]
    fn what_can_hang_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let _listener = std::os::unix::net::UnixListener::bind(place.path().join("socket")).unwrap();
        assert_eq!(look(place.path()).unwrap_err(), "`socket` is neither file, directory nor link");
    }
}
