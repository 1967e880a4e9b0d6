//! The part of a store where rows lie between the steps of a stage. Runs share it, and the last one to end removes it.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::PathBuf;

use super::error::StoreError;
use super::root::Store;
use crate::regular_file;

const DIRECTORY: &str = "exchange";
const LOCK: &str = "exchange.lock";

/// Held by a run while it needs what is exchanged: until it is dropped nobody removes anything.
#[derive(Debug)]
pub struct Exchange {
    store: Store,
    lock: File,
    lock_path: PathBuf,
}

impl Store {
    /// The store's exchange, which nobody removes meanwhile.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn exchange(&self) -> Result<Exchange, StoreError> {
        let lock_path = self.root().join(LOCK);
        let lock = regular_file::check_if_there(&lock_path)
            .and_then(|()| File::options().create(true).append(true).open(&lock_path));
        let lock = lock.map_err(StoreError::file("create", &lock_path))?;
        lock.lock_shared().map_err(StoreError::file("lock", &lock_path))?;
        Ok(Exchange { store: self.passing(self.root().join(DIRECTORY)), lock, lock_path })
    }

    /// Where exchanged rows lie, if no run needs them any more: whoever made them was killed.
    pub(super) fn abandoned_exchange(&self) -> Option<PathBuf> {
        let directory = self.root().join(DIRECTORY);
        let lock = regular_file::open(&self.root().join(LOCK)).ok()?;
        (directory.exists() && lock.try_lock().is_ok()).then_some(directory)
    }

    /// Removes what a run left in the exchange that ended in the middle, unless another run needs it.
    ///
    /// # Errors
    /// If something cannot be removed.
    pub fn clear_exchange(&self) -> Result<(), StoreError> {
        match self.root().join(DIRECTORY).exists() {
            true => self.exchange()?.clear(),
            false => Ok(()),
        }
    }
}

impl Exchange {
    /// Where commits and data of exchange files are kept.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Gives it up, and removes everything unless another run needs it: that one will.
    ///
    /// # Errors
    /// If something cannot be removed.
    pub fn clear(self) -> Result<(), StoreError> {
        // Whoever asks for it between these two lines has it, and clears it later.
        self.lock.unlock().map_err(StoreError::file("unlock", &self.lock_path))?;
        match self.lock.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(StoreError::file("lock", &self.lock_path)(error)),
            Ok(()) => {}
        }
        match fs::remove_dir_all(self.store.root()) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(StoreError::file("remove", self.store.root())(error))
            }
            _ => Ok(()),
        }
    }
}
