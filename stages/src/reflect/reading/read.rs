//! The order in which a result is read: what wrappers say, then what the record says, then words, and those by who
//! speaks. Patterns are data; what may decide, and before what, stands here.

use std::borrow::Cow;

use super::command;
use super::deed::{did_as_asked, first_sentence, is_no_answer, is_own_fault, tells_deed};
use super::echo::{is_numbered, without_echoes};
use super::exit_status;
use super::halt::halted;
use super::lines::{Lines, SHORT_BYTES};
use super::markup::error_page;
use super::peel::{Peeled, peel};
use super::place;
use super::sums::counts_failures;
use super::tone::{acts, sounds_faulty, sounds_undone};
use super::tool_kind::{Tool, ToolKind, tool};
use super::voice::{Blamed, calls_unknown_tool, is_word_of, names_thing_read};
use super::world::{is_about_player, looks};
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
    // What code prints is the code's; a sandbox answers in JSON.
    let is_printed =
        answer.result.trim_start().starts_with("{'") && code(&answer).is_some_and(|code| code.contains("print("));
    let enveloped = signals
        .error
        .as_ref()
        .filter(|said| !is_printed && (!is_content || names_what_was_asked_for(&said.message, &answer)));
    let words = enveloped.map_or(&*text, |said| said.message.as_str()).trim();
    let by_framework =
        tagged_error || rules.framework_errors.is_match(head(words.lines().next().unwrap_or_default(), BEGINNING));
    let blamed = Blamed {
        kind: tool.kind,
        name: answer.name,
        arguments: answer.arguments,
        by_framework,
        is_error: false,
        relays: tool.line.is_some() || asks_server(&answer),
        rules,
    };
    let marked = answer.marked_error || by_framework;
    let sums = || tool.kind == ToolKind::Program && is_data && counts_failures(&text);
    let error: Option<Cow<'_, str>> = if exit.is_some() {
        Some(failing_line(&lines, rules))
    } else if let Some(said) = enveloped {
        Some(Cow::Borrowed(said.quote.as_str()))
    } else if marked {
        Some(Cow::Borrowed(&text))
    } else if is_data {
        sums().then(|| Cow::Borrowed(&*text))
    } else {
        let believed = if signals.success { ToolKind::Reader } else { tool.kind };
        let of_server = !signals.success && !runs_code(&answer) && (!by_reader || asks_server(&answer));
        let page = if of_server { error_page(&text) } else { None };
        page.or_else(|| worded(&lines, Tool { kind: believed, ..tool }, &answer, rules)).map(Cow::Borrowed)
    };
    reading.error = error.as_deref().map(|error| quoted(error, answer.result, rules));
    let message = if error.is_some() { words } else { lines.first() };
    // A text that is neither short nor an error is nobody's message.
    let speaks = error.is_some()
        || (!is_data && !signals.success && (lines.is_short() || tool.kind == ToolKind::Game) && !by_reader);
    let blamed = Blamed { is_error: error.is_some(), ..blamed };
    reading.add_own(&answer, rules);
    if speaks && (exit.is_none() || lines.is_short()) {
        let at = |holds: bool| holds.then(|| quoted(message, answer.result, rules));
        let ending = error.as_deref().filter(|error| tool.kind == ToolKind::Program && message.len() > error.len());
        let unknown = || at(blamed.as_unknown(message) || ending.is_some_and(calls_unknown_tool));
        reading.unknown = reading.unknown.or_else(unknown);
        let malformed = || error.as_ref().and_then(|_| at(blamed.as_malformed(message)));
        reading.malformed = reading.malformed.or_else(malformed);
        // A traceback ends in what was refused.
        let refused = [Some(message), ending].into_iter().flatten().find_map(|message| {
            let shown = blamed.as_refused(message)?;
            let is_own = error.is_some() || blamed.as_refused(&without_echoes(message, answer.arguments)).is_some();
            is_own.then_some(shown)
        });
        reading.refused = reading.refused.or_else(|| refused.map(|shown| quoted(shown, answer.result, rules)));
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
        // What was asked for are errors, or texts that somebody makes.
        ToolKind::Reader | ToolKind::Lookup if tool.asks_for_errors => None,
        ToolKind::Reader if tool.makes_text => {
            let of_call = || rules.error_sentences.is_match(first) && rules.malformed_arguments.is_match(first);
            (lines.is_short() && (rules.error.is_match(first) || of_call())).then_some(first)
        }
        ToolKind::Reader => match tool.line {
            Some(line) => {
                let complaint = lines.complaint(line, rules);
                let ends = [first, lines.last()];
                let says = || ends.into_iter().find(|line| lines.is_short() && rules.reader_errors.is_match(line));
                // A wrapper that does not run the command names it.
                let named =
                    || ["ommand", "sandbox", "shell"].iter().any(|word| first.contains(word)) || calls(line, first);
                let refuses = || lines.is_single() && rules.wrapper_refusal.is_match(first) && named();
                complaint.or_else(says).or_else(|| refuses().then_some(first))
            }
            None => {
                let names = names_what_was_asked_for(first, answer);
                // In a log, or in the line that a search found, it is not the reader who speaks.
                let quotes = shows_file(answer, None) && !names || is_hit(first);
                if quotes {
                    return None;
                }
                let about = || names || names_thing_read(first);
                let refuses = || [&rules.refusal, &rules.wrapper_refusal].iter().any(|list| list.is_match(first));
                let no_tool =
                    || rules.unknown_action.is_match(first) && answer.name.is_some_and(|name| is_word_of(name, first));
                let is_error = lines.is_short()
                    && (rules.error.is_match(first)
                        || rules.reader_errors.is_match(first) && !rules.empty_answers.is_match(first)
                        || no_tool())
                    || lines.is_single()
                        && (rules.service_errors.is_match(first) || about() && (sentence(first) || refuses()));
                is_error.then_some(first)
            }
        },
        ToolKind::Program => {
            if lines.is_table() || tool.line.is_none() && did_as_asked(first, answer) {
                return None;
            }
            // What code has caught it may print.
            let raised = if catches(answer) { lines.raised() } else { lines.exception() };
            if let Some(line) = raised.or_else(|| lines.failed_summary(rules)) {
                return Some(line);
            }
            if lines.passed(rules) {
                return None;
            }
            if let Some(line) = halted(lines) {
                return Some(line);
            }
            // What code prints is its own matter; what ends it is not.
            if runs_code(answer) {
                if catches(answer) {
                    return None;
                }
                return [&rules.diagnostics, &rules.error]
                    .iter()
                    .any(|list| list.is_match(lines.last()))
                    .then(|| lines.last());
            }
            let complaint = || tool.line.and_then(|line| lines.complaint(line, rules));
            let line =
                lines.find(&rules.diagnostics).or_else(|| lines.outer(&rules.standing_messages)).or_else(complaint);
            let of_operand = || tool.line.and_then(|line| lines.complaint_of_operand(line, rules));
            let line = line.or_else(|| lines.any(place::is_fault)).or_else(of_operand);
            // A client for data or pages answers in rows; a sentence is its own. A shell's program may say one alone.
            let says = || match tool.line {
                None => {
                    let heard = || sounds_faulty(first) && !rules.empty_answers.is_match(first);
                    let says = sentence(first) || rules.service_errors.is_match(first) || heard();
                    lines.is_short() && says && !did_as_asked(first, answer)
                }
                Some(_) => lines.is_single() && complains(first, rules),
            };
            line.or_else(|| (rules.error.is_match(first) || says()).then_some(first))
        }
        ToolKind::Game => {
            let fails = [&rules.game_errors, &rules.error].iter().any(|list| list.is_match(first));
            // Who looks at a locked door sees a locked door.
            (fails && (!looks(answer) || is_about_player(first))).then_some(first)
        }
        ToolKind::Editor | ToolKind::Browser | ToolKind::Lookup | ToolKind::Api => {
            if rules.error.is_match(first) {
                return Some(first);
            }
            // An editor's first words are its own, also above what it shows of a file.
            let says = lines.is_short() || tool.kind == ToolKind::Editor;
            let heard = |line: &str| {
                let acts = tool.kind != ToolKind::Lookup
                    && (matches!(tool.kind, ToolKind::Editor | ToolKind::Browser) || answer.name.is_some_and(acts));
                acts && lines.is_single()
                    && sounds_undone(line)
                    && !succeeded(line, rules)
                    && (tool.kind == ToolKind::Editor || !rules.empty_answers.is_match(line))
            };
            let says = |line: &str| {
                let line = &*without_echoes(line, answer.arguments);
                let of_service = !tool.asks_whether && rules.service_errors.is_match(line);
                says && (sentence(line) || of_service || heard(line)) && !did_as_asked(line, answer)
            };
            let last = || Some(lines.last()).filter(|line| !is_numbered(line));
            let ends = [Some(first), (tool.kind == ToolKind::Editor && lines.is_short()).then(last).flatten()];
            lines.exception().or_else(|| ends.into_iter().flatten().find(|line| says(line)))
        }
    }
}

