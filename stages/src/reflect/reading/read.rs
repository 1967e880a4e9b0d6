//! The order in which a result is read: what wrappers say, then what the record says, then words, and those by who
//! speaks. Patterns are data; what may decide, and before what, stands here.

use std::borrow::Cow;

use super::exit_status;
use super::lines::{Lines, SHORT_BYTES};
use super::peel::{Peeled, peel};
use super::tool_kind::{Tool, ToolKind, tool};
use super::voice::{Blamed, is_word_of};
use crate::pattern::Patterns;
use crate::reflect::arguments::Arguments;
use crate::reflect::finding::head;
use crate::reflect::rule_set::RuleSet;

/// A call and what came back.
#[derive(Clone, Copy, Debug)]
pub(in crate::reflect) struct Answer<'c, 'a> {
    pub(in crate::reflect) name: Option<&'a str>,
    pub(in crate::reflect) arguments: &'c Arguments<'a>,
    pub(in crate::reflect) result: &'a str,
    pub(in crate::reflect) marked_error: bool,
}

/// How much of a line is read as a message.
const BEGINNING: usize = 400;

/// What a result says of its call. Each text is what shows it, as it stands in the result.
#[derive(Debug, Default, PartialEq)]
pub(in crate::reflect) struct Reading<'a> {
    /// It is an error.
    pub(in crate::reflect) error: Option<&'a str>,
    /// It says that there is no such action.
    pub(in crate::reflect) unknown: Option<&'a str>,
    /// It blames the arguments.
    pub(in crate::reflect) malformed: Option<&'a str>,
    /// It refuses.
    pub(in crate::reflect) refused: Option<&'a str>,
    /// The program ran and reported a status: its call was legal.
    pub(in crate::reflect) ran: bool,
}

/// Reads a result.
pub(in crate::reflect) fn read<'a>(answer: Answer<'_, 'a>, rules: &RuleSet) -> Reading<'a> {
    let tool = tool(answer.name, answer.arguments.json(), rules);
    let Peeled { text, signals, is_data, tagged_error } = peel(answer.result, tool.asks_for_state, rules);
    let by_reader = tool.kind == ToolKind::Reader;
    let exit = signals.exit.or_else(|| (!is_data).then(|| exit_status::reported(&text, by_reader)).flatten());
    let mut reading = Reading { ran: exit.is_some(), ..Reading::default() };
    if exit == Some(0) {
        return reading;
    }
    // A long text that was read is never a message of who reads.
    let is_shown = by_reader && tool.line.is_none() && exit.is_none() && text.len() > SHORT_BYTES;
    let lines = Lines::of(if is_data || is_shown { "" } else { &text });
    // What is in a file may look like an envelope; one around the file speaks of it.
    let is_content = by_reader && shows_file(&answer, tool.line);
    let enveloped =
        signals.error.as_ref().filter(|said| !is_content || names_what_was_asked_for(&said.message, &answer));
    let words = enveloped.map_or(&*text, |said| said.message.as_str()).trim();
    let by_framework =
        tagged_error || rules.framework_errors.is_match(head(words.lines().next().unwrap_or_default(), BEGINNING));
    let blamed = Blamed {
        kind: tool.kind,
        name: answer.name,
        arguments: answer.arguments,
        by_framework,
        is_error: false,
        rules,
    };
    let marked = answer.marked_error || by_framework;
    let error: Option<Cow<'_, str>> = if exit.is_some() {
        Some(failing_line(&lines, rules))
    } else if let Some(said) = enveloped {
        Some(Cow::Borrowed(said.quote.as_str()))
    } else if marked {
        Some(Cow::Borrowed(&text))
    } else if is_data {
        None
    } else {
        let believed = if signals.success { ToolKind::Reader } else { tool.kind };
        worded(&lines, Tool { kind: believed, ..tool }, &answer, rules).map(Cow::Borrowed)
    };
    reading.error = error.as_deref().map(|error| quoted(error, answer.result, rules));
    let message = if error.is_some() { words } else { lines.first() };
    // A text that is neither short nor an error is nobody's message.
    let speaks = error.is_some()
        || (!is_data && !signals.success && (lines.is_short() || tool.kind == ToolKind::Game) && !by_reader);
    reading.add_own(&answer, rules);
    if speaks && (exit.is_none() || lines.is_short()) {
        let at = |holds: bool| holds.then(|| quoted(message, answer.result, rules));
        reading.unknown = reading.unknown.or_else(|| at(blamed.as_unknown(message)));
        let malformed = || error.as_ref().and_then(|_| at(blamed.as_malformed(message)));
        reading.malformed = reading.malformed.or_else(malformed);
        let blamed = Blamed { is_error: error.is_some(), ..blamed };
        let refused = || blamed.as_refused(message).map(|shown| quoted(shown, answer.result, rules));
        reading.refused = reading.refused.or_else(refused);
    }
    reading
}

