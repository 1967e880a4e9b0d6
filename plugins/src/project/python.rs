//! Components of Python: componentize-py runs the plugin's module once and keeps CPython as it is then.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::about::About;
use super::builder::Component;
use super::error::ProjectError;
use super::program::{require, run};
use super::toolbox::Toolbox;

/// What is fetched. Another version may give other components, so it is pinned.
const COMPONENTIZE: &str = "componentize-py==0.25.1";

/// What the SDK is written for.
const LEAST_PYTHON: [u32; 2] = [3, 10];

/// Makes a component of the project in `directory`.
pub(super) fn build(directory: &Path, scratch: &Path, toolbox: &Toolbox) -> Result<Component, ProjectError> {
    let tools = tools(toolbox)?;
    let unpacked = toolbox.unpacked()?;
    // A project that brings the SDK is built with that one, as it was tested with it.
    let brings_sdk = directory.join("sternlight/__main__.py").is_file();
    let sdk = if brings_sdk { directory.to_owned() } else { unpacked.join("sdk/python") };
    let told = run(
        Command::new(tools.join("bin/python"))
            .args(["-m", "sternlight"])
            .arg(directory)
            .current_dir(&sdk)
            .env("PYTHONPATH", &sdk)
            .env("PYTHONDONTWRITEBYTECODE", "1"),
        "`plugin.py` cannot be imported",
    )?;
    let about = About::read(&told)?;
    let made = scratch.join("plugin.wasm");
    let mut componentize = Command::new(tools.join("bin/componentize-py"));
    componentize.arg("--quiet").arg("--wit-path").arg(unpacked.join("wit")).args(["--world", &about.world]);
    componentize.arg("componentize").arg(&about.app).arg("--output").arg(&made);
    componentize.arg("--python-path").arg(directory);
    if !brings_sdk {
        componentize.arg("--python-path").arg(&sdk);
    }
    if about.needs.is_empty() {
        componentize.arg("--stub-wasi");
    }
    // Packages that happen to be installed on this machine must not get in.
    componentize.env("VIRTUAL_ENV", &tools);
    run(&mut componentize, "componentize-py cannot make a component of `plugin.py`")?;
    Component::read(about.file_name(), &made)
}

/// What the folder of tools is called. A virtual environment is of one Python, and is of no use once that is gone.
fn name_of_tools(python: &str) -> String {
    let minor: Vec<&str> = python.trim().split('.').take(2).collect();
    format!("{}-python-{}", COMPONENTIZE.replace("==", "-"), minor.join("."))
}

/// A virtual environment with componentize-py in it.
fn tools(toolbox: &Toolbox) -> Result<PathBuf, ProjectError> {
    let version = "import platform; print(platform.python_version())";
    let version = run(Command::new("python3").args(["-c", version]), "`python3` does not work")?;
    require("python3", &version, LEAST_PYTHON)?;
    let notice = format!("fetching {COMPONENTIZE} by pip");
    toolbox.once(&name_of_tools(&String::from_utf8_lossy(&version)), Some(&notice), |folder| {
        let made = run(Command::new("python3").args(["-m", "venv"]).arg(folder), "cannot make a virtual environment");
        made.map_err(|error| error.help("on Debian and Ubuntu: `apt-get install python3-venv`"))?;
        let mut pip = Command::new(folder.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", COMPONENTIZE]);
        run(&mut pip, "pip cannot fetch componentize-py").map(drop)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_python_has_tools_of_its_own() {
        assert_eq!(name_of_tools("3.13.5\n"), "componentize-py-0.25.1-python-3.13");
        assert_ne!(name_of_tools("3.14.0\n"), name_of_tools("3.13.5\n"));
        assert_eq!(name_of_tools("3.13.6+\n"), name_of_tools("3.13.5\n"));
    }
}
