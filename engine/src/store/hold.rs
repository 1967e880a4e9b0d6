//! One lock for the whole store, between runs and whoever cleans up. A run holds it, shared, for the moments in which it
//! relies on something that is not yet written down as its own; cleaning up takes it alone while it decides and while
//! it removes what others could find.

use std::fs::File;
use std::io::ErrorKind;

use super::error::StoreError;
use super::root::Store;
use crate::regular_file;

/// While it lives, nothing is removed from the store.
#[derive(Debug)]
pub struct Hold {
    /// `None` where the file system has no locks: cleaning up refuses to work there.
    _lock: Option<File>,
}

impl Store {
    /// Keeps cleaning up waiting while the result lives. To be held from looking for a result until it is written
    /// down that this run uses it.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn hold(&self) -> Result<Hold, StoreError> {
        let (path, file) = self.lock_file()?;
        match file.lock_shared() {
            Ok(()) => Ok(Hold { _lock: Some(file) }),
            Err(error) if error.kind() == ErrorKind::Unsupported => Ok(Hold { _lock: None }),
            Err(error) => Err(StoreError::file("lock", &path)(error)),
        }
    }

    /// Waits until nobody holds the store, and lets nobody hold it while the result lives.
    pub(super) fn hold_alone(&self) -> Result<Hold, StoreError> {
        let (path, file) = self.lock_file()?;
        file.lock().map_err(StoreError::file("lock", &path))?;
        Ok(Hold { _lock: Some(file) })
    }

    fn lock_file(&self) -> Result<(std::path::PathBuf, File), StoreError> {
        let path = self.root().join("lock");
        let file =
            regular_file::check_if_there(&path).and_then(|()| File::options().create(true).append(true).open(&path));
        Ok((path.clone(), file.map_err(StoreError::file("open", &path))?))
    }
}