impl<'a> Reading<'a> {
    /// Adds what patterns of a pipeline's own show.
    fn add_own(&mut self, answer: &Answer<'_, 'a>, rules: &RuleSet) {
        let shown = |patterns: &Patterns, text: &'a str| {
            let beginning = head(text, rules.quote_characters);
            let far = || patterns.find(text).map(|found| head(found, rules.quote_characters));
            if patterns.is_match(beginning) { Some(beginning) } else { far() }
        };
        let result = answer.result;
        self.unknown = shown(&rules.own.unknown_action, result);
        self.error = self.error.or_else(|| shown(&rules.own.error, result));
        self.malformed = self.error.and_then(|_| shown(&rules.own.malformed_arguments, result));
        self.refused = shown(&rules.own.refusal, head(result, rules.refusal_characters));
    }
}

/// The line that tells best why a program ended as it did.
fn failing_line<'t>(lines: &Lines<'t>, rules: &RuleSet) -> Cow<'t, str> {
    let line = lines.exception().or_else(|| lines.find(&rules.diagnostics)).or_else(|| lines.failed_summary(rules));
    Cow::Borrowed(line.unwrap_or_else(|| lines.first()))
}

/// What of the words says that it is an error, by the kind of tool that they come from.
fn worded<'t>(lines: &Lines<'t>, tool: Tool<'_>, answer: &Answer<'_, '_>, rules: &RuleSet) -> Option<&'t str> {
    let first = head(lines.first(), BEGINNING);
    let sentence = |line: &str| sentence(line, tool, rules);
    match tool.kind {
        ToolKind::Reader => match tool.line {
            Some(line) => {
                let complaint = lines.complaint(line, rules);
                complaint.or_else(|| (lines.is_short() && rules.reader_errors.is_match(first)).then_some(first))
            }
            None => {
                let names = names_what_was_asked_for(first, answer);
                // In a log, or in the line that a search found, it is not the reader who speaks.
                let quotes = shows_file(answer, None) && !names || is_hit(first);
                if quotes {
                    return None;
                }
                let about = || names || names_thing_read(first);
                let is_error = lines.is_short() && rules.error.is_match(first)
                    || lines.is_single()
                        && ([&rules.service_errors, &rules.reader_errors].iter().any(|list| list.is_match(first))
                            || about() && sentence(first));
                is_error.then_some(first)
            }
        },
        ToolKind::Program => {
            if let Some(line) = lines.exception().or_else(|| lines.failed_summary(rules)) {
                return Some(line);
            }
            if lines.passed(rules) {
                return None;
            }
            // What code prints is its own matter; what ends it is not.
            if runs_code(answer) {
                return [&rules.diagnostics, &rules.error]
                    .iter()
                    .any(|list| list.is_match(lines.last()))
                    .then(|| lines.last());
            }
            let complaint = || tool.line.and_then(|line| lines.complaint(line, rules));
            let line =
                lines.find(&rules.diagnostics).or_else(|| lines.outer(&rules.standing_messages)).or_else(complaint);
            // A client for data or pages answers in rows; a sentence is its own.
            let says = || tool.line.is_none() && lines.is_short() && sentence(first);
            line.or_else(|| (rules.error.is_match(first) || says()).then_some(first))
        }
        ToolKind::Game => [&rules.game_errors, &rules.error].iter().any(|list| list.is_match(first)).then_some(first),
        ToolKind::Editor | ToolKind::Browser | ToolKind::Lookup | ToolKind::Api => {
            if rules.error.is_match(first) {
                return Some(first);
            }
            lines.exception().or_else(|| (lines.is_short() && sentence(first)).then_some(first))
        }
    }
}

