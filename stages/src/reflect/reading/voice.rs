//! Who speaks in an error, and what about: whether it blames the call itself (an unknown action, its arguments, a
//! policy) or what came of it. A program that was called properly may complain of options, fields and rights of its
//! own; only a message about this tool or one of its own arguments blames the call.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::deed::tells_deed;
use super::tool_kind::ToolKind;
use crate::pattern::in_ascii;
use crate::reflect::arguments::Arguments;
use crate::reflect::finding::head;
use crate::reflect::rule_set::RuleSet;

/// How much of a message is read.
const ENOUGH: usize = 1_200;
/// How far into a message it must begin to say that there is no such action.
const BEGINNING: usize = 300;

/// The call that a message may blame.
#[derive(Debug)]
pub(super) struct Blamed<'c, 'a> {
    pub(super) kind: ToolKind,
    pub(super) name: Option<&'a str>,
    pub(super) arguments: &'c Arguments<'a>,
    /// Whether a wrapper says that it is the framework that speaks.
    pub(super) by_framework: bool,
    /// Whether the message is known to be an error.
    pub(super) is_error: bool,
    /// Whether the call hands on what others answer to: a command line, an address.
    pub(super) relays: bool,
    pub(super) rules: &'c RuleSet,
}

impl Blamed<'_, '_> {
    /// Whether programs or things that were read may speak, whose matters are their own. An error of who reads is not
    /// what was read.
    fn others_may_speak(&self) -> bool {
        match self.kind {
            ToolKind::Program => !self.by_framework,
            ToolKind::Reader => !self.by_framework && (self.relays || !self.is_error),
            _ => false,
        }
    }

    /// Whether the message says that there is no such tool or action.
    pub(super) fn as_unknown(&self, message: &str) -> bool {
        let beginning = head(message, BEGINNING);
        if self.rules.unknown_action.is_match(beginning) {
            let of_its_value = || self.rules.alternatives.is_match(beginning) && self.names_value(beginning);
            return !self.others_may_speak() || self.is_named_as_tool(beginning) || of_its_value();
        }
        // `You don't have search. You can use: …`
        self.rules.alternatives.is_match(beginning)
            && self.names_tool(beginning)
            && self.rules.error_sentences.is_match(beginning)
    }

    /// Whether the message blames the arguments.
    pub(super) fn as_malformed(&self, message: &str) -> bool {
        let message = head(message, ENOUGH);
        if self.rules.unreadable_arguments.is_match(message) {
            let of_arguments = self.are_unreadable() || (self.speaks_of_arguments(message) && !self.others_may_speak());
            if of_arguments {
                return true;
            }
        }
        // A key that a server does not take is no argument.
        let lower = head(message, BEGINNING).to_lowercase();
        if KEYS_AND_RIGHTS.iter().any(|word| lower.contains(word)) && !self.by_framework {
            return false;
        }
        // `POST https://…: 422 …`: what a server answered to the tool.
        if message.contains("://")
            && [": 4", " 4"].iter().any(|status| is_status(message, status))
            && !self.by_framework
        {
            return false;
        }
        let ours = || {
            self.names_tool(message) || self.names_argument(message) || self.rules.framework_errors.is_match(message)
        };
        if self.rules.malformed_arguments.is_match(message) && (!self.others_may_speak() || ours()) {
            return true;
        }
        // `No app named 'muzic'. Use one of: …`: a value that is none of those the tool knows.
        !self.others_may_speak() && self.rules.alternatives.is_match(message) && self.names_value(message)
    }

