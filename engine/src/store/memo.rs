//! The store's memory for facts about inputs: small files under the digest of what they are asked by, each behind its
//! own digest. Losing one costs time only.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::files::Durability;
use super::root::Store;
use crate::regular_file;
use crate::stage::Memo;

/// A fact that is still asked for is not old: its file's time is renewed if it lies this far back.
const RENEWED_AFTER: Duration = Duration::from_hours(24);

impl Store {
    fn memo_path(&self, key: &str) -> PathBuf {
        self.root().join("memo").join(blake3::hash(key.as_bytes()).to_hex().to_string())
    }
}

impl Memo for Store {
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        let path = self.memo_path(key);
        let bytes = regular_file::read(&path, u64::MAX).ok()?;
        let (digest, value) = bytes.split_first_chunk::<{ blake3::OUT_LEN }>()?;
        if blake3::hash(value) != *digest {
            tracing::warn!(path = %path.display(), "a fact about an input was damaged: it is found anew");
            return None;
        }
        let is_old = |written: SystemTime| written.elapsed().is_ok_and(|age| age > RENEWED_AFTER);
        if fs::metadata(&path).and_then(|file| file.modified()).is_ok_and(is_old)
            && let Ok(file) = fs::File::options().append(true).open(&path)
        {
            // At worst it is found anew later.
            let _ = file.set_modified(SystemTime::now());
        }
        Some(value.to_vec())
    }

    fn put(&self, key: &str, value: &[u8]) {
        let mut bytes = blake3::hash(value).as_bytes().to_vec();
        bytes.extend_from_slice(value);
        if let Err(error) = Durability::Passing.replace(&self.memo_path(key), &bytes) {
            tracing::debug!(%error, "a fact about an input was not remembered");
        }
    }
}