/// Whether a line is a sentence that says that something went wrong.
fn sentence(line: &str, tool: Tool<'_>, rules: &RuleSet) -> bool {
    let line = head(line, BEGINNING);
    // That nothing was found is an answer to who asked for something, not to who wanted to act on it.
    let acts = matches!(tool.kind, ToolKind::Editor | ToolKind::Browser);
    let tells_of_itself = !tool.asks_for_state || tool.kind == ToolKind::Program;
    (rules.error_sentences.is_match(line) || (tells_of_itself && rules.state_sentences.is_match(line)))
        && !rules.success_sentences.is_match(line)
        && (acts || !rules.empty_answers.is_match(line))
}

/// Whether the call shows a file or the output of a command that does.
fn shows_file(answer: &Answer<'_, '_>, command_line: Option<&str>) -> bool {
    const KEPT_IN: [&str; 6] = [".json", ".jsonl", ".ndjson", ".log", ".out", ".har"];
    let Some(serde_json::Value::Object(arguments)) = answer.arguments.json() else { return false };
    let mut values = arguments.values().filter_map(serde_json::Value::as_str);
    command_line.is_some() || values.any(|value| KEPT_IN.iter().any(|ending| value.ends_with(ending)))
}

/// Whether the call hands over code.
fn runs_code(answer: &Answer<'_, '_>) -> bool {
    answer.arguments.json().and_then(|arguments| arguments.get("code")).is_some()
}

