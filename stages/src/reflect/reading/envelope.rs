//! JSON around a result: fields by which tools say whether they succeeded, at the top level or in a wrapper, and the
//! text that such a wrapper holds. Fields of the thing that was asked for are data, not an envelope.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::exit_status;
use super::literal;
use super::role::Role;
use super::said::{Said, said};
use crate::reflect::rule_set::RuleSet;

/// How deep wrappers are opened.
const DEPTH: usize = 4;

/// What wrappers say about the result that they hold.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Signals {
    /// The exit status of a program.
    pub(super) exit: Option<i64>,
    /// That it is an error, in the words of the wrapper.
    pub(super) error: Option<Said>,
    /// That it is none.
    pub(super) success: bool,
}

/// What is left of a result once its envelope was read.
#[derive(Debug, PartialEq)]
pub(super) enum Content {
    /// It is no JSON.
    Plain,
    /// The one text that the envelope holds.
    Text(String),
    /// Values that are nobody's words.
    Data,
}

/// Reads a text that may be JSON, or what Python prints for the same. `asks_for_state` says that the call asked for
/// something whose own fields may tell of failures.
pub(super) fn open(text: &str, asks_for_state: bool, rules: &RuleSet, signals: &mut Signals) -> Content {
    let json = match (text.as_bytes().first(), text.as_bytes().last()) {
        (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')) | (Some(b'"'), Some(b'"')) => text,
        (Some(b'A'..=b'Z'), Some(b')')) => {
            let Some(json) = literal::record(text) else { return Content::Plain };
            let reader = Reader { asks_for_state, rules };
            return reader.value(&json, DEPTH, signals).unwrap_or(Content::Plain);
        }
        _ => return Content::Plain,
    };
    let reader = Reader { asks_for_state, rules };
    if let Some(content) = reader.value(json, DEPTH, signals) {
        return content;
    }
    // Only what Python quotes differs from JSON.
    let python = json.bytes().take(3).any(|sign| sign == b'\'' || sign == b'(');
    match python.then(|| literal::to_json(json)).flatten() {
        Some(json) => reader.value(&json, DEPTH, signals).unwrap_or(Content::Plain),
        None => Content::Plain,
    }
}

struct Reader<'r> {
    asks_for_state: bool,
    rules: &'r RuleSet,
}

/// The fields of an object, their values unread.
struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = Fields<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some((Key(key), value)) = map.next_entry()? {
                    fields.push((key, value));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Map)
    }
}

