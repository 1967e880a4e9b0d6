//! Machine code of plugins, compiled once and kept in a directory: named by the digest of the component and by all that
//! machine code depends on (version and settings of wasmtime, this machine's instruction set).
//!
//! The directory is the user's own and not the store: a store may be shared, and what lies here is run. So nothing is taken
//! from a directory that others can write to, and nothing that is not as it was written: a digest at the end of each file
//! is compared before the file is mapped, since a bit of machine code that turned round may crash the host, or change a
//! result.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{Hash as _, Hasher};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
#[cfg(unix)]
use std::time::{Duration, SystemTime};

use tempfile::NamedTempFile;
use twox_hash::XxHash3_128;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::limits::readable_bytes;

/// Bytes at the end of a file: the digest of its name and of what comes before. It finds what happens to a file; who could
/// write here on purpose could write a digest as well, whichever it is.
const SEAL: usize = size_of::<u128>();

/// Bytes that are read at once: they stay in a processor's cache until they are hashed.
const PIECE: usize = 256 << 10;

/// A file that was changed less long ago may be changed again without a sign in its times.
#[cfg(unix)]
const TICK: Duration = Duration::from_millis(100);

/// Where machine code is kept.
#[derive(Debug)]
pub(crate) struct Cache {
    /// Files that were found as they were written, and how they looked: a plugin that this process starts again is not read
    /// again.
    checked: Mutex<BTreeMap<PathBuf, Look>>,
    /// None: it is compiled each time.
    directory: Option<PathBuf>,
    /// Whether it can be trusted, once somebody looked.
    is_trusted: OnceLock<bool>,
}

impl Cache {
    pub(crate) fn new(directory: Option<PathBuf>) -> Self {
        Self { checked: Mutex::default(), directory, is_trusted: OnceLock::new() }
    }

    /// Where files may lie, made if it is not there; `notice` is told once if it cannot be used.
    pub(crate) fn directory(&self, notice: &dyn Fn(&str)) -> Option<&Path> {
        let directory = self.directory.as_deref()?;
        let is_trusted = self.is_trusted.get_or_init(|| match make(directory) {
            Ok(()) => true,
            Err(error) => {
                let shown = directory.display();
                notice(&format!("plugins are compiled each time, as `{shown}` cannot keep machine code: {error}"));
                false
            }
        });
        is_trusted.then_some(directory)
    }

    /// Machine code of the component at `address`, mapped from the cache or made now, of which `notice` is told.
    ///
    /// # Errors
    /// If it is no component, or one that this engine does not take. A cache that cannot be used is no error.
    pub(crate) fn component(
        &self,
        engine: &Engine,
        digest: &blake3::Hash,
        address: &str,
        bytes: &[u8],
        notice: &dyn Fn(&str),
    ) -> wasmtime::Result<Component> {
        let path = self.directory(notice).map(|directory| directory.join(file_name(engine, digest)));
        if let Some(component) = path.as_deref().and_then(|path| self.mapped(engine, path)) {
            return Ok(component);
        }
        let size = readable_bytes(bytes.len() as u64);
        let once = if path.is_some() { ", once for this machine" } else { "" };
        notice(&format!("compiling the plugin {address} ({size}){once}"));
        let component = Component::new(engine, bytes)?;
        if let Some(path) = path
            && let Err(error) = component.serialize().map_err(io::Error::other).and_then(|code| keep(&path, &code))
        {
            tracing::info!(path = %path.display(), %error, "machine code of a plugin was not kept");
        }
        Ok(component)
    }

    /// Removes machine code of a component, if there is any.
    pub(crate) fn forget(&self, engine: &Engine, digest: &blake3::Hash) {
        if let Some(directory) = &self.directory {
            // Whoever has it mapped keeps it; what cannot be removed does no harm.
            let _ = fs::remove_file(directory.join(file_name(engine, digest)));
        }
    }

