//! The lines at the ends of a text, and what their shapes say: tracebacks and the exceptions that end them, sums of
//! runners, diagnostics of programs.

use std::sync::LazyLock;

use regex::Regex;

use super::command;
use crate::pattern::{Patterns, in_ascii};
use crate::reflect::rule_set::RuleSet;

/// How much is read at either end of a text that is longer than both.
const WINDOW: usize = 2_500;
/// A result of at most so many lines and bytes is short.
const SHORT_LINES: usize = 5;
pub(super) const SHORT_BYTES: usize = 700;
/// Within how many lines from the end an exception or a sum must stand.
const CLOSING: usize = 8;
/// How many lines from either end are looked at for shapes, and how much of each.
const OUTER: usize = 10;
const OUTER_BYTES: usize = 300;

/// A prompt of a shell or an interpreter, up to where something may be typed.
static PROMPT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let prompts = [
        r"(?:\([\w.-]+\) ?)?[\w.-]+@[\w.-]+[: ] ?[^\s$#%>]* ?[$#%>]",
        r"\[[\w.-]+@[^\]\n]+\][$#]",
        r"PS [A-Za-z]:\\[^\n>]*>",
        r"[A-Za-z]:\\[^\n>]*>",
        r"(?:bash|sh|zsh)-[\d.]+[$#]",
        r"\$",
        r"[❯λ]",
        r">>>",
        r"[\w~/.-]+ +[➜❯λ] ?",
        r"➜ +\S+(?: git:\(\S+\))?(?: ✗)?",
        r"In \[\d+\]:",
    ];
    Regex::new(&in_ascii(&format!(r"^(?:{})(?: |$)", prompts.join("|")))).ok()
});

/// An exception by its name: `torch.OutOfMemoryError: CUDA …`, `KeyError('a')`.
static EXCEPTION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let kinds = "Error|Exception|Exit|Interrupt|Iteration|Timeout|Expired|Failure|Fault";
    Regex::new(&in_ascii(&format!(r"^(?:[A-Za-z_]\w*\.)*(?:[A-Z]\w*)?(?:{kinds})(?:$|: |:$|\()|^Exception: "))).ok()
});

/// A line of a traceback.
static FRAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let frames = [
        r#"\s*(?:\|\s*)?File "[^"\n]+", line \d+"#,
        r"Traceback \(most recent call last\)",
        r".*\bTraceback:?$",
        r"Cell In\s?\[\d+\]",
        r"\s+at .+[:)]",
        r"\s*from .+:\d+:in ",
        r"Caused by: ",
    ];
    Regex::new(&in_ascii(&format!("^(?:{})", frames.join("|")))).ok()
});

/// Whether a line is one of a traceback; most lines cannot be, by how they begin.
fn is_frame(line: &str) -> bool {
    let may_be = line.starts_with([' ', '\t', 'F', 'T', 'C', '|', 'f']) || line.ends_with(['k', ':']);
    may_be && matches(&FRAME, line)
}

fn matches(pattern: &LazyLock<Option<Regex>>, line: &str) -> bool {
    pattern.as_ref().is_some_and(|pattern| pattern.is_match(line))
}

/// The lines that are not blank at both ends of a text.
#[derive(Debug)]
pub(super) struct Lines<'t> {
    head: Vec<&'t str>,
    tail: Vec<&'t str>,
    is_short: bool,
}

impl<'t> Lines<'t> {
    /// The lines of a text, without prompts, and without the names of streams.
    pub(super) fn of(text: &'t str) -> Self {
        let text = answered(text);
        let whole = text.len() <= 2 * WINDOW;
        let tail = if whole { text } else { &text[text.ceil_char_boundary(text.len() - WINDOW)..] };
        let tail = lines(tail);
        let head = if whole { tail.clone() } else { lines(&text[..text.floor_char_boundary(WINDOW)]) };
        let is_short = whole && text.len() <= SHORT_BYTES && tail.len() <= SHORT_LINES;
        Self { head, tail, is_short }
    }