/// Whether a line is a sentence that says that something went wrong.
fn sentence(line: &str, tool: Tool<'_>, rules: &RuleSet) -> bool {
    let line = head(line, BEGINNING);
    // That nothing was found is an answer to who asked for something, not to who wanted to act on it.
    let acts = matches!(tool.kind, ToolKind::Editor | ToolKind::Browser);
    let tells_of_itself = !tool.asks_for_state || tool.kind == ToolKind::Program;
    if tells_deed(line) {
        return false;
    }
    if tool.asks_whether {
        return is_no_answer(line) && !rules.empty_answers.is_match(line);
    }
    if tool.kind == ToolKind::Lookup && !is_own_fault(line) {
        return false;
    }
    (rules.error_sentences.is_match(line) || (tells_of_itself && rules.state_sentences.is_match(claim(line))))
        && !succeeded(line, rules)
        && (acts || !rules.empty_answers.is_match(line))
}

/// Whether a line begins with a program of this command line.
fn calls(command_line: &str, line: &str) -> bool {
    let first = line.split_whitespace().next().unwrap_or_default().trim_matches(['`', '\'', '"', ':']);
    command_line.split_whitespace().any(|word| command::program(word) == first)
}

/// The first sentence without what stands in brackets: `12.00 (express is not available)`.
fn claim(line: &str) -> &str {
    first_sentence(line).split(" (").next().unwrap_or_default()
}