    fn mapped(&self, engine: &Engine, path: &Path) -> Option<Component> {
        if !is_kept(path) {
            return None;
        }
        let told = |error: &dyn std::fmt::Display| {
            tracing::info!(path = %path.display(), %error, "machine code of a plugin is made anew");
        };
        match self.is_as_written(path) {
            Ok(true) => {}
            Ok(false) => {
                told(&"it is not as it was written");
                return None;
            }
            Err(error) => {
                told(&error);
                return None;
            }
        }
        #[expect(unsafe_code, reason = "machine code can only be trusted for where it lies")]
        // SAFETY: nobody else can write to the directory (`make`), nor to the file; files get there by `keep` alone, complete,
        // and are never changed, which the digest has just shown.
        let component = unsafe { Component::deserialize_file(engine, path) };
        component.inspect_err(|error| told(error)).ok()
    }

    /// Whether a file is what `keep` wrote under its name.
    fn is_as_written(&self, path: &Path) -> io::Result<bool> {
        let look = Look::of(path);
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if look.is_some() && checked.get(path) == look.as_ref() {
            return Ok(true);
        }
        let is_it = is_sealed(path)?;
        match look.filter(|look| is_it && look.is_settled()) {
            Some(look) => checked.insert(path.to_owned(), look),
            None => checked.remove(path),
        };
        Ok(is_it)
    }
}

fn file_name(engine: &Engine, digest: &blake3::Hash) -> String {
    let mut hasher = Blake3Hasher(blake3::Hasher::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.write(env!("CARGO_PKG_VERSION").as_bytes());
    format!("{}-{}.cwasm", digest.to_hex(), &hasher.0.finalize().to_hex()[..16])
}

/// Names of files must not change from process to process.
struct Blake3Hasher(blake3::Hasher);

impl Hasher for Blake3Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

/// Makes a directory for the user alone, or looks whether the one that is there is such a one.
///
/// # Errors
/// If it cannot be made, or others could have put something there.
fn make(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(directory)?;
    let metadata = fs::symlink_metadata(directory)?;
    if !metadata.is_dir() {
        return Err(io::Error::other("it is a link"));
    }
    check_owner(directory, &metadata)
}

#[cfg(unix)]
fn check_owner(directory: &Path, metadata: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;

    if is_open_to_others(metadata) {
        return Err(io::Error::other("others can write to it; delete it, and it is made anew"));
    }
    // Whose a file is that this process makes. The administrator could do anything without this directory.
    if metadata.uid() != 0 && metadata.uid() != NamedTempFile::new_in(directory)?.as_file().metadata()?.uid() {
        return Err(io::Error::other("it is another user's"));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_owner(_: &Path, _: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

/// Whether its group, or all, can write to a file or directory.
#[cfg(unix)]
fn is_open_to_others(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o022 != 0
}

/// Whether a file is one that `keep` made: not put into the directory while others could write to it.
fn is_kept(path: &Path) -> bool {
    let Ok(metadata) = fs::symlink_metadata(path) else { return false };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;

        let directory = path.parent().and_then(|directory| fs::symlink_metadata(directory).ok());
        let is_own = directory.is_some_and(|directory| metadata.uid() == directory.uid() || metadata.uid() == 0);
        if !is_own || is_open_to_others(&metadata) {
            return false;
        }
    }
    metadata.is_file()
}

/// Whether the digest at the end of a file is that of the rest.
fn is_sealed(path: &Path) -> io::Result<bool> {
    let mut file = fs::File::open(path)?;
    let Some(length) = file.metadata()?.len().checked_sub(SEAL as u64) else { return Ok(false) };
    let found = seal(path, (&mut file).take(length))?;
    let mut written = [0; SEAL];
    file.read_exact(&mut written)?;
    Ok(found == written)
}

/// The digest of machine code under a name: that of one plugin is none for another.
fn seal(path: &Path, mut code: impl Read) -> io::Result<[u8; SEAL]> {
    let mut hasher = XxHash3_128::new();
    hasher.write(path.file_name().unwrap_or_default().as_encoded_bytes());
    let mut piece = vec![0; PIECE];
    loop {
        match code.read(&mut piece)? {
            0 => return Ok(hasher.finish_128().to_le_bytes()),
            length => hasher.write(&piece[..length]),
        }
    }
}

/// What changes whenever a file is written to or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    length: u64,
    inode: u64,
    /// Seconds and nanoseconds of the system's own clock, which nobody sets.
    changed: (i64, i64),
}

impl Look {
    /// None where there is no such thing.
    #[cfg(unix)]
    fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;

        let metadata = fs::symlink_metadata(path).ok()?;
        let changed = (metadata.ctime(), metadata.ctime_nsec());
        Some(Self { length: metadata.len(), inode: metadata.ino(), changed })
    }

    #[cfg(not(unix))]
    fn of(_: &Path) -> Option<Self> {
        None
    }

    /// Whether another change would show.
    #[cfg(unix)]
    fn is_settled(&self) -> bool {
        let (seconds, nanoseconds) = self.changed;
        let changed = u64::try_from(seconds).ok().zip(u32::try_from(nanoseconds).ok());
        let changed = changed
            .and_then(|(seconds, nanoseconds)| SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds)));
        changed.and_then(|changed| changed.elapsed().ok()).is_some_and(|since| since > TICK)
    }

    #[cfg(not(unix))]
    fn is_settled(&self) -> bool {
        false
    }
}

