//! Small YAML files that options name: read when the stage is built, with what was read for the key. Not concerned with
//! what they mean.

use std::path::Path;

use serde::de::DeserializeOwned;
use sternlight_engine::problem::nearest;
use sternlight_engine::regular_file;
use sternlight_engine::stage::InputFile;

/// Bytes of such a file: people write some kilobytes.
const MAXIMUM_BYTES: u64 = 1 << 20;

/// Reads a file below `directory`; nothing if it holds nothing but comments. `what` it is: for messages, which begin with
/// the place of a fault in the file, as in `rules.yaml:3:5`.
///
/// # Errors
/// If it cannot be read, or holds something else.
pub(crate) fn read<T: DeserializeOwned>(
    what: &str,
    name: &str,
    directory: &Path,
    files: &mut Vec<InputFile>,
) -> Result<Option<T>, String> {
    let text = regular_file::read_text(&directory.join(name), MAXIMUM_BYTES)
        .map_err(|error| format!("cannot read the {what} `{name}`: {error}"))?;
    files.push(InputFile::new(name, text.as_bytes()));
    let document: Result<Option<T>, serde_yaml::Error> = serde_yaml::from_str(&text);
    document.map_err(|error| {
        let message = error.to_string();
        match error.location() {
            Some(at) => {
                let (line, column) = (at.line(), at.column());
                let message = message.trim_end_matches(&format!(" at line {line} column {column}"));
                format!("{name}:{line}:{column}: {message}")
            }
            None => format!("{name}: {message}"),
        }
    })
}

/// The known name that an unknown one was meant to be; a fault of this kind lists what was written and what is known.
pub(crate) fn meant(message: &str) -> Option<&str> {
    let (_, names) = message.split_once("unknown field ").or_else(|| message.split_once("unknown variant "))?;
    let mut names = names.split('`').skip(1).step_by(2);
    nearest(names.next()?, names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_spelling_is_offered() {
        assert_eq!(meant("f.yaml:1:1: unknown field `errors`, expected one of `order`, `error`"), Some("error"));
        assert_eq!(
            meant("f.yaml:1:1: off[0]: unknown variant `lop`, expected one of `no-change`, `loop`"),
            Some("loop")
        );
        assert_eq!(meant("f.yaml:1:1: unknown field `x`, expected `replace`"), None);
    }
}