/// Whether a line says that it went well: `no order was placed` does not.
fn succeeded(line: &str, rules: &RuleSet) -> bool {
    let first = first_sentence(line).to_lowercase();
    let denies = |word: &str| matches!(word, "no" | "not" | "nothing" | "none" | "neither" | "nobody" | "cannot");
    rules.success_sentences.is_match(line) && !first.split_whitespace().any(denies)
}

/// Whether the only line that a command printed says that it went wrong.
fn complains(line: &str, rules: &RuleSet) -> bool {
    rules.error_sentences.is_match(line)
        && !succeeded(line, rules)
        && !rules.empty_answers.is_match(line)
        && !tells_deed(line)
        && !line.starts_with(['"', '\''])
        && !["warning", "note: ", "info: "].iter().any(|word| line.to_ascii_lowercase().contains(word))
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
    code(answer).is_some()
}

fn code<'c>(answer: &Answer<'c, '_>) -> Option<&'c str> {
    answer.arguments.json()?.get("code")?.as_str()
}

/// Whether the code that the call hands over catches exceptions.
fn catches(answer: &Answer<'_, '_>) -> bool {
    code(answer).is_some_and(|code| ["except", "catch", "rescue"].iter().any(|word| code.contains(word)))
}

/// Whether a server answers, whose matters are its own.
fn asks_server(answer: &Answer<'_, '_>) -> bool {
    let Some(serde_json::Value::Object(arguments)) = answer.arguments.json() else { return false };
    arguments.values().filter_map(serde_json::Value::as_str).any(|value| value.contains("://"))
}

/// `src/a.py:3: …`: where a search found something.
fn is_hit(line: &str) -> bool {
    let mut parts = line.splitn(3, ':');
    let place = parts.next().is_some_and(|place| !place.is_empty() && !place.contains(' '));
    place && parts.next().is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
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