/// Whoever finds a file of that name finds all of it.
fn keep(path: &Path, code: &[u8]) -> io::Result<()> {
    let directory = path.parent().ok_or_else(|| io::Error::other("it lies in no directory"))?;
    let mut file = NamedTempFile::new_in(directory)?;
    file.write_all(code)?;
    file.write_all(&seal(path, code)?)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_component_is_compiled_once() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(directory.path().join("plugins")));
        let engine = crate::sandbox::engine().unwrap();
        let bytes = wat::parse_str("(component)").unwrap();
        let digest = blake3::hash(&bytes);
        let compiled = Cell::new(0);
        let notice = |_: &str| compiled.set(compiled.get() + 1);
        for _ in 0..3 {
            cache.component(&engine, &digest, "a", &bytes, &notice).unwrap();
        }
        assert_eq!(compiled.get(), 1);
        let kept = fs::read_dir(directory.path().join("plugins")).unwrap().next().unwrap().unwrap().path();
        fs::write(&kept, "damaged").unwrap();
        cache.component(&engine, &digest, "a", &bytes, &notice).unwrap();
        cache.component(&engine, &digest, "a", &bytes, &notice).unwrap();
        assert_eq!(compiled.get(), 2);
        cache.forget(&engine, &blake3::hash(b"another"));
        cache.component(&engine, &digest, "a", &bytes, &notice).unwrap();
        assert_eq!(compiled.get(), 2);
        cache.forget(&engine, &digest);
        cache.component(&engine, &digest, "a", &bytes, &notice).unwrap();
        assert_eq!(compiled.get(), 3);
        Cache::new(None).component(&engine, &digest, "a", &bytes, &notice).unwrap();
        assert_eq!(compiled.get(), 4);
    }

    #[test]
    fn what_was_changed_is_made_anew() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(directory.path().join("plugins")));
        let engine = crate::sandbox::engine().unwrap();
        let made = |text: &str| {
            let bytes = wat::parse_str(text).unwrap();
            (blake3::hash(&bytes), bytes)
        };
        let plugins = [made("(component)"), made("(component (core module))")];
        let compiled = |which: usize| {
            let compiled = Cell::new(0);
            let (digest, bytes) = &plugins[which];
            cache.component(&engine, digest, "a", bytes, &|_| compiled.set(compiled.get() + 1)).unwrap();
            compiled.get()
        };
        assert_eq!((compiled(0), compiled(1), compiled(0), compiled(1)), (1, 1, 0, 0));
        let path = |which: usize| directory.path().join("plugins").join(file_name(&engine, &plugins[which].0));
        let whole = fs::read(path(0)).unwrap();
        // A bit anywhere: every place of the digest, and places all over the code.
        let step = whole.len() / 97;
        for byte in (0..whole.len()).step_by(step).chain(whole.len() - SEAL..whole.len()) {
            let mut changed = whole.clone();
            changed[byte] ^= 1 << (byte % 8);
            fs::write(path(0), changed).unwrap();
            assert_eq!(compiled(0), 1, "byte {byte}");
            assert!(fs::read(path(0)).unwrap() == whole);
        }
        for length in [0, 1, SEAL - 1, SEAL, whole.len() / 2, whole.len() - 1] {
            fs::write(path(0), &whole[..length]).unwrap();
            assert_eq!((compiled(0), compiled(0)), (1, 0), "{length} bytes");
        }
        let more: Vec<u8> = whole.iter().copied().chain([0]).collect();
        fs::write(path(0), more).unwrap();
        assert_eq!((compiled(0), compiled(0)), (1, 0));
        // After a time as well in which nobody looked.
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert_eq!((compiled(0), compiled(0)), (0, 0));
        let mut changed = whole.clone();
        changed[step] ^= 1;
        fs::write(path(0), changed).unwrap();
        assert_eq!((compiled(0), compiled(0)), (1, 0));
        // Each other's files.
        let aside = directory.path().join("aside");
        fs::rename(path(0), &aside).unwrap();
        fs::rename(path(1), path(0)).unwrap();
        fs::rename(&aside, path(1)).unwrap();
        assert_eq!((compiled(0), compiled(1), compiled(0), compiled(1)), (1, 1, 0, 0));
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_taken_from_where_others_can_write() {
        use std::cell::RefCell;
        use std::os::unix::fs::PermissionsExt as _;

        let place = tempfile::tempdir().unwrap();
        let (directory, link) = (place.path().join("plugins"), place.path().join("link"));
        std::os::unix::fs::symlink(&directory, &link).unwrap();
        let engine = crate::sandbox::engine().unwrap();
        let bytes = wat::parse_str("(component)").unwrap();
        let digest = blake3::hash(&bytes);
        let told = |directory: &Path, times: usize| {
            let told = RefCell::new(Vec::new());
            let notice = |text: &str| told.borrow_mut().push(text.replace(place.path().to_str().unwrap(), "HERE"));
            let cache = Cache::new(Some(directory.to_owned()));
            for _ in 0..times {
                cache.component(&engine, &digest, "a", &bytes, &notice).unwrap();
            }
            told.into_inner().join("\n")
        };
        let set = |path: &Path, mode: u32| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        insta::assert_snapshot!(told(&directory, 2), @"compiling the plugin a (1 KiB), once for this machine");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&directory), 0o700);
        let kept = fs::read_dir(&directory).unwrap().next().unwrap().unwrap().path();
        for fine in [0o755, 0o700] {
            set(&directory, fine);
            assert_eq!(told(&directory, 1), "");
        }
        insta::assert_snapshot!(told(&link, 1), @"
        plugins are compiled each time, as `HERE/link` cannot keep machine code: it is a link
        compiling the plugin a (1 KiB)
        ");
        set(&directory, 0o777);
        insta::assert_snapshot!(told(&directory, 2), @"
        plugins are compiled each time, as `HERE/plugins` cannot keep machine code: others can write to it; delete it, and it is made anew
        compiling the plugin a (1 KiB)
        compiling the plugin a (1 KiB)
        ");
        set(&directory, 0o770);
        assert!(told(&directory, 1).contains("others can write to it"));
        set(&directory, 0o700);
        assert_eq!(told(&directory, 1), "");
        // A file that was put there meanwhile is replaced.
        set(&kept, 0o666);
        insta::assert_snapshot!(told(&directory, 2), @"compiling the plugin a (1 KiB), once for this machine");
        assert_eq!(mode(&kept), 0o600);
    }
}
