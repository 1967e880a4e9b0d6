//! Which compiler makes WebAssembly on this machine: one that has the standard library for it, as rustup installs it, or
//! one with the library's sources, of which cargo makes it (Debian packages both compiler and sources).

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::ProjectError;
use super::program::run;

/// What guests are compiled to.
pub(super) const TARGET: &str = "wasm32-unknown-unknown";

/// Where Debian's compiler lies; it comes behind rustup's in most search paths.
const SYSTEM_RUSTC: &str = "/usr/bin/rustc";

/// A compiler that can.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Toolchain {
    /// cargo's own choice, with a standard library that was installed.
    Installed,
    /// The standard library is compiled too.
    FromSource {
        rustc: OsString,
        /// Where the compiler brings none.
        linker: Option<PathBuf>,
    },
}

impl Toolchain {
    /// The one that builds what lies in `directory`, whose `rust-toolchain.toml` counts.
    pub(super) fn find(directory: &Path) -> Result<Self, ProjectError> {
        let chosen = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let ask = |rustc: &OsString, arguments: &[&str]| -> Result<PathBuf, ProjectError> {
            let told = run(Command::new(rustc).args(arguments).current_dir(directory), "`rustc` does not work")?;
            Ok(PathBuf::from(String::from_utf8_lossy(&told).trim()))
        };
        if has_library(&ask(&chosen, &["--print", "target-libdir", "--target", TARGET])?) {
            return Ok(Self::Installed);
        }
        for rustc in [chosen, SYSTEM_RUSTC.into()] {
            let Ok(sysroot) = ask(&rustc, &["--print", "sysroot"]) else { continue };
            if !sysroot.join("lib/rustlib/src/rust/library/Cargo.lock").is_file() {
                continue;
            }
            if brings_linker(&sysroot) {
                return Ok(Self::FromSource { rustc, linker: None });
            }
            if let Some(linker) = linker_in(env::split_paths(&env::var_os("PATH").unwrap_or_default())) {
                return Ok(Self::FromSource { rustc, linker: Some(linker) });
            }
        }
        let message = "Rust's standard library for WebAssembly is not installed";
        Err(ProjectError::failed(message).help(format!(
            "`rustup target add {TARGET}`; on Debian, without rustup: `apt-get install rustc-web rust-web-src lld-19`"
        )))
    }

    /// What tells this compiler from others: compiled libraries are kept apart by it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::FromSource { .. } => "from-source",
        }
    }

    /// Makes cargo use it.
    pub(super) fn choose(&self, cargo: &mut Command) {
        let Self::FromSource { rustc, linker } = self else { return };
        // Panics become traps and their text is logged: what would name functions in it is left out.
        cargo.args(["-Zbuild-std=std,panic_abort", "-Zbuild-std-features="]);
        cargo.env("RUSTC", rustc).env("RUSTC_BOOTSTRAP", "1");
        if let Some(linker) = linker {
            cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
    }
}

fn has_library(directory: &Path) -> bool {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
}

/// rustup's compilers have `rust-lld` among the tools of the machine that they run on.
fn brings_linker(sysroot: &Path) -> bool {
    let hosts = fs::read_dir(sysroot.join("lib/rustlib")).into_iter().flatten().flatten();
    hosts.into_iter().any(|host| host.path().join("bin/rust-lld").is_file())
}

/// `wasm-ld`, perhaps with the version of LLVM behind it: the first of the search path, the newest of a directory.
fn linker_in(directories: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
    let version = |path: &PathBuf| -> Option<u32> {
        match path.file_name()?.to_str()?.strip_prefix("wasm-ld")? {
            "" => Some(u32::MAX),
            rest => rest.strip_prefix('-')?.parse().ok(),
        }
    };
    directories.into_iter().find_map(|directory| {
        let entries = fs::read_dir(directory).ok()?.flatten().map(|entry| entry.path());
        entries.filter_map(|path| Some((version(&path)?, path))).max().map(|(_, path)| path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_linker_of_the_first_directory_that_has_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let found = || linker_in(["none", "first", "second"].map(path).into_iter());
        for name in ["first", "second"] {
            fs::create_dir(path(name)).unwrap();
            fs::write(path(name).join("wasm-ldd"), "").unwrap();
        }
        assert_eq!(found(), None);
        fs::write(path("second").join("wasm-ld"), "").unwrap();
        assert_eq!(found(), Some(path("second/wasm-ld")));
        for name in ["wasm-ld-9", "wasm-ld-19", "wasm-ld-latest"] {
            fs::write(path("first").join(name), "").unwrap();
        }
        assert_eq!(found(), Some(path("first/wasm-ld-19")));
    }
}