    pub(super) fn first(&self) -> &'t str {
        self.head.first().copied().unwrap_or_default().trim()
    }

    pub(super) fn last(&self) -> &'t str {
        self.tail.last().copied().unwrap_or_default().trim()
    }

    /// Whether the text is no longer than a message.
    pub(super) fn is_short(&self) -> bool {
        self.is_short
    }

    pub(super) fn is_single(&self) -> bool {
        self.is_short && self.tail.len() == 1
    }

    /// The exception that ends the text: behind the last frame of a traceback, or by its name in the last line.
    pub(super) fn exception(&self) -> Option<&'t str> {
        self.raised().or_else(|| self.named_exception())
    }

    /// The exception that a traceback tells of.
    pub(super) fn raised(&self) -> Option<&'t str> {
        let count = self.tail.len();
        if let Some(frame) = self.tail.iter().rposition(|line| is_frame(line)) {
            let behind = |line: &&&str| !line.starts_with([' ', '\t', '^', '|']);
            let exception = self.tail[frame + 1..].iter().find(behind);
            let place = self.tail[frame + 1..].iter().position(|line| Some(line) == exception).map(|at| at + frame + 1);
            if let Some(place) = place.filter(|place| count - place <= CLOSING) {
                let line = self.tail[place];
                if matches(&EXCEPTION, line) || is_raised(line) {
                    return Some(line);
                }
            }
            // Java and JavaScript name it before the frames.
            let before =
                self.tail[..frame].iter().rev().find(|line| !is_frame(line) && !line.starts_with(char::is_whitespace));
            let named = before.filter(|line| {
                matches(&EXCEPTION, line.trim_start_matches("Uncaught ")) || line.starts_with("Exception in thread")
            });
            if count - frame <= CLOSING && named.is_some() {
                return named.copied();
            }
        }
        None
    }

    fn named_exception(&self) -> Option<&'t str> {
        // Without frames it is the last line, or the first before a few words of help; `Error:` alone may be printed.
        let named = |line: &&str| matches(&EXCEPTION, line) && !line.starts_with("Error");
        let outer =
            [self.last(), self.first()].into_iter().find(named).filter(|line| self.is_short || *line == self.last());
        outer.or_else(|| Some(self.last()).filter(|last| matches(&EXCEPTION, last)))
    }

    /// A line near the end in which a runner sums up failures.
    pub(super) fn failed_summary(&self, rules: &RuleSet) -> Option<&'t str> {
        let closing = &self.tail[self.tail.len().saturating_sub(CLOSING)..];
        let sums = |line: &&&str| {
            let line = line.trim();
            rules.failed_summaries.is_match(&line[..line.floor_char_boundary(OUTER_BYTES)])
                && !line.starts_with(['✓', '✔', '√'])
        };
        closing.iter().find(sums).copied()
    }

    /// Whether it is a table of a database: `---+---` below its head, `(2 rows)` below its rows.
    pub(super) fn is_table(&self) -> bool {
        let counts = |line: &str| {
            let inner = line.trim_matches(['(', ')', '.']);
            let (number, rest) = inner.split_once(' ').unwrap_or_default();
            !number.is_empty()
                && number.bytes().all(|sign| sign.is_ascii_digit())
                && (matches!(rest, "row" | "rows") || rest.starts_with("row in set") || rest.starts_with("rows in set"))
        };
        let is_rule = |line: &&&str| {
            let line = line.trim();
            (line.contains("-+-") || line.starts_with("+--")) && line.chars().all(|sign| "-+|=".contains(sign))
        };
        counts(self.last()) || self.head.iter().take(4).any(|line| is_rule(&line))
    }

    /// Whether the last lines say that all went well.
    pub(super) fn passed(&self, rules: &RuleSet) -> bool {
        self.tail.iter().rev().take(2).any(|line| rules.passed_summaries.is_match(line.trim()))
    }

    /// A line of this shape, near the beginning or the end.
    pub(super) fn find(&self, patterns: &Patterns) -> Option<&'t str> {
        let first = self.head.iter().take(OUTER);
        let last = self.tail.iter().rev().take(OUTER);
        let shaped = |line: &&&str| {
            let line = line.trim_start();
            patterns.is_match(&line[..line.floor_char_boundary(OUTER_BYTES)])
        };
        first.chain(last).find(shaped).copied()
    }

    /// A line near the beginning or the end for which this holds.
    pub(super) fn any(&self, holds: impl Fn(&str) -> bool) -> Option<&'t str> {
        let outer = self.head.iter().take(OUTER).chain(self.tail.iter().rev().take(OUTER));
        outer.copied().find(|line| line.len() <= OUTER_BYTES && holds(line.trim_start()))
    }

    /// The first or the last line, if it has this shape.
    pub(super) fn outer(&self, patterns: &Patterns) -> Option<&'t str> {
        [self.first(), self.last()].into_iter().find(|line| patterns.is_match(line))
    }

    /// The first or the last line, if it complains of an operand of this command line.
    pub(super) fn complaint_of_operand(&self, command_line: &str, rules: &RuleSet) -> Option<&'t str> {
        [self.last(), self.first()].into_iter().find(|line| speaks_of_operand(line, command_line, rules))
    }

    /// The first or the last line, if one of the programs of this command line complains in it: `cat: b: …`.
    pub(super) fn complaint(&self, command_line: &str, rules: &RuleSet) -> Option<&'t str> {
        let of = |line: &str| {
            let (name, rest) = line.split_once([':', '：'])?;
            let (name, rest) =
                (command::program(name.trim()), rest.strip_prefix(' ').or(line.split_once('：').map(|_| rest))?);
            let is_called = |name: &str| {
                command::commands(command_line).any(|words| command::program(words[0]) == name)
                    || name == "sudo" && command_line.contains("sudo ")
            };
            // What git says of itself, in any language.
            let fatal = self.is_short && matches!(name, "fatal" | "致命错误" | "erreur fatale");
            if fatal && ["git", "hg", "svn"].into_iter().any(is_called) {
                return Some(());
            }
            let called = is_called(name);
            let warns = ["warning", "WARNING", "note", "info", "INFO"].iter().any(|word| rest.starts_with(word));
            (called && !warns && {
                rest.contains(": ")
                    || [&rules.standing_messages, &rules.error_sentences].iter().any(|list| list.is_match(rest))
            })
            .then_some(())
        };
        [self.last(), self.first()].into_iter().find(|line| of(line).is_some())
    }
}

