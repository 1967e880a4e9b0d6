//! What lies under a name outside of the store, and whether it is still that a little later. Links are not followed.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::SystemTime;

/// What was found.
#[derive(Debug)]
pub(super) enum Found {
    Nothing,
    File(Seen),
    /// Wherever it leads.
    Link,
    /// A directory, or what no file is.
    Other,
}

/// A file that was read.
#[derive(Debug)]
pub(super) struct Seen {
    /// blake3 of its contents, in hexadecimal.
    pub(super) digest: String,
    identity: Identity,
}

/// What changes when a file is replaced, or written again.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    bytes: u64,
    modified: Option<SystemTime>,
    /// Device, number, and when the system changed what it knows of the file, which nobody else can set.
    #[cfg(unix)]
    node: (u64, u64, i64, i64),
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;
        Self {
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            node: (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl Found {
    /// Looks, and reads what is a file.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        let metadata = match fs::symlink_metadata(path) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(Self::Nothing);
            }
            metadata => metadata?,
        };
        if metadata.is_symlink() {
            return Ok(Self::Link);
        }
        if !metadata.is_file() {
            return Ok(Self::Other);
        }
        let file = File::open(path)?;
        // Should something have come to lie there since, it is not what is opened, or not what is seen later.
        let identity = Identity::of(&file.metadata()?);
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(file)?;
        Ok(Self::File(Seen { digest: hasher.finalize().to_hex().to_string(), identity }))
    }
}

impl Seen {
    /// Whether the file that was read lies there, as it was when that began.
    pub(super) fn is_still_at(&self, path: &Path) -> bool {
        fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file() && Identity::of(&metadata) == self.identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_again_is_not_what_was_seen() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("one");
        assert!(matches!(Found::at(&path).unwrap(), Found::Nothing));
        assert!(matches!(Found::at(directory.path()).unwrap(), Found::Other));
        let seen = || match Found::at(&path).unwrap() {
            Found::File(seen) => seen,
            other => panic!("{other:?}"),
        };
        fs::write(&path, "one").unwrap();
        let first = seen();
        assert!(first.is_still_at(&path));
        // As long, and at the same time as far as anybody can set it.
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, "two").unwrap();
        File::options().append(true).open(&path).unwrap().set_modified(time).unwrap();
        assert!(!first.is_still_at(&path) && seen().is_still_at(&path) && seen().digest != first.digest);
        fs::remove_file(&path).unwrap();
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("elsewhere", &path).unwrap();
            assert!(matches!(Found::at(&path).unwrap(), Found::Link));
        }
        assert!(!first.is_still_at(&path));
    }
}
