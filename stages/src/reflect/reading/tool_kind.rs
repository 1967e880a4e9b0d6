//! What kind of tool was called, told from its name and its arguments: what a result's words are worth depends on who
//! speaks.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::command;
use crate::reflect::rule_set::RuleSet;

/// Kinds of tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ToolKind {
    /// Changes files.
    Editor,
    /// Acts on pages.
    Browser,
    /// A world of text.
    Game,
    /// Runs something: shells, interpreters, builds, tests, database and HTTP clients.
    Program,
    /// Shows something that was written elsewhere, or looks something up.
    Reader,
    /// Tells the state of something in words of its own.
    Lookup,
    /// Any other tool with a name.
    Api,
}

/// In which order the words of a name are asked; a verb of reading that comes first goes before programs.
const ORDER: [ToolKind; 6] =
    [ToolKind::Editor, ToolKind::Browser, ToolKind::Game, ToolKind::Program, ToolKind::Reader, ToolKind::Lookup];

/// Words of names that tell of a terminal, whatever else is in them: one writes to it.
const TERMINALS: [&str; 10] =
    ["bash", "shell", "terminal", "xterm", "tty", "pty", "tmux", "ssh", "powershell", "console"];
/// What a browser shows that others wrote.
const SHOWN_BY_BROWSERS: [&str; 10] =
    ["console", "log", "logs", "messages", "network", "history", "snapshot", "content", "text", "html"];

/// What one opens to read it.
const READ_WHEN_OPEN: [&str; 14] = [
    "document", "doc", "url", "link", "image", "email", "mail", "message", "thread", "result", "note", "article",
    "book", "pdf",
];

/// Programs by which one looks at what others do.
const PROGRAMS_THAT_SHOW: [&str; 9] = ["git", "docker", "podman", "kubectl", "k8s", "helm", "gh", "systemctl", "aws"];

/// Second words of names that begin with a program.
const VERBS_OF_READING: [&str; 13] =
    ["get", "logs", "log", "show", "describe", "status", "diff", "ps", "inspect", "events", "history", "blame", "top"];

/// Words of programs that are verbs of everything else as well.
const COMMON: [&str; 5] = ["make", "process", "request", "cell", "code"];

/// What is shown as it stands, by the last word of a name.
const SHOWN: [&str; 10] =
    ["text", "html", "markdown", "content", "contents", "source", "transcript", "attribute", "title", "snapshot"];

/// Last words of names that ask how something stands.
const STATES: [&str; 6] = ["status", "state", "progress", "condition", "health", "tracking"];

/// Words of names that ask for what went wrong.
const ERRORS: [&str; 8] = ["error", "errors", "failure", "failures", "failed", "exceptions", "incidents", "alerts"];

/// Words of names of what makes texts.
const MAKING: &[&str] = &[
    "critic",
    "critique",
    "reviewer",
    "review",
    "translate",
    "translation",
    "summarize",
    "summarise",
    "summary",
    "draft",
    "compose",
    "classify",
    "ocr",
    "transcribe",
    "transcript",
    "caption",
    "paraphrase",
    "generate",
    "think",
    "thought",
    "thinking",
];

/// First words of names that ask whether something holds.
const ASKING: [&str; 11] = ["can", "is", "are", "was", "were", "has", "does", "should", "check", "verify", "validate"];

/// A tool as far as its results are concerned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tool<'c> {
    pub(super) kind: ToolKind,
    /// The command line, if it has one.
    pub(super) line: Option<&'c str>,
    /// Whether it asks for the state of something, so that its result may tell of failures that are not its own.
    pub(super) asks_for_state: bool,
    /// Whether it asks a question that `no` is an answer to: `can_cancel`, `get_order_status`.
    pub(super) asks_whether: bool,
    /// Whether it asks for errors: `get_last_error`.
    pub(super) asks_for_errors: bool,
    /// Whether it makes texts of its own, or shows one as it stands: `translate`, `get_text`.
    pub(super) makes_text: bool,
}