/// `src/a.py:3: …`: where a search found something.
fn is_hit(line: &str) -> bool {
    let mut parts = line.splitn(3, ':');
    let place = parts.next().is_some_and(|place| !place.is_empty() && !place.contains(' '));
    place && parts.next().is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `This document is …`: words of who reads, not of what was read.
fn names_thing_read(line: &str) -> bool {
    const THINGS: [&str; 11] =
        ["document", "file", "page", "url", "image", "index", "site", "directory", "path", "repository", "resource"];
    let mut words = line.split_whitespace().map(str::to_lowercase);
    let first = words.next().unwrap_or_default();
    let thing = if matches!(first.as_str(), "this" | "the") { words.next().unwrap_or_default() } else { first };
    THINGS.contains(&thing.as_str())
}

/// Whether a line names something that the call named: a value, or the tool itself.
fn names_what_was_asked_for(line: &str, answer: &Answer<'_, '_>) -> bool {
    let Some(serde_json::Value::Object(arguments)) = answer.arguments.json() else { return true };
    let mut values = arguments.values().filter_map(serde_json::Value::as_str);
    values.any(|value| {
        let name = value.rsplit('/').next().unwrap_or(value);
        is_word_of(value, line) || is_word_of(name, line)
    }) || answer.name.is_some_and(|name| is_word_of(name, line))
        || arguments.keys().any(|key| key.contains('_') && is_word_of(key, line))
}

/// As much of what shows a fault as a diagnosis quotes, as it stands in the result: what was decoded may not.
fn quoted<'a>(shown: &str, result: &'a str, rules: &RuleSet) -> &'a str {
    let result = result.trim();
    let shown = head(shown.trim(), rules.quote_characters);
    let lines = shown.lines().map(str::trim).filter(|line| !line.is_empty());
    [shown]
        .into_iter()
        .chain(lines)
        .find_map(|text| {
            let at = result.find(text).filter(|_| !text.is_empty())?;
            Some(&result[at..at + text.len()])
        })
        .unwrap_or_else(|| head(result, rules.quote_characters))
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    /// Compiled once for all cases.
    static RULES: LazyLock<RuleSet> = LazyLock::new(RuleSet::built_in);

    fn reading<'a>(name: &'a str, arguments: &'a str, result: &'a str) -> Reading<'a> {
        let arguments = Arguments::new(Some(arguments));
        read(Answer { name: Some(name), arguments: &arguments, result, marked_error: false }, &RULES)
    }

    const SHELL: (&str, &str) = ("bash", r#"{"command": "make"}"#);

    #[test]
    fn an_exit_status_decides_both_ways() {
        let error = |result: &'static str| reading(SHELL.0, SHELL.1, result).error;
        assert_eq!(error("error: denied\n[exit code 0]"), None);
        assert_eq!(error("all is well\n[exit code 3]"), Some("all is well"));
        assert_eq!(error(r#"{"output": "Permission denied", "exit_code": 0, "error": null}"#), None);
        assert!(error(r#"{"success": true, "output": "fine", "exit_code": 1}"#).is_some());
    }

    #[test]
    fn what_was_read_may_say_anything() {
        let cat = |result| reading("bash", r#"{"command": "cat a.log"}"#, result).error;
        assert_eq!(cat("ERROR: disk full\nTraceback (most recent call last):\nValueError: bad"), None);
        assert_eq!(cat("{\"error\": \"disk full\"}"), None);
        assert_eq!(cat("cat: a.log: No such file or directory"), Some("cat: a.log: No such file or directory"));
        let file = |result| reading("read_file", r#"{"path": "src/a.go"}"#, result).error;
        assert_eq!(file("package a\n// Error: not found"), None);
        assert_eq!(file("File not found: src/a.go"), Some("File not found: src/a.go"));
    }

    #[test]
    fn what_systems_deny_is_no_refusal() {
        for result in ["cp: /etc/a: Permission denied", "HTTP 403 Forbidden", "fatal: Authentication failed"] {
            let reading = reading("bash", r#"{"command": "cp a /etc/a"}"#, result);
            assert_eq!((reading.refused, reading.error.is_some()), (None, true), "{result}");
        }
    }

    #[test]
    fn what_shows_it_is_quoted_as_it_stands_in_the_record() {
        let decoded = reading("send", "{}", r#"{"error": "line one\nline \"two\""}"#);
        assert_eq!(decoded.error, Some(r#"line one\nline \"two\""#));
        let coloured = reading("bash", SHELL.1, "\u{1b}[31merror: \u{1b}[0mbroken");
        assert!(coloured.error.is_some_and(|quote| !quote.is_empty()));
    }

    /// Who writes a pattern knows what it stands for.
    #[test]
    fn patterns_of_a_pipeline_are_believed_wherever_they_match() {
        let sources = "{error: ['(?m)^BOOM'], refusal: ['(?i)only a manager may'], unknown_action: ['^Qu.?']}";
        let rules = RuleSet::load(&serde_yaml::from_str(sources).unwrap(), std::path::Path::new("")).unwrap().0;
        let arguments = Arguments::new(Some(r#"{"path": "a.log"}"#));
        let read = |result: &'static str| {
            read(Answer { name: Some("read_file"), arguments: &arguments, result, marked_error: false }, &rules)
        };
        assert_eq!(read("fine\nBOOM here").error, Some("fine\nBOOM here"));
        assert!(read(r#"{"id": 1, "note": "Only a manager may"}"#).refused.is_some());
        assert_eq!(read("Quoi?").unknown, Some("Quoi?"));
        assert_eq!(read("fine"), Reading::default());
    }

    proptest! {
        /// Whatever comes back, reading ends, and what it quotes stands there.
        #[test]
        fn quotes_stand_in_the_result(parts in prop::collection::vec(prop::sample::select(vec![
            "Error: ", "{\"error\": ", "\"", "}", "{", "[", "]", "\n", "<result>", "</result>", "```", "exit code: ", "1", "0",
            "\u{1b}[31m", "'", "é", "Traceback (most recent call last):\n", "  File \"a\", line 1", "not allowed", "$ ", "look",
            "Unknown tool", ": ", "missing required argument", "\\", "失败", "null", ",", " ",
        ]), 0..24), name in prop::sample::select(vec!["bash", "look", "read_file", "edit", "act", "click"]), marked: bool) {
            let result = parts.concat();
            let arguments = Arguments::new(Some(r#"{"command": "look; cat a", "path": "é"}"#));
            let answer = Answer { name: Some(name), arguments: &arguments, result: &result, marked_error: marked };
            let reading = read(answer, &RULES);
            prop_assert!(!marked || reading.error.is_some() || reading.ran);
            for quote in [reading.error, reading.unknown, reading.malformed, reading.refused].into_iter().flatten() {
                prop_assert!(result.contains(quote), "{:?}", quote);
            }
        }
    }
}
