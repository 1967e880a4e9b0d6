//! What of an answer repeats the call: words that the agent handed over itself, and lines of a file that are shown with
//! their numbers, say nothing of how it went. `Typed "access denied" into field 3` is no denial.

use std::borrow::Cow;

use serde_json::Value;

use crate::reflect::arguments::Arguments;

/// Shorter texts are words of everybody's: a name, a number, a key.
const SHORTEST: usize = 8;

/// What stands for what was repeated.
const MARK: &str = "…";

/// A line without the texts of several words that the call handed over.
pub(super) fn without_echoes<'t>(line: &'t str, arguments: &Arguments<'_>) -> Cow<'t, str> {
    let mut line = Cow::Borrowed(line);
    let mut texts = Vec::new();
    arguments.json().into_iter().for_each(|value| collect(value, &mut texts));
    // The longest first: one may hold another.
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    for text in texts {
        if line.contains(text) {
            line = Cow::Owned(line.replace(text, MARK));
        }
    }
    line
}

fn collect<'v>(value: &'v Value, texts: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => {
            let lines = text.lines().map(str::trim);
            texts.extend(lines.filter(|line| line.len() >= SHORTEST && line.contains(' ')));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(fields) => fields.values().for_each(|field| collect(field, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether a line is one of a file, shown with its number.
pub(super) fn is_numbered(line: &str) -> bool {
    let line = line.trim_start();
    let behind = line.trim_start_matches(|sign: char| sign.is_ascii_digit());
    behind.len() < line.len() && behind.starts_with(['→', '\t', '|', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_call_handed_over_is_left_out() {
        let arguments = Arguments::new(Some(
            r#"{"text": "access denied", "list": [{"a": "no such file\nwas found"}], "key": "denied"}"#,
        ));
        for (line, rest) in [
            ("Typed access denied into 3", "Typed … into 3"),
            ("no such file, was found", "…, …"),
            ("denied: access to 3", "denied: access to 3"),
            ("Access denied", "Access denied"),
        ] {
            assert_eq!(without_echoes(line, &arguments), rest);
        }
        assert_eq!(without_echoes("access denied", &Arguments::new(Some("access denied"))), "access denied");
    }

    #[test]
    fn numbers_of_lines_are_known() {
        for line in ["    40→## Denied", "7\tfailed", "12| error", "3: error"] {
            assert!(is_numbered(line), "{line}");
        }
        for line in ["error", "404 not found", "3 errors", "→ x"] {
            assert!(!is_numbered(line), "{line}");
        }
    }
}
