//! Files that this library carries: the contract (`wit`), the SDKs (`sdk`) and what projects begin with (`templates`).

use std::fs;
use std::io;
use std::path::Path;

/// Names, as in the directory of this package, and texts, in the order of names.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The files below a folder, by their names there.
pub(super) fn below(folder: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.iter().filter_map(move |(name, text)| {
        let name = name.strip_prefix(folder)?.strip_prefix('/')?;
        Some((name, *text))
    })
}

/// Writes files below a directory, with the directories that they need.
pub(super) fn write<'a>(directory: &Path, files: impl IntoIterator<Item = (&'a str, &'a str)>) -> io::Result<()> {
    for (name, text) in files {
        let path = directory.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, text)?;
    }
    Ok(())
}

/// Sixteen hexadecimal digits that change whenever any of the files does.
pub(super) fn digest() -> String {
    let mut hasher = blake3::Hasher::new();
    for (name, text) in FILES {
        for part in [name, text] {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
    }
    hasher.finalize().to_hex().chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_is_there_and_what_is_not_is_not() {
        let has = |name: &str| FILES.iter().any(|(file, _)| *file == name);
        let needed = [
            "wit/worlds.wit",
            "sdk/rust/Cargo.toml",
            "sdk/rust/src/bindings/batch.rs",
            "sdk/python/sternlight/py.typed",
            "sdk/python/sternlight/worlds/reward.py",
            "sdk/python/sternlight/arrow/read.py",
            "sdk/js/src/stage.js",
            "sdk/js/src/arrow/read.js",
            "sdk/js/package.json",
            "templates/js/common/.gitignore",
        ];
        for name in needed {
            assert!(has(name), "{name}");
        }
        for (name, _) in FILES {
            assert!(!name.contains("/target/") && !name.contains("node_modules") && !name.contains(".pyc"), "{name}");
        }
    }

    #[test]
    fn a_folder_is_no_prefix_of_another_ones_name() {
        let names: Vec<&str> = below("sdk/js/src").map(|(name, _)| name).collect();
        assert!(names.contains(&"stage.js"));
        assert_eq!(below("sdk/js/sr").count(), 0);
    }
}
