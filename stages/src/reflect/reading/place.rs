//! Diagnostics that name a place and say what is wrong there, without a word for it: `main.go:3:2: "os" imported and
//! not used`. What only warns or notes is none.

use std::sync::LazyLock;

use regex::Regex;

use crate::pattern::in_ascii;

/// `file.ext:line:column: `, and what follows.
static PLACE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(&in_ascii(r#"^(?:vet: )?"?[\w./@\\+-]*[\w-]+\.[A-Za-z]{1,6}"?:\d+:\d+(?::| -|:? ) *(\S.*)$"#)).ok()
});

/// Whether a line tells of a fault at a place in a file.
pub(super) fn is_fault(line: &str) -> bool {
    const MILDER: [&str; 14] = [
        "warning",
        "warn",
        "note",
        "info",
        "hint",
        "help",
        "remark",
        "style",
        "suggestion",
        "convention",
        "debug",
        "performance",
        "deprecated",
        "todo",
    ];
    if !line.contains(':') {
        return false;
    }
    let Some(said) = PLACE.as_ref().and_then(|place| place.captures(line)).and_then(|groups| groups.get(1)) else {
        return false;
    };
    let said = said.as_str().trim_start_matches(['[', '(']).to_ascii_lowercase();
    !MILDER.iter().any(|word| said.starts_with(word)) && !said.ends_with(']') || said.starts_with("error")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_and_what_is_wrong_there() {
        for fault in [
            "./cmd/main.go:3:2: undefined: seal",
            "api/jar.proto:9:1: Expected \";\".",
            "vet: a.go:3:1: expected declaration",
            "src/a.rs:3:5: error: no",
        ] {
            assert!(is_fault(fault), "{fault}");
        }
        for other in [
            "a.c:3:5: warning: unused variable",
            "a.c:3:5: note: declared here",
            "12:30:41 server started",
            "a.js:3:1: Unexpected console statement. [Warning/no-console]",
            "http://example.org:8080:1: x",
            "a.py:3: found",
        ] {
            assert!(!is_fault(other), "{other}");
        }
    }
}