#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl Reader<'_> {
    /// `None` for text that is no JSON.
    fn value(&self, json: &str, depth: usize, signals: &mut Signals) -> Option<Content> {
        match json.as_bytes().first() {
            Some(b'"') => Some(Content::Text(serde_json::from_str(json).ok()?)),
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(json).ok()?;
                if !self.asks_for_state && are_issues(&items) && signals.error.is_none() {
                    signals.error = Some(said(json, json));
                    return Some(Content::Data);
                }
                Some(match blocks(&items) {
                    Some(text) => Content::Text(text),
                    None => self.runs(&items, depth, signals).map_or(Content::Data, Content::Text),
                })
            }
            Some(b'{') => {
                let Fields(fields) = serde_json::from_str(json).ok()?;
                Some(self.object(json, &fields, depth, signals))
            }
            _ => serde_json::from_str::<&RawValue>(json).ok().map(|_| Content::Data),
        }
    }

    /// The outputs of several commands, `[{"stdout": "", "outcome": {"exit_code": 1}}]`; the last that failed tells how
    /// all went.
    fn runs(&self, items: &[&RawValue], depth: usize, signals: &mut Signals) -> Option<String> {
        const COMMANDS: usize = 16;
        let is_run = |item: &&RawValue| item.get().starts_with('{') && item.get().contains("\"stdout\"");
        if depth == 0 || items.is_empty() || items.len() > COMMANDS || !items.iter().all(is_run) {
            return None;
        }
        let mut texts = Vec::new();
        for item in items {
            let mut its = Signals::default();
            if let Some(Content::Text(text)) = self.value(item.get(), depth - 1, &mut its) {
                texts.push(text);
            }
            if its.exit.is_some_and(|exit| exit != 0) || signals.exit.is_none() {
                signals.exit = its.exit;
            }
        }
        Some(texts.join("\n"))
    }

    fn object(&self, json: &str, fields: &[(Cow<'_, str>, &RawValue)], depth: usize, signals: &mut Signals) -> Content {
        let mut roles: Vec<Role> = fields.iter().map(|(key, value)| Role::of(key, value.get(), self.rules)).collect();
        // A message of JSON-RPC has an id; so has most of what can be asked for.
        if !fields.iter().any(|(key, _)| key == "jsonrpc")
            && let Some(id) = fields.iter().position(|(key, _)| key == "id")
        {
            roles[id] = Role::Data;
        }
        let with = |role: Role| {
            let found = fields.iter().zip(&roles).filter(move |(_, its)| **its == role);
            found.map(|((key, value), _)| (key.as_ref(), value.get()))
        };
        // What tells nothing of a failure: no field, or one that is null or empty.
        let bare = !fields.iter().zip(&roles).any(|((_, value), role)| *role == Role::Data && !is_nothing(value.get()));
        let has_streams = fields.iter().any(|(key, _)| matches!(key.as_ref(), "stdout" | "stderr"));
        let said = |value: &str| said(json, value);

        let status = with(Role::Exit).find_map(|(_, value)| number(value));
        let of_process =
            has_streams.then(|| with(Role::Status).chain(with(Role::Code)).find_map(|(_, value)| number(value)));
        // What a signal ended has no code.
        let signal = has_streams && fields.iter().any(|(key, value)| key == "signal" && is_signal(value.get()));
        if signals.exit.is_none() {
            signals.exit = status.or(of_process.flatten()).or(signal.then_some(exit_status::BY_SIGNAL));
        }
        let always = |key: &str| matches!(key, "success" | "ok" | "Success" | "OK");
        let worded = with(Role::Message).next().is_some();
        let denied = |(key, value): &(&str, &str)| {
            let word = value.trim_matches('"');
            let is_false = word.eq_ignore_ascii_case("false") || word.eq_ignore_ascii_case("no");
            // `{"success": 0, "msg": …}`; beside data it is a count.
            let is_zero = *value == "0" && always(key) && bare && worded;
            (is_false && (always(key) || bare || !self.asks_for_state)) || is_zero
        };
        let mut error = with(Role::Success).find(denied).map(|_| said(json));
        let mut success = with(Role::Success).any(|(key, value)| always(key) && value.trim_matches('"') == "true");
        error = error.or_else(|| self.did_nothing(fields).then(|| said(json)));
        error = error.or_else(|| {
            let state = fields.iter().find(|(key, _)| key.eq_ignore_ascii_case("sqlstate"));
            state.filter(|(_, value)| is_failing_state(value.get())).map(|_| said(json))
        });
        error = error.or_else(|| with(Role::Failure).find(|(_, value)| *value == "true").map(|_| said(json)));
        // `{"status": 429, "headers": …}` is the answer of a server, not the state of what was asked for.
        let is_response =
            fields.iter().any(|(key, _)| matches!(key.as_ref(), "statusText" | "headers" | "status_text"));
        let http = with(Role::HttpStatus).chain(with(Role::Status)).filter_map(|(_, value)| number(value));
        let http =
            http.chain(with(Role::Code).filter_map(|(_, value)| number(value))).find(|code| (200..600).contains(code));
        if let Some(code) = http {
            match code {
                400.. if bare || !self.asks_for_state || is_response || with(Role::HttpStatus).next().is_some() => {
                    error = error.or_else(|| Some(said(json)));
                }
                200..400 => success = true,
                _ => {}
            }
        }
        // A status alone may be what was asked for.
        let alone = fields.len() == 1 && depth == DEPTH && !signals.success;
        if bare && (worded || !self.asks_for_state || alone) {
            for (key, value) in with(Role::Status) {
                let value = value.trim_matches('"');
                // The level of an alarm that was asked for.
                if self.asks_for_state && key == "level" {
                    continue;
                }
                // `not_merged` of who was to merge; of who asks it is a state.
                let undone = !self.asks_for_state && value.starts_with("not_");
                if undone || self.rules.failure_words.is_match(value) {
                    error = error.or_else(|| Some(said(json)));
                }
                success |= self.rules.success_words.is_match(value);
            }
        }
        if (bare || !self.asks_for_state) && worded {
            for (_, value) in with(Role::Code) {
                if bare && self.rules.failure_words.is_match(value.trim_matches('"')) {
                    error = error.or_else(|| Some(said(json)));
                }
                match number(value) {
                    Some(0) => success = true,
                    Some(200..400) | None => {}
                    Some(_) => error = error.or_else(|| Some(said(json))),
                }
            }
        }
        // `{"type": "tool_error", "error_code": "too_many"}`.
        let coded = with(Role::Code).find(|(key, value)| {
            let named = key.len() > 4 && key.to_ascii_lowercase().starts_with("err");
            named && value.starts_with('"') && number(value).is_none() && !is_nothing(value)
        });
        if bare && coded.is_some() {
            error = error.or_else(|| Some(said(json)));
        }
        let reported = with(Role::Error).find(|(key, value)| {
            // A count of errors is a measure, not an error; and what was asked for may have had errors of its own.
            let is_count = number(value).is_some() && key.ends_with('s');
            !is_nothing(value) && !is_count && (bare || !self.asks_for_state)
        });
        if let Some((_, value)) = reported {
            error = Some(if value == "true" { said(json) } else { said(value) });
        }
        // `{"detail": [{"loc": ["body", "date"], "msg": "field required"}]}`: a list of faults.
        let listed = with(Role::Message).any(|(_, value)| value.starts_with("[{") && value.contains("\"msg\""));
        if bare && listed {
            error = error.or_else(|| Some(said(json)));
        }
        success &= error.is_none();
        let decided = error.is_some() || success;
        if signals.error.is_none() {
            signals.error = error;
        }
        signals.success |= success;
        if depth == 0 || (decided && signals.error.is_some()) {
            return Content::Data;
        }
        self.content(fields, &roles, depth, signals)
    }

    /// `{"applied": 0, "rejected": [...]}`: none was done, and there is a list of what was not.
    fn did_nothing(&self, fields: &[(Cow<'_, str>, &RawValue)]) -> bool {
        let named = |list: &[String], key: &str| list.iter().any(|name| name.eq_ignore_ascii_case(key));
        let none =
            |(key, value): &(Cow<'_, str>, &RawValue)| value.get() == "0" && named(&self.rules.success_fields, key);
        let some = |(key, value): &(Cow<'_, str>, &RawValue)| {
            value.get().starts_with('[')
                && !is_nothing(value.get())
                && [&self.rules.failure_fields, &self.rules.error_fields].iter().any(|list| named(list, key))
        };
        fields.iter().any(none) && fields.iter().any(some)
    }

    /// What the object holds besides its envelope.
    fn content(
        &self,
        fields: &[(Cow<'_, str>, &RawValue)],
        roles: &[Role],
        depth: usize,
        signals: &mut Signals,
    ) -> Content {
        let mut texts: Vec<String> = Vec::new();
        let is_data = |(value, role): (&&RawValue, &Role)| *role == Role::Data && !is_empty(value.get());
        let mut data = fields.iter().map(|(_, value)| value).zip(roles).any(is_data);
        let only = fields.len() == 1;
        for ((key, value), role) in fields.iter().zip(roles) {
            let holds = matches!(role, Role::Wrapper | Role::Stream | Role::Message) || only;
            if !holds || is_nothing(value.get()) {
                continue;
            }
            // A wrapper's own fields are read one level down, also where data stand beside it.
            match value.get().as_bytes().first() {
                Some(b'{' | b'[') if *role != Role::Message => match self.value(value.get(), depth - 1, signals) {
                    Some(Content::Text(text)) => texts.push(text),
                    _ => data |= key != "outcome",
                },
                Some(b'"') => texts.extend(serde_json::from_str::<String>(value.get()).ok()),
                _ => data = true,
            }
        }
        if data || texts.is_empty() { Content::Data } else { Content::Text(texts.join("\n")) }
    }
}

/// `[{"code": "invalid_type", "path": ["id"], "message": "Required"}]`: what a validator lists.
fn are_issues(items: &[&RawValue]) -> bool {
    let is_issue = |item: &&RawValue| {
        let Ok(Fields(fields)) = serde_json::from_str(item.get()) else { return false };
        let has = |names: &[&str]| fields.iter().any(|(key, _)| names.contains(&key.as_ref()));
        has(&["message", "msg"]) && has(&["path", "loc", "instancePath"]) && has(&["code", "type", "keyword"])
    };
    !items.is_empty() && items.iter().all(is_issue)
}

/// The texts of a list of content blocks, if that is what it is.
fn blocks(items: &[&RawValue]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Block<'a> {
        #[serde(borrow, rename = "type")]
        kind: Cow<'a, str>,
        #[serde(borrow)]
        text: Option<Cow<'a, str>>,
    }
    let blocks: Vec<Block<'_>> =
        items.iter().map(|item| serde_json::from_str(item.get()).ok()).collect::<Option<_>>()?;
    let texts: Vec<&str> = blocks
        .iter()
        .filter(|block| block.kind.ends_with("text"))
        .map(|block| block.text.as_deref())
        .collect::<Option<_>>()?;
    (!texts.is_empty()).then(|| texts.join("\n"))
}

/// A number, also one in quotes.
fn number(value: &str) -> Option<i64> {
    value.trim_matches('"').parse().ok()
}

/// `"SIGKILL"`, or its number.
fn is_signal(value: &str) -> bool {
    value.starts_with("\"SIG") || number(value).is_some_and(|number| number != 0)
}

/// A state of SQL of another class than success, warning and no data.
fn is_failing_state(value: &str) -> bool {
    let state = value.trim_matches('"');
    state.len() == 5 && !["00", "01", "02"].iter().any(|class| state.starts_with(class))
}

/// Null, or nothing in it.
fn is_empty(value: &str) -> bool {
    matches!(value, "null" | "\"\"" | "[]" | "{}")
}

/// Null, false, zero, or empty, or a word for it.
fn is_nothing(value: &str) -> bool {
    let inner = value.trim_matches('"').trim();
    inner.is_empty()
        || matches!(
            inner,
            "null"
                | "false"
                | "0"
                | "[]"
                | "{}"
                | "None"
                | "none"
                | "(none)"
                | "nil"
                | "undefined"
                | "no error"
                | "NONE"
                | "OK"
        )
        || (value.len() < 16 && value.starts_with(['[', '{']) && value[1..value.len() - 1].trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(text: &str, asks_for_state: bool) -> (Content, Signals) {
        let mut signals = Signals::default();
        let content = open(text, asks_for_state, &RuleSet::built_in(), &mut signals);
        (content, signals)
    }

    fn quote(text: &str) -> Option<String> {
        opened(text, false).1.error.map(|said| said.quote)
    }

    #[test]
    fn an_error_is_what_is_not_null_false_or_empty() {
        assert_eq!(quote(r#"{"rows": [], "error": "no rows"}"#).as_deref(), Some("no rows"));
        assert_eq!(
            quote(r#"{"error": {"code": 401, "message": "no"}}"#).as_deref(),
            Some(r#"{"code": 401, "message": "no"}"#)
        );
        assert_eq!(quote("{'error': 'no rows'}").as_deref(), Some("no rows"));
        for none in ["null", "false", "0", r#""""#, "[]", "{}", r#""none""#] {
            assert_eq!(quote(&format!(r#"{{"id": 1, "error": {none}}}"#)), None, "{none}");
        }
        for failed in [
            r#"{"ok": false, "why": 7}"#,
            r#"{"success": "false"}"#,
            r#"{"job": null, "failed": true}"#,
            r#"{"isError": true, "content": [{"type": "text", "text": "x"}]}"#,
            r#"{"status": "error", "message": "x"}"#,
            r#"{"status_code": 404, "body": "x"}"#,
            r#"{"code": 40013, "msg": "x", "data": null}"#,
            r#"{"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "x"}}"#,
            r#"{"response": {"acknowledged": false, "cause": "x"}}"#,
            r#"[{"code": "invalid_type", "path": ["id"], "message": "Required"}]"#,
            r#"{"result": "NOK", "reason": "no paper"}"#,
            r#"{"ack": "NACK", "reason": "busy"}"#,
            r#"{"success": 0, "msg": "no"}"#,
            r#"{"success": "no", "why": 7}"#,
            r#"{"type": "tool_error", "error_code": "too_many"}"#,
            r#"{"allowed": false, "reason": "night"}"#,
            r#"{"status": {"error": "no such shelf"}, "time": 0.1}"#,
            r#"{"detail": {"error": "no key"}}"#,
            r#"{"errorMessages": ["no such issue"], "errors": {}}"#,
            r#"{"detail": [{"loc": ["body", "date"], "msg": "field required"}]}"#,
            r#"{"data": {"create": {"userErrors": [{"message": "x"}]}}}"#,
        ] {
            assert!(quote(failed).is_some(), "{failed}");
        }
    }

    #[test]
    fn fields_of_what_was_asked_for_are_data() {
        let report = r#"{"build": 812, "status": "failed", "error": "lint", "errors": 3}"#;
        assert_eq!(opened(report, true), (Content::Data, Signals::default()));
        assert!(opened(report, false).1.error.is_some());
        assert_eq!(quote(r#"{"service": "web", "errors": 12}"#), None);
        assert_eq!(quote(r#"{"jobs": [{"error": "disk full"}]}"#), None);
        assert_eq!(quote(r#"{"success": 0, "failed": 3, "total": 3}"#), None);
        assert_eq!(opened(r#"{"level": "error", "message": "pump"}"#, true).1.error, None);
        // What a server answered with is its own, whoever asked.
        assert!(opened(r#"{"status": 429, "statusText": "Slow down", "data": {"limit": 60}}"#, true).1.error.is_some());
    }

    #[test]
    fn an_exit_status_is_kept_and_the_output_is_text() {
        let (content, signals) = opened(r#"{"stdout": "a", "stderr": "b\n", "returncode": 2, "success": true}"#, true);
        assert_eq!((content, signals.exit), (Content::Text("a\nb\n".to_owned()), Some(2)));
        assert_eq!(opened(r#"{"output": "a", "exit_code": 0, "error": null}"#, true).1.exit, Some(0));
    }

    #[test]
    fn one_text_in_a_wrapper_is_the_result() {
        for wrapped in [
            r#"[{"type": "text", "text": "a"}]"#,
            r#"{"content": [{"type": "text", "text": "a"}], "isError": false}"#,
            r#"{"jsonrpc": "2.0", "id": 3, "result": {"content": [{"type": "text", "text": "a"}]}, "error": null}"#,
            r#"{"result": "a"}"#,
            r#""a""#,
            r#"{"detail": "a"}"#,
        ] {
            let mut text = wrapped.to_owned();
            // What `peel` does: a string in a string is opened too.
            while let (Content::Text(inner), _) = opened(&text, true) {
                text = inner;
            }
            assert_eq!(text, "a", "{wrapped}");
        }
        for data in [r#"{"id": 3, "message": "a"}"#.replace("id", "order"), "[1, 2]".to_owned()] {
            assert_eq!(opened(&data, true).0, Content::Data, "{data}");
        }
        for plain in ["a", "{a}", "{\"a\": 1", "[note] a]"] {
            assert_eq!(opened(plain, true).0, Content::Plain, "{plain}");
        }
    }
}