/// `a.mp4: Invalid data`: whether a line speaks of an operand of the command.
fn speaks_of_operand(line: &str, command_line: &str, rules: &RuleSet) -> bool {
    let Some((name, rest)) = line.split_once(": ") else { return false };
    let name = name.trim().trim_matches(['\'', '"', '`']);
    name.len() > 2
        && !rest.starts_with("warning")
        && command_line.split_whitespace().any(|word| word.trim_matches(['\'', '"']) == name)
        && [&rules.standing_messages, &rules.error_sentences].iter().any(|list| list.is_match(rest))
}

/// `StopIteration`, or `some.module.Thing: text`: what stands behind a traceback.
fn is_raised(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or(line);
    !name.is_empty() && name.len() < 80 && name.chars().all(|sign| sign.is_alphanumeric() || "._".contains(sign))
}

/// What follows the command that a text world echoes: `> look`. Several such lines are quotes.
fn answered(text: &str) -> &str {
    let rest = text.strip_prefix("> ").and_then(|rest| rest.split_once('\n')).map(|(_, rest)| rest);
    rest.filter(|rest| !rest.trim().is_empty() && !rest.starts_with('>') && !rest.contains("\n>")).unwrap_or(text)
}

fn lines(text: &str) -> Vec<&str> {
    let (mut lines, mut earlier): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let line = bare(line);
        if line.trim().is_empty() || is_label(line) {
            continue;
        }
        match typed(line) {
            // What stands above a command is the answer to an earlier one.
            Some(typed) if !typed.trim().is_empty() => earlier.append(&mut lines),
            Some(_) => {}
            None => lines.push(line),
        }
    }
    if lines.is_empty() { earlier } else { lines }
}

/// What was typed behind the prompt that a line begins with.
fn typed(line: &str) -> Option<&str> {
    // Every prompt ends in one of these, and most lines have none.
    if !line.contains(['$', '#', '%', '>', ']', '➜', '❯', 'λ']) {
        return None;
    }
    let prompt = PROMPT.as_ref()?.find(line)?;
    Some(&line[prompt.end()..])
}

/// A line without a tag around it.
fn bare(line: &str) -> &str {
    let mut line = line.trim_end();
    if let Some(rest) = line.strip_prefix('<')
        && let Some((name, rest)) = rest.split_once('>')
        && name.len() < 24
        && name.chars().all(|sign| sign.is_ascii_alphabetic() || "_-/".contains(sign))
    {
        line = rest;
    }
    if line.ends_with('>')
        && let Some((before, name)) = line.rsplit_once("</")
        && name.len() < 24
    {
        line = before;
    }
    line
}

