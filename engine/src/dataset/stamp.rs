//! What the file system says about a file that is referred to where it lies, and whether it still says so: what is read of
//! such a file goes under a key that was made of it, so that it must not change between the two.

use std::fs::Metadata;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::error::StageError;

/// A file that was changed less than this long ago may be written to again without its times changing.
const SETTLING_TIME: Duration = Duration::from_secs(2);

/// The state of a file. Where the system tells when a file was last changed in any way (its times among them), that is part
/// of it: a time of modification can be set to anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileStamp {
    /// Length in bytes.
    pub bytes: u64,
    /// Time of the last modification, in nanoseconds since 1970.
    pub modified_ns: u64,
    /// Time of the last change, and which file it is.
    changed: (i64, i64, u64, u64),
}

impl FileStamp {
    /// The state of the file at a path now.
    ///
    /// # Errors
    /// If it cannot be asked for.
    pub fn of(path: &Path) -> io::Result<Self> {
        let metadata = std::fs::metadata(path)?;
        let modified = metadata.modified()?.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let modified_ns = u64::try_from(modified.as_nanos()).unwrap_or(u64::MAX);
        Ok(Self { bytes: metadata.len(), modified_ns, changed: changed(&metadata) })
    }

    /// Whether it tells that the contents are those of any other time at which it was the same: nothing was written just
    /// now. A time that is to come tells nothing.
    pub fn is_settled(&self) -> bool {
        let (seconds, nanoseconds, ..) = self.changed;
        let changed = Duration::new(u64::try_from(seconds).unwrap_or(0), u32::try_from(nanoseconds).unwrap_or(0));
        [Duration::from_nanos(self.modified_ns), changed].into_iter().all(|time| {
            let time = SystemTime::UNIX_EPOCH + time;
            SystemTime::now().duration_since(time).is_ok_and(|age| age >= SETTLING_TIME)
        })
    }
}

#[cfg(unix)]
fn changed(metadata: &Metadata) -> (i64, i64, u64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.ctime(), metadata.ctime_nsec(), metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn changed(_: &Metadata) -> (i64, i64, u64, u64) {
    (0, 0, 0, 0)
}

/// Size and time of a file that is known by them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownState {
    /// Length in bytes.
    pub bytes: u64,
    /// Time of the last modification, in nanoseconds since 1970.
    pub modified_ns: u64,
}

impl KnownState {
    pub(super) fn is_of(&self, stamp: &FileStamp) -> bool {
        (self.bytes, self.modified_ns) == (stamp.bytes, stamp.modified_ns)
    }
}

/// What a run knows of a file from the time at which the file's key was made.
#[derive(Debug)]
pub(super) struct Surveyed {
    stamp: Mutex<FileStamp>,
    /// The digest of all its bytes, if it is known by that.
    content: Option<String>,
    /// Bytes that the run may use.
    memory: u64,
}

/// What a run knows of a file, if it has looked at it: with the file's description while the run goes on, and no part of
/// what the file is.
#[derive(Clone, Debug, Default)]
pub(crate) struct WhileRunning(Option<Arc<Surveyed>>);

impl PartialEq for WhileRunning {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for WhileRunning {}

impl WhileRunning {
    pub(crate) fn new(stamp: FileStamp, content: Option<String>, memory: u64) -> Self {
        Self(Some(Arc::new(Surveyed { stamp: Mutex::new(stamp), content, memory })))
    }

    /// What the run knows of it, if anything.
    pub(super) fn known(&self) -> Option<&Surveyed> {
        self.0.as_deref()
    }

    /// Bytes that whoever reads the file may use.
    pub(super) fn memory(&self) -> u64 {
        self.0.as_ref().map_or(u64::MAX, |surveyed| surveyed.memory)
    }
}

impl Surveyed {
    /// The state in which the file is now, if it still is what its key was made of. One that is known by its bytes is read
    /// anew if anything about it has changed.
    pub(super) fn look(&self, path: &Path) -> Result<FileStamp, StageError> {
        let now = stamp(path)?;
        // Held while the file is read: the others wait for what comes of it.
        let mut known = self.stamp.lock().unwrap_or_else(PoisonError::into_inner);
        if *known == now {
            return Ok(now);
        }
        match &self.content {
            Some(content) if content_digest(path)? == *content => {
                known.clone_from(&now);
                Ok(now)
            }
            _ => Err(changed_since(path)),
        }
    }
}

/// The state of a file now.
pub(super) fn stamp(path: &Path) -> Result<FileStamp, StageError> {
    FileStamp::of(path).map_err(|error| StageError::file("read", path, &error))
}

fn content_digest(path: &Path) -> Result<String, StageError> {
    let digest = || -> io::Result<String> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(std::fs::File::open(path)?)?;
        Ok(hasher.finalize().to_hex().to_string())
    };
    digest().map_err(|error| StageError::file("read", path, &error))
}

/// A file that is referred to where it lies, and is not what its key was made of.
pub(crate) fn changed_since(path: &Path) -> StageError {
    StageError::new(format!("`{}` was changed since it was imported", path.display()))
        .help("run the pipeline again: it imports the file as it is now")
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File, FileTimes};

    use super::*;

    #[test]
    fn what_was_written_just_now_is_not_settled() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        fs::write(&path, "x").unwrap();
        let old = FileTimes::new().set_modified(SystemTime::now() - Duration::from_secs(60));
        File::options().append(true).open(&path).unwrap().set_times(old).unwrap();
        assert!(!FileStamp::of(&path).unwrap().is_settled());
    }
}
