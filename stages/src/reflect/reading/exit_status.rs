//! The exit status that a wrapper reports beside a program's output, in the spellings of the field: a line of its own
//! before or after the output, a tag, or words like `Command exited with code 1`. Fields of a JSON object are the
//! concern of `envelope`.

use std::sync::LazyLock;

use regex::Regex;

use crate::pattern::in_ascii;

/// How many bytes at either end can hold the report: wrappers put it first or last.
const WINDOW: usize = 600;
/// How many lines at either end.
const LINES: usize = 4;

/// `<returncode>2</returncode>`.
static TAG: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let name = "(?:exit|return)[_-]?(?:code|status|value)|rc";
    Regex::new(&in_ascii(&format!(r"(?i)<(?:{name})>\s*(-?\d{{1,10}})\s*</(?:{name})>"))).ok()
});

/// A line that reports the status and has nothing before it but words of such a report.
static LINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let before = [
        "the|your|a|an|command|process|program|script|shell|subprocess|child|job|task|step|execution|code|tool|cell",
        "bash|python|sh|error|warning|failure|result|status|has|was|is|it|completed|finished|exited|terminated|failed",
        "returned|ended|succeeded|success|done|killed|stopped|with|by|and|non-?zero|unsuccessfully|successfully",
        r#"system|note|stderr|meta|`[^`\n]{1,80}`|'[^'\n]{1,80}'|"[^"\n]{1,80}""#,
    ]
    .join("|");
    let name = [
        "exit(?:ed)?[ _-]?(?:with )?(?:code|status|value)|exited with|return[ _-]?(?:code|status)",
        r"exit ?[:=]|rc ?[:=]|%?errorlevel%?|\$lastexitcode|exitcode",
    ]
    .join("|");
    let value = r#"[\s:=("'>]*(-?\d{1,10})(?:[^\w.]|\.\D|\.?$)"#;
    let words = format!(r"(?:(?:{before})[\s:.,(\[-]*)*?");
    Regex::new(&in_ascii(&format!("(?i)^[^\\w`'\"]*{words}(?:{name})(?: (?:code|status))?(?: (?:is|was|of))?{value}")))
        .ok()
});

/// The status of what a signal ended.
pub(super) const BY_SIGNAL: i64 = -1;

/// A line that says that a signal ended the program.
static SIGNAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let before = "(?:the |your )?(?:process|command|program|script|child|job|task)? ?(?:was |has been )?";
    let ended = "(?:terminated|killed|died|stopped|interrupted|ended|exited|aborted|crashed)";
    Regex::new(&in_ascii(&format!(r"(?i)^(?:<status>|\W)*{before}{ended} (?:by|with|on|from|due to) (?:a )?signal\b")))
        .ok()
});

/// The prompt of a shell that shows how the last command ended: `❯ ✘ 101`, `127 ↵ %`.
static IN_PROMPT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(&in_ascii(r"^[^\n]{0,40}?(?:[✘✗✖] ?(\d{1,3})|(\d{1,3}) ?↵)[^\w\n]{0,8}$")).ok());

/// The status in the last line, if it is a prompt that shows one.
fn in_prompt(text: &str) -> Option<i64> {
    let last = text.trim_end().lines().next_back()?;
    let prompt = last.contains(['❯', '➜', 'λ', '$', '%', '#', '↵']);
    if !prompt || last.len() > 80 || !last.contains(['✘', '✗', '✖', '↵']) {
        return None;
    }
    let groups = IN_PROMPT.as_ref()?.captures(last)?;
    groups.get(1).or_else(|| groups.get(2))?.as_str().parse().ok()
}

