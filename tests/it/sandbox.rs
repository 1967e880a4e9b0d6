//! A directory of its own for commands that documents tell people to type: the pipelines that ship, the plugins that
//! they use, and `sternlight` on the path.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::markdown::root;

/// A temporary directory that looks like a fresh clone to whoever runs pipelines in it.
pub(crate) struct Sandbox {
    directory: tempfile::TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        copy(&root().join("pipelines"), &directory.path().join("pipelines"));
        // Nothing is written there.
        std::os::unix::fs::symlink(root().join("plugins"), directory.path().join("plugins")).unwrap();
        Self { directory }
    }

    /// Its path.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().canonicalize().unwrap()
    }

    /// Runs a script, stopping at its first failure. What it says on stderr comes with stdout, in order.
    pub(crate) fn run(&self, script: &str) -> Output {
        let binary = Path::new(env!("CARGO_BIN_EXE_sternlight"));
        let others = std::env::var_os("PATH").unwrap_or_default();
        let directories = [binary.parent().unwrap().to_owned()].into_iter().chain(std::env::split_paths(&others));
        Command::new("bash")
            .args(["-c", &format!("set -euo pipefail; exec 2>&1\n{}", without_cargo(script))])
            .current_dir(self.directory.path())
            .env("PATH", std::env::join_paths(directories).unwrap())
            .env_remove("COLUMNS")
            .output()
            .unwrap()
    }
}

/// The binary that is tested takes the place of the one that a newcomer builds.
fn without_cargo(script: &str) -> String {
    script.replace("cargo run --release --", "sternlight")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}
