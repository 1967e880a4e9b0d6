//! What builds use and keep from one to the next, below the user's cache directory: tools that were fetched, unpacked SDKs,
//! what cargo compiled. It can be deleted at any time.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::embedded;
use super::error::ProjectError;

/// What shows that a folder is complete.
const COMPLETE: &str = ".complete";

/// The folder, and who is told what takes long.
pub(super) struct Toolbox {
    directory: PathBuf,
    notice: Box<dyn Fn(&str) + Send + Sync>,
}

/// Held by one process at a time; let go when dropped.
pub(super) struct Held(#[expect(dead_code, reason = "the file is locked as long as it is open")] File);

impl Toolbox {
    pub(super) fn new(directory: PathBuf, notice: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { directory, notice: Box::new(notice) }
    }

    /// The contract and the SDKs, as `wit` and `sdk` in a folder.
    pub(super) fn unpacked(&self) -> Result<PathBuf, ProjectError> {
        self.once(&format!("sdk-{}", embedded::digest()), None, |directory| {
            for part in ["wit", "sdk"] {
                let folder = directory.join(part);
                embedded::write(&folder, embedded::below(part))
                    .map_err(|error| ProjectError::file("write the SDKs to", &folder, &error))?;
            }
            Ok(())
        })
    }

    /// A folder that is filled once, by whichever process comes first. One that was left half filled is filled anew.
    pub(super) fn once(
        &self,
        name: &str,
        notice: Option<&str>,
        fill: impl FnOnce(&Path) -> Result<(), ProjectError>,
    ) -> Result<PathBuf, ProjectError> {
        let folder = self.root()?.join(name);
        let complete = folder.join(COMPLETE);
        if complete.is_file() {
            return Ok(folder);
        }
        let _held = self.hold(name)?;
        if complete.is_file() {
            return Ok(folder);
        }
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|error| ProjectError::file("remove", &folder, &error))?;
        }
        made(&folder)?;
        if let Some(text) = notice {
            (self.notice)(&format!("{text}, once for this machine: {}", folder.display()));
        }
        fill(&folder)?;
        fs::write(&complete, "").map_err(|error| ProjectError::file("write", &complete, &error))?;
        Ok(folder)
    }

    /// A folder for what is kept, empty at first.
    pub(super) fn folder(&self, name: &str) -> Result<PathBuf, ProjectError> {
        made(&self.root()?.join(name))
    }

    /// The real path: tools write down where they lie, and a link to there may be gone the next time.
    fn root(&self) -> Result<PathBuf, ProjectError> {
        let directory = made(&self.directory)?;
        directory.canonicalize().map_err(|error| ProjectError::file("find", &directory, &error))
    }

    /// Waits until no other process holds what is called so.
    pub(super) fn hold(&self, name: &str) -> Result<Held, ProjectError> {
        let path = self.folder("locks")?.join(name);
        let locked = File::create(&path).and_then(|file| file.lock().map(|()| file));
        locked.map(Held).map_err(|error| ProjectError::file("lock", &path, &error))
    }
}

/// A folder that is there from now on.
fn made(folder: &Path) -> Result<PathBuf, ProjectError> {
    fs::create_dir_all(folder).map_err(|error| ProjectError::file("make", folder, &error))?;
    Ok(folder.to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_folder_is_filled_once_and_anew_after_a_failure() {
        let directory = tempfile::tempdir().unwrap();
        let toolbox = Toolbox::new(directory.path().to_owned(), |_| ());
        let failed = toolbox.once("tool", None, |folder| {
            fs::write(folder.join("rubbish"), "").unwrap();
            Err(ProjectError::failed("no network"))
        });
        assert_eq!(failed.unwrap_err().message, "no network");
        let filled = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let folder = toolbox.once("tool", None, |folder| {
                        assert!(!folder.join("rubbish").exists());
                        filled.fetch_add(1, Ordering::Relaxed);
                        Ok(())
                    });
                    assert!(folder.unwrap().ends_with("tool"));
                });
            }
        });
        assert_eq!(filled.into_inner(), 1);
    }

    #[test]
    fn sdks_are_unpacked_as_they_lie_in_the_repository() {
        let directory = tempfile::tempdir().unwrap();
        let unpacked = Toolbox::new(directory.path().to_owned(), |_| ()).unpacked().unwrap();
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        for name in ["wit/worlds.wit", "sdk/js/src/stage.js", "sdk/python/sternlight/stage.py", "sdk/rust/src/lib.rs"] {
            assert_eq!(fs::read(unpacked.join(name)).unwrap(), fs::read(here.join(name)).unwrap(), "{name}");
        }
    }
}
