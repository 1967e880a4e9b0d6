//! Running the programs that builds need.

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

use super::error::ProjectError;

/// What to install where a program is missing.
const TOOLS: [(&str, &str); 5] = [
    ("cargo", "install Rust: https://rustup.rs"),
    ("rustc", "install Rust: https://rustup.rs"),
    ("python3", "install Python 3.10 or newer"),
    ("node", "install Node.js 20 or newer: https://nodejs.org"),
    ("npm", "install npm, which comes with Node.js: https://nodejs.org"),
];

/// Runs a program that must go well, and gives what it printed. What it says on stderr is part of the error if it does not.
pub(super) fn run(command: &mut Command, what: &str) -> Result<Vec<u8>, ProjectError> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| not_started(command, &error))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = [output.stderr, output.stdout].map(|bytes| String::from_utf8_lossy(&bytes).trim_end().to_owned());
    let said = said.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n");
    let (colon, said) = if said.is_empty() { ("", format!(" ({})", output.status)) } else { (":\n", said) };
    Err(ProjectError::failed(format!("{what}{colon}{said}")))
}

/// The same, but what it says on stderr is shown as it comes.
pub(super) fn run_aloud(command: &mut Command, what: &str) -> Result<Vec<u8>, ProjectError> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| not_started(command, &error))?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(ProjectError::failed(format!("{what}: see above"))),
    }
}

fn not_started(command: &Command, error: &std::io::Error) -> ProjectError {
    let program = command.get_program();
    let name = program.to_string_lossy();
    let tool = TOOLS.iter().find(|(tool, _)| *tool == name);
    match tool {
        Some((_, help)) if error.kind() == ErrorKind::NotFound => {
            ProjectError::failed(format!("`{name}` is not there, which the build needs")).help(*help)
        }
        _ => ProjectError::file("start", Path::new(program), error),
    }
}

/// Refuses a program that is older than the SDK takes; `version` begins with the numbers, or a `v` before them.
pub(super) fn require(name: &str, version: &[u8], least: [u32; 2]) -> Result<(), ProjectError> {
    let text = String::from_utf8_lossy(version);
    let text = text.trim();
    let mut numbers = text.trim_start_matches('v').split('.').map_while(|number| number.parse::<u32>().ok());
    let found = [numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)];
    if found >= least {
        return Ok(());
    }
    let [major, minor] = least;
    Err(ProjectError::failed(format!("`{name}` is {text}, expected {major}.{minor} or newer")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        for version in ["3.10.2", "3.11", "v3.10.0", "4.0"] {
            assert!(require("python3", version.as_bytes(), [3, 10]).is_ok(), "{version}");
        }
        let refused = |version: &[u8]| require("node", version, [20, 0]).unwrap_err().message;
        insta::assert_snapshot!(refused(b"v9.11.2\n"), @"`node` is v9.11.2, expected 20.0 or newer");
        insta::assert_snapshot!(refused(b"?"), @"`node` is ?, expected 20.0 or newer");
    }

    #[test]
    fn what_a_program_said_is_told() {
        let failing = run(Command::new("sh").args(["-c", "echo out; echo oh >&2; exit 3"]), "it failed").unwrap_err();
        assert_eq!(failing.message, "it failed:\noh\nout");
        let silent = run(Command::new("sh").args(["-c", "exit 3"]), "it failed").unwrap_err();
        assert_eq!(silent.message, "it failed (exit status: 3)");
        let missing = run(&mut Command::new("no-such-program"), "it failed").unwrap_err().message;
        assert!(missing.starts_with("cannot start `no-such-program`: "), "{missing}");
    }
}
