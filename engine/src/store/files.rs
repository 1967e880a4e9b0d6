//! Small files of a store: written whole under a name of their own, then put in place.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use super::error::StoreError;

/// Begins the names of files that are being written.
pub(super) const TEMPORARY: &str = ".tmp";

/// The bytes of a file; `None` if it is not there.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        read => read.map(Some).map_err(StoreError::file("read", path)),
    }
}

/// Removes a file; whether it was there.
pub(super) fn remove(path: &Path) -> Result<bool, StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        removed => removed.map(|()| true).map_err(StoreError::file("remove", path)),
    }
}

/// Writes what a file is to hold.
pub(super) type WriteFile<'a> = dyn Fn(&mut dyn Write) -> io::Result<()> + 'a;

/// What files have to outlive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// A power cut: they are forced to disk.
    Lasting,
    /// The processes that use them.
    Passing,
}

impl Durability {
    /// Whether the file is now ours; false if somebody had put one there before.
    pub(super) fn put_if_absent(self, path: &Path, bytes: &[u8]) -> Result<bool, StoreError> {
        self.put_if_absent_with(path, &|file| file.write_all(bytes))
    }

    /// The same, of what `write` writes.
    pub(super) fn put_if_absent_with(self, path: &Path, write: &WriteFile<'_>) -> Result<bool, StoreError> {
        if path.exists() {
            return Ok(false);
        }
        match self.temporary(path, write)?.persist_noclobber(path) {
            Ok(_) => {
                self.sync_directory(directory_of(path))?;
                Ok(true)
            }
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(StoreError::file("write", path)(error.error)),
        }
    }

    /// Puts a file in the place of another, if there is one.
    pub(super) fn replace(self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        self.replace_with(path, &|file| file.write_all(bytes))
    }

    /// The same, of what `write` writes.
    pub(super) fn replace_with(self, path: &Path, write: &WriteFile<'_>) -> Result<(), StoreError> {
        let written = self.temporary(path, write)?.persist(path);
        written.map(drop).map_err(|error| StoreError::file("write", path)(error.error))
    }

    /// Makes new names in a directory outlive what they have to.
    pub(super) fn sync_directory(self, directory: &Path) -> Result<(), StoreError> {
        let sync = || fs::File::open(directory)?.sync_all();
        match self {
            Self::Lasting => sync().map_err(StoreError::file("write", directory)),
            Self::Passing => Ok(()),
        }
    }

    fn temporary(self, path: &Path, write: &WriteFile<'_>) -> Result<tempfile::NamedTempFile, StoreError> {
        let parent = directory_of(path);
        fs::create_dir_all(parent).map_err(StoreError::file("create", parent))?;
        let file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(parent);
        let mut file = file.map_err(StoreError::file("write in", parent))?;
        write(&mut file).map_err(StoreError::file("write", path))?;
        if self == Self::Lasting {
            file.as_file().sync_all().map_err(StoreError::file("write", path))?;
        }
        Ok(file)
    }
}

fn directory_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}
