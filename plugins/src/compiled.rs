//! Machine code of plugins, compiled once and kept in a directory: named by the digest of the component and by all that
//! machine code depends on (version and settings of wasmtime, this machine's instruction set).
//!
//! The directory is the user's own and not the store: a store may be shared, and what lies here is run.

use std::fs;
use std::hash::{Hash as _, Hasher};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use wasmtime::Engine;
use wasmtime::component::Component;

/// Where machine code is kept; none: it is compiled each time.
#[derive(Clone, Debug)]
pub(crate) struct Cache(Option<PathBuf>);

impl Cache {
    pub(crate) fn new(directory: Option<PathBuf>) -> Self {
        Self(directory)
    }

    /// Machine code of a component, mapped from the cache or made now; `notice` is told when it is made.
    ///
    /// # Errors
    /// If it is no component, or one that this engine does not take. A cache that cannot be used is no error.
    pub(crate) fn component(
        &self,
        engine: &Engine,
        digest: &blake3::Hash,
        bytes: &[u8],
        notice: &dyn Fn(),
    ) -> wasmtime::Result<Component> {
        let path = self.0.as_ref().map(|directory| directory.join(file_name(engine, digest)));
        if let Some(component) = path.as_deref().and_then(|path| mapped(engine, path)) {
            return Ok(component);
        }
        notice();
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
        if let Some(directory) = &self.0 {
            // Whoever has it mapped keeps it; what cannot be removed does no harm.
            let _ = fs::remove_file(directory.join(file_name(engine, digest)));
        }
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

fn mapped(engine: &Engine, path: &Path) -> Option<Component> {
    if !path.is_file() {
        return None;
    }
    #[expect(unsafe_code, reason = "machine code can only be trusted for where it lies")]
    // SAFETY: the directory is the user's own; files get there by `keep` alone, complete, and are never changed.
    let component = unsafe { Component::deserialize_file(engine, path) };
    component
        .inspect_err(|error| tracing::info!(path = %path.display(), %error, "machine code of a plugin is made anew"))
        .ok()
}

/// Whoever finds a file of that name finds all of it.
fn keep(path: &Path, code: &[u8]) -> io::Result<()> {
    let directory = path.parent().ok_or_else(|| io::Error::other("it lies in no directory"))?;
    fs::create_dir_all(directory)?;
    let mut file = NamedTempFile::new_in(directory)?;
    file.write_all(code)?;
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
        let notice = || compiled.set(compiled.get() + 1);
        for _ in 0..3 {
            cache.component(&engine, &digest, &bytes, &notice).unwrap();
        }
        assert_eq!(compiled.get(), 1);
        let kept = fs::read_dir(directory.path().join("plugins")).unwrap().next().unwrap().unwrap().path();
        fs::write(&kept, "damaged").unwrap();
        cache.component(&engine, &digest, &bytes, &notice).unwrap();
        cache.component(&engine, &digest, &bytes, &notice).unwrap();
        assert_eq!(compiled.get(), 2);
        cache.forget(&engine, &blake3::hash(b"another"));
        cache.component(&engine, &digest, &bytes, &notice).unwrap();
        assert_eq!(compiled.get(), 2);
        cache.forget(&engine, &digest);
        cache.component(&engine, &digest, &bytes, &notice).unwrap();
        assert_eq!(compiled.get(), 3);
        Cache::new(None).component(&engine, &digest, &bytes, &notice).unwrap();
        assert_eq!(compiled.get(), 4);
    }
}