    /// What of the message refuses: its beginning, or from where the refusal begins if that is far in.
    pub(super) fn as_refused<'m>(&self, message: &'m str) -> Option<&'m str> {
        let beginning = head(message, self.rules.refusal_characters);
        if message.len() > 2 * self.rules.refusal_characters.max(beginning.len()) {
            return None;
        }
        // A server that does not take a key denies; it forbids nothing.
        if ["REQUEST_DENIED", "This key ", "API key", "api key"].iter().any(|denied| beginning.contains(denied)) {
            return None;
        }
        // What was set up may forbid.
        if !self.is_error && tells_deed(message) {
            return None;
        }
        // In a world of text others speak too.
        let spoken = message.starts_with(['"', '“', '«', '\''])
            || [" says", " tells", " shouts"].iter().any(|verb| message.contains(verb));
        if self.kind == ToolKind::Game && spoken {
            return None;
        }
        // Who looks up what is allowed is not refused.
        if self.kind == ToolKind::Lookup && !self.is_error {
            return None;
        }
        let own = (!self.others_may_speak()).then_some(&self.rules.refusal);
        let patterns = own.into_iter().chain([&self.rules.wrapper_refusal]).find(|list| list.is_match(beginning))?;
        let quote = head(beginning, self.rules.quote_characters);
        if patterns.is_match(quote) { Some(quote) } else { patterns.find(beginning) }
    }

    /// Arguments that were recorded and are no JSON object.
    fn are_unreadable(&self) -> bool {
        !self.arguments.is_empty() && !self.arguments.json().is_some_and(Value::is_object)
    }

    fn speaks_of_arguments(&self, message: &str) -> bool {
        let lower = head(message, BEGINNING).to_lowercase();
        ["argument", "action input", "tool input", "parameter", "tool call", "function call"]
            .iter()
            .any(|word| lower.contains(word))
    }

    /// A program's own words may hold its tool's name by chance: `bash: x: command not found`.
    fn is_named_as_tool(&self, message: &str) -> bool {
        let Some(name) = self.name else { return false };
        let listed = self.rules.alternatives.is_match(message);
        is_word_of(name, message)
            && (listed || !message.starts_with(name) && !self.rules.standing_messages.is_match(message))
    }

    /// A name like `git` or `python` is that of a program as well: it must be spoken of as a tool.
    fn names_tool(&self, message: &str) -> bool {
        let Some(name) = self.name else { return false };
        let last = name.rsplit("__").next().unwrap_or(name);
        let spoken_of = |name: &str| {
            name.contains(['_', '-'])
                || message.contains(&format!("{name}()"))
                || message.strip_prefix(name).is_some_and(|rest| rest.starts_with(['(', ' ']))
                || ["tool ", "Tool ", "function ", "for "].iter().any(|noun| {
                    let mut behind = message.match_indices(noun).map(|(at, _)| &message[at + noun.len()..]);
                    behind.any(|rest| rest.trim_start_matches(['"', '\'', '`']).starts_with(name))
                })
        };
        [name, last].into_iter().any(|name| is_word_of(name, message) && spoken_of(name))
    }

    /// An argument's name in quotes, before a colon, or after a word for arguments.
    fn names_argument(&self, message: &str) -> bool {
        let Some(Value::Object(arguments)) = self.arguments.json() else { return false };
        // What a program is given in is a name of its own matters too: `argument command: invalid choice`.
        let handed = ["command", "cmd", "code", "input", "query", "sql", "url", "data", "args", "path"];
        arguments.keys().filter(|key| key.len() > 1).any(|key| {
            let quoted = [('\'', '\''), ('"', '"'), ('`', '`'), ('<', '>')].iter().any(|(open, close)| {
                message
                    .match_indices(key.as_str())
                    .any(|(at, _)| message[..at].ends_with(*open) && message[at + key.len()..].starts_with(*close))
            });
            let before_colon = message.match_indices(key.as_str()).any(|(at, _)| {
                let (before, after) = (&message[..at], &message[at + key.len()..]);
                (before.is_empty() || before.ends_with(['\n', ' ', '.', '/', '-']))
                    && (after.starts_with(':') || after.starts_with('\n'))
            });
            let is_common = self.kind == ToolKind::Program && handed.contains(&key.as_str());
            quoted || before_colon && !is_common
        })
    }

    fn names_value(&self, message: &str) -> bool {
        let Some(Value::Object(arguments)) = self.arguments.json() else { return false };
        let mut texts = arguments.values().filter_map(Value::as_str);
        texts.any(|text| !text.is_empty() && text.len() < 80 && is_word_of(text, message))
    }
}

/// What an exception says where tools are called from code: that there is no such tool, not that a name of the code's
/// own is wrong.
static NO_SUCH_TOOL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let tools = "api|app|tool|plugin|skill";
    Regex::new(&in_ascii(&format!(
        r"(?i)\b(?:no|unknown|unrecogni[sz]ed|unsupported|undefined) (?:{tools})\b(?: named| called| with|:| ['\x22`])|\b(?:{tools}) ['\x22`]?\S+ (?:not found|does not exist|is not (?:available|registered|known))|\bnot among the (?:explicitly )?allowed tools"
    )))
    .ok()
});

/// Whether the line that ends a traceback says so.
pub(super) fn calls_unknown_tool(line: &str) -> bool {
    NO_SUCH_TOOL.as_ref().is_some_and(|pattern| pattern.is_match(line))
}

/// Whether a message holds an HTTP status of a bad request behind these signs.
fn is_status(message: &str, begin: &str) -> bool {
    message.match_indices(begin).any(|(at, _)| {
        let mut rest = message[at + begin.len()..].bytes();
        let digits = rest.by_ref().take(2).filter(u8::is_ascii_digit).count() == 2;
        digits && rest.next().is_none_or(|sign| matches!(sign, b' ' | b'\n' | b':'))
    })
}

/// What speaks of who may, not of what was asked.
const KEYS_AND_RIGHTS: &[&str] = &[
    "invalid token",
    "token is ",
    "token has ",
    "api key",
    "apikey",
    "access token",
    "credential",
    "unauthori",
    "authenticat",
    "password",
    "signature",
];

