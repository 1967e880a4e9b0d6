//! Small files of a store: written whole under a name of their own, then put in place. Nothing that is a link is taken for
//! one: a store that somebody else can write to must not lead out of itself.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Write};
use std::path::Path;

use super::error::StoreError;
use crate::{place, regular_file};

/// Begins the names of files that are being written.
pub(super) const TEMPORARY: &str = ".tmp";

/// Whatever a temporary file or directory of a builder is called, others may do with it what the user lets them, as with any
/// file: a store may be shared.
pub(crate) fn as_others_may<'a, 'b, 'c>(
    builder: &'c mut tempfile::Builder<'a, 'b>,
    is_directory: bool,
) -> &'c mut tempfile::Builder<'a, 'b> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // The system takes away what the user's mask takes away.
        builder.permissions(fs::Permissions::from_mode(if is_directory { 0o777 } else { 0o666 }));
    }
    #[cfg(not(unix))]
    let _ = is_directory;
    builder
}

/// The bytes of a file; `None` if it is not there.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let mut bytes = Vec::new();
    match open(path) {
        Err(StoreError::File { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
        file => {
            file?.read_to_end(&mut bytes).map_err(StoreError::file("read", path))?;
            Ok(Some(bytes))
        }
    }
}

/// Opens a file of a store to be read.
pub(super) fn open(path: &Path) -> Result<File, StoreError> {
    refuse_strangers(path)?;
    regular_file::open(path).map_err(StoreError::file("read", path))
}

/// Opens a file to be held, not to be read: it is made if need be.
pub(super) fn hold_file(path: &Path) -> Result<File, StoreError> {
    refuse_strangers(path)?;
    let file = File::options().create(true).append(true).open(path);
    file.map_err(StoreError::file("open", path))
}

/// What lies under the name of a file of a store must be a file, or nothing, in a directory that is one.
fn refuse_strangers(path: &Path) -> Result<(), StoreError> {
    refuse_link(directory_of(path))?;
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => Err(StoreError::Link { path: path.to_owned() }),
        Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => {
            Err(StoreError::damaged(path, "it is no file, as files of a store are"))
        }
        _ => Ok(()),
    }
}

/// Makes a directory of a store, which begins at a root, and those above it.
pub(super) fn create_directory(root: &Path, path: &Path) -> Result<(), StoreError> {
    if place::is_linked(root, path) {
        return Err(StoreError::Link { path: path.to_owned() });
    }
    fs::create_dir_all(path).map_err(StoreError::file("create", path))
}

/// Removes a file; whether it was there.
pub(super) fn remove(path: &Path) -> Result<bool, StoreError> {
    refuse_link(directory_of(path))?;
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
        if fs::symlink_metadata(path).is_ok() {
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
        refuse_link(parent)?;
        fs::create_dir_all(parent).map_err(StoreError::file("create", parent))?;
        let file = as_others_may(tempfile::Builder::new().prefix(TEMPORARY), false).tempfile_in(parent);
        let mut file = file.map_err(StoreError::file("write in", parent))?;
        write(&mut file).map_err(StoreError::file("write", path))?;
        if self == Self::Lasting {
            file.as_file().sync_all().map_err(StoreError::file("write", path))?;
        }
        Ok(file)
    }
}

/// Forces the files of a directory to disk, and then the directory itself.
///
/// # Errors
/// If one cannot be.
pub(crate) fn sync_files(directory: &Path) -> Result<(), StoreError> {
    for entry in fs::read_dir(directory).map_err(StoreError::file("read", directory))? {
        let path = entry.map_err(StoreError::file("read", directory))?.path();
        if place::is_file(&path) {
            fs::File::open(&path).and_then(|file| file.sync_all()).map_err(StoreError::file("write", &path))?;
        }
    }
    Durability::Lasting.sync_directory(directory)
}

fn refuse_link(directory: &Path) -> Result<(), StoreError> {
    match place::is_link(directory) {
        true => Err(StoreError::Link { path: directory.to_owned() }),
        false => Ok(()),
    }
}

fn directory_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}