/// What kind of tool this is. Without a name it is a game's action where every action is a call.
pub(super) fn tool<'c>(name: Option<&str>, arguments: Option<&'c Value>, rules: &RuleSet) -> Tool<'c> {
    let arguments = arguments.and_then(Value::as_object);
    let Some(name) = name else {
        let kind = if rules.every_action_is_a_call { ToolKind::Game } else { ToolKind::Api };
        return Tool {
            kind,
            line: None,
            asks_for_state: false,
            asks_whether: false,
            asks_for_errors: false,
            makes_text: false,
        };
    };
    let words = words(name);
    let first_is = |kind| words.first().is_some_and(|first| is(first, kind, rules));
    let kind = rules.kinds.get(name).copied().unwrap_or_else(|| by_name(&words, arguments, rules));
    let line = arguments.filter(|_| kind == ToolKind::Program).and_then(command::line);
    let shows = kind == ToolKind::Program && line.is_some_and(|line| command::only_shows(line, rules));
    let kind = if shows { ToolKind::Reader } else { kind };
    let asks_for_state = matches!(kind, ToolKind::Reader | ToolKind::Program | ToolKind::Lookup)
        || (kind != ToolKind::Api && (first_is(ToolKind::Reader) || first_is(ToolKind::Lookup)));
    let any_of = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    let last_of = |known: &[&str]| words.last().is_some_and(|last| known.contains(&last.as_str()));
    let asks_whether = kind != ToolKind::Api
        && (words.first().is_some_and(|first| ASKING.contains(&first.as_str()))
            || kind == ToolKind::Lookup && last_of(&STATES));
    let asks_for_errors = line.is_none() && any_of(&ERRORS);
    let makes_text = line.is_none() && (any_of(MAKING) || last_of(&SHOWN));
    Tool { kind, line, asks_for_state, asks_whether, asks_for_errors, makes_text }
}

/// The program that a call hands over in this argument; a voucher has a code too.
fn program<'c>(arguments: Option<&'c Map<String, Value>>, key: &str) -> Option<&'c str> {
    let text = arguments?.get(key)?.as_str()?;
    text.contains([' ', '\n', '(', '=', '.', '"', '\'', '[']).then_some(text)
}

fn is(word: &str, kind: ToolKind, rules: &RuleSet) -> bool {
    rules.tool_words.tell(word, kind)
}

fn by_name(words: &[String], arguments: Option<&Map<String, Value>>, rules: &RuleSet) -> ToolKind {
    let argument = |key: &str| arguments.and_then(|arguments| arguments.get(key)).and_then(Value::as_str);
    let has = |kind| words.iter().any(|word| is(word, kind, rules));
    let first_is = |kind| words.first().is_some_and(|first| is(first, kind, rules));
    let reads_first = first_is(ToolKind::Reader) || first_is(ToolKind::Lookup);
    let any_of = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    let types = any_of(&["type", "fill", "input", "enter", "click"]);
    if has(ToolKind::Browser) && any_of(&SHOWN_BY_BROWSERS) && !types {
        return ToolKind::Reader;
    }
    // To check in is to act.
    if let [verb, place, ..] = words
        && verb == "check"
        && matches!(place.as_str(), "in" | "out")
    {
        return ToolKind::Api;
    }
    // `get_text` shows what is there; `get_user` answers.
    let shown = words.last().is_some_and(|last| SHOWN.contains(&last.as_str()));
    if reads_first && shown {
        return ToolKind::Reader;
    }
    if any_of(&TERMINALS) {
        // Without anything to run, the tool itself answers.
        let empty = arguments.is_some_and(Map::is_empty);
        return if empty { ToolKind::Api } else { ToolKind::Program };
    }
    let of_files = any_of(&["file", "files", "directory", "folder"]);
    if has(ToolKind::Editor) || (of_files && !reads_first && !has(ToolKind::Reader)) {
        // Editors with several commands also show files.
        let shows = matches!(argument("command"), Some("view" | "read" | "open" | "show" | "list"));
        return if shows { ToolKind::Reader } else { ToolKind::Editor };
    }
    if of_files {
        return ToolKind::Reader;
    }
    // What is opened to be read, and what is opened to be used.
    let opens = words.len() > 1 && words.iter().all(|word| word == "open" || !is(word, ToolKind::Reader, rules));
    if first_is(ToolKind::Reader) && opens && !any_of(&READ_WHEN_OPEN) && ORDER[..4].iter().all(|kind| !has(*kind)) {
        return ToolKind::Api;
    }
    // `kubectl_get`, `docker_logs`: a program and its verb that reads.
    if let [program, verb] = words
        && PROGRAMS_THAT_SHOW.contains(&program.as_str())
        && VERBS_OF_READING.contains(&verb.as_str())
    {
        return ToolKind::Reader;
    }
    // `make_payment` is no `make`.
    let runs = words
        .iter()
        .any(|word| is(word, ToolKind::Program, rules) && !(words.len() > 1 && COMMON.contains(&word.as_str())));
    let listed = ORDER.into_iter().find(|kind| match kind {
        ToolKind::Program => !reads_first && runs,
        _ => has(*kind),
    });
    listed.unwrap_or_else(|| {
        let runs = program(arguments, "code").or_else(|| program(arguments, "sql")).is_some();
        if runs { ToolKind::Program } else { ToolKind::Api }
    })
}

