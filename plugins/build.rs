//! Puts the contract, the SDKs and the templates into the library, as one list of files: a program that was installed
//! without the repository makes projects and builds them with these.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// What is put in, from this package's own directory.
const PARTS: [&str; 16] = [
    "wit",
    "sdk/js/README.md",
    "sdk/js/about.js",
    "sdk/js/component.js",
    "sdk/js/index.d.ts",
    "sdk/js/index.js",
    "sdk/js/package.json",
    "sdk/js/src",
    "sdk/js/testing.d.ts",
    "sdk/js/testing.js",
    "sdk/python/README.md",
    "sdk/python/sternlight",
    "sdk/rust/Cargo.toml",
    "sdk/rust/README.md",
    "sdk/rust/src",
    "templates",
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let mut files = Vec::new();
    for part in PARTS {
        println!("cargo:rerun-if-changed={part}");
        collect(&root.join(part), &mut files)?;
    }
    files.sort();
    let mut list = String::from("&[\n");
    for file in &files {
        let name = file.strip_prefix(&root)?.to_str().ok_or("a file whose name is no text")?.replace('\\', "/");
        // Without the place of this copy: another one may share its builds.
        writeln!(
            list,
            "    ({name:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {:?}))),",
            format!("/{name}")
        )?;
    }
    list.push_str("]\n");
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("embedded.rs"), list)?;
    Ok(())
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    if path.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?.path();
        // What Python leaves where it was run.
        if entry.file_name().is_none_or(|name| name != "__pycache__") {
            collect(&entry, files)?;
        }
    }
    Ok(())
}
