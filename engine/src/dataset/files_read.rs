//! Whether the files outside of the store that a task reads stay what they were while it does.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::shard::{FilePath, Shard};
use super::stamp::{FileStamp, changed_since, stamp};
use crate::error::StageError;

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
            if let (FilePath::Outside(path), Some(surveyed)) = (&file.path, file.surveyed.known())
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

#[cfg(test)]
mod tests {
    use std::fs::{self, File, FileTimes};
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::dataset::{DataFile, WhileRunning};

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
}