/// `This document is …`: words of who reads, not of what was read.
pub(super) fn names_thing_read(line: &str) -> bool {
    const THINGS: [&str; 29] = [
        "document",
        "file",
        "page",
        "url",
        "image",
        "index",
        "site",
        "directory",
        "path",
        "repository",
        "resource",
        "collection",
        "table",
        "dataset",
        "sheet",
        "worksheet",
        "bucket",
        "branch",
        "channel",
        "folder",
        "archive",
        "request",
        "reading",
        "fetching",
        "opening",
        "loading",
        "downloading",
        "domain",
        "host",
    ];
    let mut words = line.split_whitespace().map(str::to_lowercase);
    let first = words.next().unwrap_or_default();
    let thing = if matches!(first.as_str(), "this" | "the") { words.next().unwrap_or_default() } else { first };
    THINGS.contains(&thing.as_str())
}

/// Whether a text holds a word, with nothing before and after it that could be part of it.
pub(super) fn is_word_of(word: &str, text: &str) -> bool {
    let part = |sign: char| sign.is_alphanumeric() || sign == '_';
    !word.is_empty()
        && text
            .match_indices(word)
            .any(|(at, _)| !text[..at].ends_with(part) && !text[at + word.len()..].starts_with(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blamed<T>(kind: ToolKind, name: &str, arguments: &str, ask: impl Fn(&Blamed<'_, '_>) -> T) -> T {
        let (arguments, rules) = (Arguments::new(Some(arguments)), RuleSet::built_in());
        ask(&Blamed {
            kind,
            name: Some(name),
            arguments: &arguments,
            by_framework: false,
            is_error: true,
            relays: false,
            rules: &rules,
        })
    }

    #[test]
    fn a_program_blames_the_call_only_by_its_name_or_an_argument() {
        let malformed =
            |kind, message: &str| blamed(kind, "run_code", r#"{"cod": "f()"}"#, |call| call.as_malformed(message));
        let missing = "TypeError: f() missing 1 required positional argument: 'a'";
        assert!(malformed(ToolKind::Api, missing) && !malformed(ToolKind::Program, missing));
        assert!(malformed(ToolKind::Program, "Error: run_code() got an unexpected keyword argument"));
        assert!(malformed(ToolKind::Program, "unexpected argument 'cod'"));
    }

    #[test]
    fn arguments_that_cannot_be_read_are_blamed_if_they_are_no_json() {
        let message = "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)";
        let malformed = |arguments| blamed(ToolKind::Program, "run", arguments, |call| call.as_malformed(message));
        assert!(malformed("{'a': 1}") && !malformed(r#"{"a": 1}"#));
    }

    #[test]
    fn an_unknown_action_is_that_of_the_call() {
        let unknown = |kind, message: &str| blamed(kind, "bash", "{}", |call| call.as_unknown(message));
        assert!(unknown(ToolKind::Api, "Unknown tool look"));
        assert!(unknown(ToolKind::Program, "Error: unknown tool 'bash'. Available tools: run"));
        assert!(!unknown(ToolKind::Program, "bash: look: command not found"));
        assert!(!unknown(ToolKind::Program, "error: unknown command 'look'"));
    }

    #[test]
    fn a_value_that_is_none_of_those_listed_is_an_argument_at_fault() {
        let malformed =
            |message: &str| blamed(ToolKind::Api, "play", r#"{"app": "muzic"}"#, |call| call.as_malformed(message));
        assert!(malformed("No app named 'muzic'. Use one of: music, mail."));
        assert!(!malformed("No app named 'muzic'."));
    }

    #[test]
    fn what_a_server_answered_to_the_tool_blames_no_argument() {
        let malformed = |message: &str| blamed(ToolKind::Api, "send", "{}", |call| call.as_malformed(message));
        assert!(malformed("failed: validation failed: missing field x"));
        assert!(!malformed("failed: POST https://api.example.org/x: 422 validation failed: missing field x"));
    }

    #[test]
    fn tools_that_code_calls_may_be_unknown() {
        assert!(calls_unknown_tool("Exception: No API named 'send_al' in the mail app."));
        assert!(calls_unknown_tool("Error: tool 'look' is not available"));
        for other in ["NameError: name 'look' is not defined", "Error: unknown option 'app'", "no tools"] {
            assert!(!calls_unknown_tool(other), "{other}");
        }
    }

    #[test]
    fn a_key_that_is_not_taken_is_no_argument() {
        let malformed = |message: &str| blamed(ToolKind::Api, "send", "{}", |call| call.as_malformed(message));
        assert!(malformed("Missing required field: key") && !malformed("Missing required field: API key"));
    }

    #[test]
    fn a_refusal_states_a_prohibition() {
        let refused =
            |kind, message: &str| blamed(kind, "run", "{}", |call| call.as_refused(message).map(str::to_owned));
        assert!(refused(ToolKind::Api, "Refused: refunds are against company policy.").is_some());
        assert!(refused(ToolKind::Program, "Command blocked: `sudo` is not allowed in this sandbox.").is_some());
        for denied in ["cp: /etc/a: Permission denied", "403 Forbidden", "Operation not permitted"] {
            assert_eq!(refused(ToolKind::Program, denied), None, "{denied}");
        }
        let long = format!("not allowed: {}", "x ".repeat(500));
        assert_eq!(refused(ToolKind::Api, &long), None);
    }
}
