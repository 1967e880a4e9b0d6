//! Components of JavaScript and TypeScript: componentize-qjs evaluates the plugin's module once and keeps QuickJS as it is
//! then.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::about::About;
use super::builder::Component;
use super::embedded;
use super::error::ProjectError;
use super::program::{require, run};
use super::toolbox::Toolbox;

/// What is fetched. Another version may give other components, so it is pinned.
const COMPONENTIZE: &str = "componentize-qjs@0.4.5";

/// What makes JavaScript of TypeScript; fetched for those who write it.
const ESBUILD: &str = "esbuild@0.28.2";

/// What the SDK is written for.
const LEAST_NODE: [u32; 2] = [20, 0];

/// Makes a component of the project in `directory`.
pub(super) fn build(directory: &Path, scratch: &Path, toolbox: &Toolbox) -> Result<Component, ProjectError> {
    let version = run(Command::new("node").arg("--version"), "`node` does not work")?;
    require("node", &version, LEAST_NODE)?;
    let tool = fetched(toolbox, COMPONENTIZE)?;
    let wit = toolbox.unpacked()?.join("wit");
    stage(directory, scratch, toolbox)?;
    let sdk = scratch.join("node_modules/sternlight");
    let mut about = Command::new("node");
    about.arg(sdk.join("about.js")).arg(".").current_dir(scratch);
    let told =
        run(&mut about, "`plugin.js` cannot be imported").map_err(|error| unstaged(error, scratch, directory))?;
    let about = About::read(&told)?;
    let app = scratch.join("app.js");
    fs::write(&app, &about.app).map_err(|error| ProjectError::file("write", &app, &error))?;
    let made = scratch.join("plugin.wasm");
    let mut componentize = Command::new(tool.join("node_modules/.bin/componentize-qjs"));
    componentize.arg("--wit").arg(wit).args([
        "--world",
        &about.world,
        "--js",
        "app.js",
        "--module-root",
        ".",
        "--sync",
    ]);
    componentize.arg("--output").arg(&made).current_dir(scratch);
    if about.needs.is_empty() {
        componentize.arg("--stub-wasi");
    }
    run(&mut componentize, "componentize-qjs cannot make a component of `plugin.js`")?;
    Component::read(about.file_name(), &made)
}

/// Puts the project's modules, and the SDK as a package of theirs, into a folder of their own.
fn stage(directory: &Path, scratch: &Path, toolbox: &Toolbox) -> Result<(), ProjectError> {
    let unstaged = |error| ProjectError::file("copy the modules of", directory, &error);
    let package = scratch.join("node_modules/sternlight");
    // A project that brings the SDK is built with that one, as it was tested with it.
    let own = directory.join("sdk");
    match own.join("about.js").is_file() {
        true => copy_modules(&own, &package, None).map_err(unstaged)?,
        false => embedded::write(&package, embedded::below("sdk/js")).map_err(unstaged)?,
    }
    if !directory.join("plugin.ts").is_file() {
        return copy_modules(directory, scratch, Some("sdk")).map_err(unstaged);
    }
    let mut esbuild = Command::new(fetched(toolbox, ESBUILD)?.join("node_modules/.bin/esbuild"));
    esbuild.args(["plugin.ts", "--bundle", "--format=esm", "--platform=neutral", "--external:sternlight"]);
    esbuild.arg(format!("--outfile={}", scratch.join("plugin.js").display())).current_dir(directory);
    run(&mut esbuild, "esbuild cannot make JavaScript of `plugin.ts`").map(drop)
}

/// Modules and what says how they are to be taken. Tests, packages, folders that are hidden, and one right in `from` that is
/// left out, stay behind.
fn copy_modules(from: &Path, to: &Path, left_out: Option<&str>) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        let text = name.to_string_lossy();
        let is_module =
            matches!(path.extension().and_then(OsStr::to_str), Some("js" | "mjs")) || text == "package.json";
        if text.starts_with('.') || text == "node_modules" || left_out == Some(&*text) || text.ends_with(".test.js") {
            continue;
        }
        if path.is_dir() {
            copy_modules(&path, &to.join(name), None)?;
        } else if is_module {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}

/// An error with the project's own paths in place of those of the folder that it was put into.
fn unstaged(error: ProjectError, scratch: &Path, directory: &Path) -> ProjectError {
    let message = error.message.replace(&*scratch.to_string_lossy(), &directory.to_string_lossy());
    ProjectError { message, ..error }
}

/// A folder into which npm put a package.
fn fetched(toolbox: &Toolbox, package: &str) -> Result<PathBuf, ProjectError> {
    let notice = format!("fetching {package} by npm");
    toolbox.once(&package.replace('@', "-"), Some(&notice), |folder| {
        let mut npm = Command::new("npm");
        npm.arg("install").arg("--prefix").arg(folder);
        npm.args(["--no-audit", "--no-fund", "--no-save", "--loglevel=error", package]);
        run(&mut npm, &format!("npm cannot fetch {package}")).map(drop)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sdk_stays_behind_and_a_folder_that_is_called_so_does_not() {
        let (project, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let modules = ["plugin.js", "sdk/index.js", "src/sdk/own.js", "src/node_modules/package/index.js"];
        for module in modules.map(|module| project.path().join(module)) {
            fs::create_dir_all(module.parent().unwrap()).unwrap();
            fs::write(module, "").unwrap();
        }
        copy_modules(project.path(), scratch.path(), Some("sdk")).unwrap();
        let is_there = modules.map(|module| scratch.path().join(module).exists());
        assert_eq!(is_there, [true, false, true, false]);
    }
}