/// The exit status that a text reports. What a reader shows may say anything: there, a report at the end counts only
/// if it stands apart, in brackets or after a blank line.
pub(super) fn reported(text: &str, by_reader: bool) -> Option<i64> {
    let (head, tail) = windows(text);
    if let Some(status) = in_prompt(tail) {
        return Some(status);
    }
    // Most texts report none, and that is quickly seen.
    if !is_hinted(head) && !is_hinted(tail) {
        return None;
    }
    let tag = TAG.as_ref()?;
    if let Some(status) =
        [head, tail].iter().filter(|window| window.contains("</")).find_map(|window| status(tag, window))
    {
        return Some(status);
    }
    let line = LINE.as_ref()?;
    let first = head.lines().filter(|text| !text.trim().is_empty()).take(LINES);
    let mut beginning = first.enumerate().filter(|(at, text)| *at == 0 || header(text)).map(|(_, text)| text);
    if let Some(status) = beginning.find_map(|text| status(line, text)) {
        return Some(status);
    }
    let mut lines = tail.lines().rev().peekable();
    let mut seen = 0;
    while let Some(text) = lines.next() {
        if text.trim().is_empty() {
            continue;
        }
        if let Some(status) = status(line, text) {
            let apart = text.trim_start().starts_with(['[', '(', '<'])
                || lines.peek().is_none_or(|above| above.trim().is_empty());
            return (!by_reader || apart).then_some(status);
        }
        seen += 1;
        if seen == LINES {
            break;
        }
    }
    None
}

/// `Wall time: 0.2 seconds`: a line of a wrapper's head.
fn header(line: &str) -> bool {
    line.split_once(':').is_some_and(|(name, _)| {
        name.len() < 24 && name.chars().all(|sign| sign.is_alphabetic() || " _-".contains(sign))
    }) || line.starts_with(['[', '('])
}

/// Whether a text has a part of a word that every report has.
fn is_hinted(text: &str) -> bool {
    const HINTS: [&str; 9] = ["xit", "XIT", "eturn", "ETURN", "rc", "RC", "level", "LEVEL", "ignal"];
    HINTS.iter().any(|hint| memchr::memmem::find(text.as_bytes(), hint.as_bytes()).is_some())
}

fn status(pattern: &Regex, text: &str) -> Option<i64> {
    // Finding groups is slow where there are none.
    if !is_hinted(text) {
        return None;
    }
    if !pattern.is_match(text) {
        return SIGNAL.as_ref().is_some_and(|signal| signal.is_match(text)).then_some(BY_SIGNAL);
    }
    pattern.captures(text)?.get(1)?.as_str().parse().ok()
}

/// The ends of a text, cut between characters.
fn windows(text: &str) -> (&str, &str) {
    (&text[..text.floor_char_boundary(WINDOW)], &text[text.ceil_char_boundary(text.len().saturating_sub(WINDOW))..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_found_in_every_spelling() {
        for (text, expected) in [
            ("Exit code: 1\nWall time: 2 s\nOutput:\nx", 1),
            ("x\n\nCommand exited with code 0", 0),
            ("x\n[The command completed with exit code 2.]", 2),
            ("<returncode>2</returncode>\n<output>\nx\n</output>", 2),
            ("<result>\n<exitcode>0</exitcode>\n<stdout>x</stdout></result>", 0),
            ("exitcode: 0 (execution succeeded)\nCode output: \nx", 0),
            ("Error: Exit code 1\n./a.sh: line 1", 1),
            ("x\nProcess finished with exit code -9", -9),
            ("x\nexit status 2", 2),
            ("Command failed with exit status 3: npm test", 3),
            ("Command `npm test` failed (exit code 4)", 4),
            ("x\n[exit code: 130]", 130),
            ("Directory: (root)\nStdout: fine\nExit Code: 0\nSignal: (none)", 0),
            ("x\nrc=1", 1),
            ("x\r\n\r\n%ERRORLEVEL%=3", 3),
            ("x\n<status>killed by signal SIGTERM</status>", BY_SIGNAL),
            ("x\nProcess terminated with signal 9", BY_SIGNAL),
            ("x\n~/w ❯ ✘ 7", 7),
            ("x\n127 ↵ %", 127),
        ] {
            assert_eq!(reported(text, false), Some(expected), "{text}");
        }
    }

    #[test]
    fn other_numbers_are_none() {
        for text in [
            "make: *** [Makefile:146: shoal] Error 2",
            "web-1 exited with code 137, says the log\nand more\nand more\nand more\nand more",
            "the manual says that exit code 1 means no match",
            "137",
            "exit code 1.5",
            "",
        ] {
            assert_eq!(reported(text, false), None, "{text}");
        }
        let log = "step one\nProcess completed with exit code 1.";
        assert_eq!((reported(log, true), reported(log, false)), (None, Some(1)));
        assert_eq!(reported("step one\n\nCommand exited with code 1", true), Some(1));
    }
}