/// `[stderr]`, `Stdout:`, or `Error: (none)`: the name of a stream, and no more.
fn is_label(line: &str) -> bool {
    let line = line.trim();
    // A heading of what follows, not the name of a stream.
    if line == "ERROR:" {
        return false;
    }
    let bracketed = line.starts_with(['[', '-', '=']).then_some((line, ""));
    let Some((name, value)) = line.split_once(':').or(bracketed) else { return false };
    let name = name.trim_matches(['[', ']', '-', '=', '*', ' ']);
    let known = ["stdout", "stderr", "output", "error", "errors", "signal", "result", "return value", "exit code"];
    known.iter().any(|known| name.eq_ignore_ascii_case(known))
        && matches!(value.trim(), "" | "(none)" | "(empty)" | "none" | "None" | "null" | "[]" | "\"\"" | "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_and_names_of_streams_are_no_lines() {
        let screen = "ann@box:~$ ls\nold\nann@box:~$ make\n[stderr]\nbroken\nann@box:~$ ";
        let lines = Lines::of(screen);
        assert_eq!((lines.first(), lines.last(), lines.is_single()), ("broken", "broken", true));
        // Nothing was answered yet: what stands above is all there is.
        assert_eq!(Lines::of("[timeout] no prompt\nann@box:~$ sleep 300").last(), "[timeout] no prompt");
        assert_eq!(Lines::of("# 404 Not Found\ntext").first(), "# 404 Not Found");
        assert_eq!(Lines::of("Stdout: fine\nError: (none)").last(), "Stdout: fine");
        assert_eq!(Lines::of("> take lamp\nToo hot.").first(), "Too hot.");
        assert_eq!(Lines::of("> a\n> b\nc").first(), "> a");
        assert_eq!(Lines::of("❯ make\nbroken\n❯ ").first(), "broken");
        assert_eq!(Lines::of("").first(), "");
    }

    #[test]
    fn the_exception_that_ends_a_text_is_found() {
        for (text, expected) in [
            (
                "x\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\n    g()\nKeyError: 'a'",
                Some("KeyError: 'a'"),
            ),
            ("Traceback (most recent call last):\n  File \"a.py\", line 1\nStop\nmore", Some("Stop")),
            ("TypeError: no\n    at f (a.js:1:2)\n    at g (a.js:3:4)\n\nNode.js v20", Some("TypeError: no")),
            ("fine\nValueError: bad", Some("ValueError: bad")),
            ("Traceback (most recent call last):", None),
            ("ValueError: bad\nthen\nmany\nmore\nlines\nfollowed", None),
        ] {
            assert_eq!(Lines::of(text).exception(), expected, "{text}");
        }
    }

    #[test]
    fn sums_of_runners_count_unless_they_are_zero() {
        let rules = RuleSet::built_in();
        for failed in
            ["1 failed, 3 passed in 0.1s", "FAILED (failures=2)", "FAIL\tx\t0.1s", "not ok 3", "2 errors generated."]
        {
            assert!(Lines::of(failed).failed_summary(&rules).is_some(), "{failed}");
        }
        for passed in ["4 passed, 0 failed", "0 errors, 2 warnings", "✓ shows an error after 3 failed attempts"] {
            assert_eq!(Lines::of(passed).failed_summary(&rules), None, "{passed}");
        }
        assert!(Lines::of("    0 Warning(s)\n    0 Error(s)").passed(&rules));
    }

    #[test]
    fn a_program_complains_under_its_name() {
        let rules = RuleSet::built_in();
        let complaint = |text| Lines::of(text).complaint("cd /srv && cat a b | sort", &rules);
        assert_eq!(complaint("text of a\ncat: b: nicht da"), Some("cat: b: nicht da"));
        assert_eq!(complaint("grep: b: nicht da"), None);
        assert_eq!(complaint("cat: warning: b: short"), None);
        let of_git = |text| Lines::of(text).complaint("git log -3", &rules);
        assert_eq!(of_git("fatal: kein Verzeichnis von Git"), Some("fatal: kein Verzeichnis von Git"));
        assert_eq!(of_git("致命错误：这里没有仓库"), Some("致命错误：这里没有仓库"));
        assert_eq!(complaint("fatal: a line of b"), None);
        let of_operand = |text| Lines::of(text).complaint_of_operand("play -i song.mp4 out.gif", &rules);
        assert!(of_operand("song.mp4: Invalid data found").is_some());
        assert_eq!(of_operand("other.mp4: Invalid data found"), None);
    }

    #[test]
    fn tables_of_databases_are_known_by_their_rules() {
        for table in [
            "error\n-----\nERROR: full\n(1 row)",
            " a | b\n---+---\n 1 | 2",
            "+---+\n| a |\n+---+\n2 rows in set (0.0 sec)",
        ] {
            assert!(Lines::of(table).is_table(), "{table}");
        }
        for other in ["-----\nERROR: full", "3 rows failed", "a\n==+==\nb"] {
            assert!(!Lines::of(other).is_table(), "{other}");
        }
    }

    /// What lies between the ends of a long text is not read.
    #[test]
    fn long_texts_are_read_at_their_ends() {
        let text = format!("first\n{}last", "é line of many\n".repeat(10_000));
        let lines = Lines::of(&text);
        assert_eq!((lines.first(), lines.last(), lines.is_short()), ("first", "last", false));
        assert!(lines.head.len() + lines.tail.len() < 1_000);
    }
}
