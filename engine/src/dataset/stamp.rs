//! What the file system says about a file that is referred to where it lies, and whether it still says so: what is read of
//! such a file goes under a key that was made of it, so that it must not change between the two.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::shard::{FilePath, Shard};
use crate::stage::StageError;

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
struct Surveyed {
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

    /// Bytes that whoever reads the file may use.
    pub(super) fn memory(&self) -> u64 {
        self.0.as_ref().map_or(u64::MAX, |surveyed| surveyed.memory)
    }
}

impl Surveyed {
    /// The state in which the file is now, if it still is what its key was made of. One that is known by its bytes is read
    /// anew if anything about it has changed.
    fn look(&self, path: &Path) -> Result<FileStamp, StageError> {
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

/// The files outside of the store that a task reads, as they were when it began.
#[derive(Debug, Default)]
pub(crate) struct FilesRead(BTreeMap<PathBuf, FileStamp>);

impl FilesRead {
    /// To be called before anything is read of the shards.
    ///
    /// # Errors
    /// If one of the files is no longer what it was when the run looked at it first.
    pub(crate) fn begin<'a>(shards: impl IntoIterator<Item = &'a Shard>) -> Result<Self, StageError> {
        let mut files = BTreeMap::new();
        for file in shards.into_iter().flat_map(|shard| &shard.files) {
            if let (FilePath::Outside(path), Some(surveyed)) = (&file.path, &file.surveyed.0)
                && !files.contains_key(path)
            {
                files.insert(path.clone(), surveyed.look(path)?);
            }
        }
        Ok(Self(files))
    }

    /// To be called before what was made of them is kept.
    ///
    /// # Errors
    /// If one of the files changed meanwhile.
    pub(crate) fn unchanged(&self) -> Result<(), StageError> {
        self.0.iter().try_for_each(|(path, before)| match stamp(path)? == *before {
            true => Ok(()),
            false => Err(changed_since(path)),
        })
    }
}

fn stamp(path: &Path) -> Result<FileStamp, StageError> {
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
    use crate::dataset::DataFile;

    fn shard(path: &Path, content: Option<String>) -> Shard {
        let file = DataFile {
            path: FilePath::Outside(path.to_owned()),
            first_row_group: 0,
            digests: Default::default(),
            identity: None,
            footer: None,
            rest: None,
            known: None,
            amends: false,
            surveyed: WhileRunning::new(FileStamp::of(path).unwrap(), content, u64::MAX),
        };
        Shard {
            label: String::new(),
            row_groups: vec![1],
            selection: None,
            columns: Default::default(),
            files: vec![file],
        }
    }

    /// Writes a file and gives it the time of modification that it had.
    fn rewrite(path: &Path, bytes: &str) {
        let modified = fs::metadata(path).unwrap().modified().unwrap();
        // Clocks of file systems tick every few milliseconds.
        std::thread::sleep(Duration::from_millis(20));
        fs::write(path, bytes).unwrap();
        let times = FileTimes::new().set_modified(modified);
        File::options().append(true).open(path).unwrap().set_times(times).unwrap();
    }

    #[test]
    fn a_change_is_seen_even_if_time_and_bytes_are_brought_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.parquet");
        fs::write(&path, "one").unwrap();
        let shard = shard(&path, None);
        let read = FilesRead::begin([&shard]).unwrap();
        assert_eq!(read.unchanged(), Ok(()));
        rewrite(&path, "two");
        rewrite(&path, "one");
        insta::assert_snapshot!(
            read.unchanged().unwrap_err().to_string().replace(&directory.path().display().to_string(), "HERE"),
            @"`HERE/x.parquet` was changed since it was imported"
        );
        assert!(FilesRead::begin([&shard]).is_err());
    }

    #[test]
    fn a_file_that_is_known_by_its_bytes_may_be_touched_between_tasks() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.parquet");
        fs::write(&path, "one").unwrap();
        let shard = shard(&path, Some(blake3::hash(b"one").to_hex().to_string()));
        let read = FilesRead::begin([&shard]).unwrap();
        rewrite(&path, "one");
        assert!(read.unchanged().is_err(), "what was read may have been something else");
        let read = FilesRead::begin([&shard]).unwrap();
        assert_eq!(read.unchanged(), Ok(()));
        rewrite(&path, "two");
        assert!(FilesRead::begin([&shard]).is_err());
    }

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