/// The words of a name, in lower case: `repo__getFile` has three.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for sign in name.chars() {
        let begins = !sign.is_alphanumeric() || (was_lower && sign.is_uppercase());
        if begins && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        was_lower = sign.is_lowercase() || sign.is_ascii_digit();
        if sign.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(sign.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty() && word != "mcp");
    words
}

/// The words of names, each with the kinds that it tells: asked for every call.
#[derive(Clone, Debug, Default)]
pub(in crate::reflect) struct ToolWords {
    kinds: HashMap<String, u8>,
    /// Words of scripts that put no space between them.
    unspaced: Vec<(String, u8)>,
}

impl ToolWords {
    /// The words of these lists.
    pub(in crate::reflect) fn new(lists: &BTreeMap<ToolKind, Vec<String>>) -> Self {
        let mut kinds = HashMap::new();
        for (kind, words) in lists {
            for word in words {
                *kinds.entry(word.to_lowercase()).or_default() |= 1 << *kind as u8;
            }
        }
        let mut unspaced: Vec<_> =
            kinds.clone().into_iter().filter(|(word, _)| word.chars().all(is_unspaced)).collect();
        unspaced.sort();
        Self { kinds, unspaced }
    }

    fn tell(&self, word: &str, kind: ToolKind) -> bool {
        let tells = |kinds: &u8| kinds & (1 << kind as u8) != 0;
        match self.kinds.get(word) {
            Some(kinds) => tells(kinds),
            None if word.contains(is_unspaced) => {
                self.unspaced.iter().any(|(part, kinds)| tells(kinds) && word.contains(part.as_str()))
            }
            None => false,
        }
    }
}

/// Signs of Chinese, Japanese and Korean.
fn is_unspaced(sign: char) -> bool {
    matches!(sign, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_into_words() {
        assert_eq!(words("mcp__repo__getFile"), ["repo", "get", "file"]);
        assert_eq!(words("OrderPlugin-find2"), ["order", "plugin", "find2"]);
    }

    #[test]
    fn kinds_are_told_from_names_and_arguments() {
        let rules = RuleSet::built_in();
        let kind =
            |name: &str, arguments: &str| tool(Some(name), serde_json::from_str(arguments).ok().as_ref(), &rules).kind;
        for (name, arguments, expected) in [
            ("bash", r#"{"command": "make"}"#, ToolKind::Program),
            ("bash", r#"{"command": "cat a"}"#, ToolKind::Reader),
            ("terminal_write", r#"{"text": "make"}"#, ToolKind::Program),
            ("execute_sql", "{}", ToolKind::Program),
            ("solve", r#"{"code": "f(1)"}"#, ToolKind::Program),
            ("str_replace_editor", r#"{"command": "view"}"#, ToolKind::Reader),
            ("str_replace_editor", r#"{"command": "create"}"#, ToolKind::Editor),
            ("search_replace", "{}", ToolKind::Editor),
            ("write_file", "{}", ToolKind::Editor),
            ("readFile", "{}", ToolKind::Reader),
            ("web_search", "{}", ToolKind::Reader),
            ("get_user_details", "{}", ToolKind::Lookup),
            ("browser_click", "{}", ToolKind::Browser),
            ("browser_console_messages", "{}", ToolKind::Reader),
            ("env_step", "{}", ToolKind::Game),
            ("book_flight", "{}", ToolKind::Api),
            ("open_mail", "{}", ToolKind::Reader),
            ("open_account", "{}", ToolKind::Api),
            ("redeem", r#"{"code": "SPRING"}"#, ToolKind::Api),
            ("page_get_text", "{}", ToolKind::Reader),
            ("get_page_text", "{}", ToolKind::Reader),
            ("can_cancel", "{}", ToolKind::Lookup),
            ("make_payment", "{}", ToolKind::Api),
            ("make", "{}", ToolKind::Program),
            ("docker_logs", "{}", ToolKind::Reader),
            ("check_in", "{}", ToolKind::Api),
            ("mostrar_pedido", "{}", ToolKind::Reader),
            ("注文検索", "{}", ToolKind::Reader),
            ("delegate_work", "{}", ToolKind::Reader),
        ] {
            assert_eq!(kind(name, arguments), expected, "{name} {arguments}");
        }
    }

    #[test]
    fn a_rule_file_may_say_otherwise() {
        let sources = "{tools: {look: {kind: game}}, tool_words: {program: [brew]}}";
        let rules = RuleSet::load(&serde_yaml::from_str(sources).unwrap(), std::path::Path::new("")).unwrap().0;
        assert_eq!(tool(Some("look"), None, &rules).kind, ToolKind::Game);
        assert_eq!(tool(Some("brew"), None, &rules).kind, ToolKind::Program);
        assert_eq!(tool(None, None, &rules).kind, ToolKind::Api);
    }
}
