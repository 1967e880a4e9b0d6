//! From the texts of a turn back to messages: the inverse of how chats are imported. Whatever an import made is
//! recovered; a text that no import makes becomes one message that is imported as the same text again.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::recorded::{RESULT_END, RESULT_START};

/// A tool call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call<'a> {
    pub(super) name: &'a str,
    /// As recorded: usually JSON text.
    pub(super) arguments: Cow<'a, str>,
}

impl Call<'_> {
    /// The call as it stands in an action.
    fn spelled(&self) -> String {
        let arguments = match serde_json::from_str::<IgnoredAny>(&self.arguments) {
            Ok(_) => Cow::Borrowed(self.arguments.as_ref()),
            Err(_) => Cow::Owned(json_text(&self.arguments)),
        };
        format!("<tool_call>\n{{\"name\": {}, \"arguments\": {arguments}}}\n</tool_call>", json_text(self.name))
    }
}

/// What an assistant said, and what it called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Decision<'a> {
    pub(super) content: Option<&'a str>,
    pub(super) calls: Vec<Call<'a>>,
}

/// Takes an action apart. Calls are recovered where the columns name them and the action ends in them, spelled out;
/// agents that write calls in a way of their own keep the whole text as content.
pub(super) fn decision<'a>(
    action: &'a str,
    tool_name: Option<&'a str>,
    tool_arguments: Option<&'a str>,
) -> Decision<'a> {
    let Some(names) = tool_name else { return Decision { content: Some(action), calls: Vec::new() } };
    let arguments = tool_arguments.unwrap_or_default();
    let one = vec![Call { name: names, arguments: Cow::Borrowed(arguments) }];
    for calls in [several(names, arguments), Some(one)].into_iter().flatten() {
        if let Some(content) = before_calls(action, &calls) {
            return Decision { content, calls };
        }
    }
    Decision { content: Some(action), calls: Vec::new() }
}

/// The calls of names joined by commas and a JSON array of arguments.
fn several<'a>(names: &'a str, arguments: &'a str) -> Option<Vec<Call<'a>>> {
    let names: Vec<&str> = names.split(',').collect();
    let arguments = elements(arguments)?;
    let call = |(name, arguments): (&'a str, &'a str)| Call { name, arguments: recorded(arguments) };
    (names.len() > 1 && names.len() == arguments.len()).then(|| names.into_iter().zip(arguments).map(call).collect())
}

/// The elements of a JSON array with the white space around them, which is part of the arguments as recorded.
fn elements(array: &str) -> Option<Vec<&str>> {
    let values: Vec<&RawValue> = serde_json::from_str(array).ok()?;
    let mut rest = array.strip_prefix('[')?.strip_suffix(']')?;
    let mut elements = Vec::with_capacity(values.len());
    for value in values {
        let white = rest.len() - rest.trim_start().len();
        let (value, after) = rest.split_at_checked(white + value.get().len())?;
        let white = after.find(',').unwrap_or(after.len());
        elements.push(rest.get(..value.len() + white)?);
        rest = after.get(white + 1..).unwrap_or_default();
    }
    Some(elements)
}

/// Arguments that are no JSON stand as a JSON string.
fn recorded(arguments: &str) -> Cow<'_, str> {
    match serde_json::from_str::<String>(arguments) {
        Ok(text)
            if arguments.starts_with('"')
                && arguments.ends_with('"')
                && serde_json::from_str::<IgnoredAny>(&text).is_err() =>
        {
            Cow::Owned(text)
        }
        _ => Cow::Borrowed(arguments),
    }
}

/// The text before the calls, if the action ends in just these.
fn before_calls<'a>(action: &'a str, calls: &[Call<'_>]) -> Option<Option<&'a str>> {
    let spelled = calls.iter().map(Call::spelled).collect::<Vec<_>>().join("\n");
    match action.strip_suffix(&spelled)? {
        "" => Some(None),
        text => text.strip_suffix('\n').filter(|text| !text.trim().is_empty()).map(Some),
    }
}

/// A message that the agent was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown<'a> {
    /// The result of the next call that has none yet.
    Result(&'a str),
    /// Somebody's words.
    Text(&'a str),
}

/// Takes an observation apart, given how many calls the turn before made.
pub(super) fn shown(observation: &str, calls: usize) -> Vec<Shown<'_>> {
    match calls {
        0 if observation.is_empty() => Vec::new(),
        0 => vec![Shown::Text(observation)],
        _ => {
            let parts = parts(observation, calls);
            // Marks stand only where several messages were joined.
            if parts.len() > 1 { parts } else { vec![Shown::Result(observation)] }
        }
    }
}

fn parts(observation: &str, calls: usize) -> Vec<Shown<'_>> {
    let mut parts = Vec::new();
    let mut results = 0;
    let mut rest = Some(observation);
    while let Some(text) = rest {
        let found = match results < calls {
            true => next_result(text),
            false => None,
        };
        let Some((before, result, after)) = found else {
            parts.push(Shown::Text(text));
            break;
        };
        parts.extend(before.map(Shown::Text));
        parts.push(Shown::Result(result));
        results += 1;
        rest = after;
    }
    parts
}

/// The first marked result that stands on lines of its own, with what comes before and after it.
fn next_result(text: &str) -> Option<(Option<&str>, &str, Option<&str>)> {
    let start = if text.starts_with(RESULT_START) { 0 } else { text.find(&format!("\n{RESULT_START}"))? + 1 };
    let before = start.checked_sub(1).and_then(|end| text.get(..end));
    let body = text.get(start + RESULT_START.len()..)?;
    let (end, after) = body.match_indices(RESULT_END).find_map(|(end, mark)| {
        let after = body.get(end + mark.len()..)?;
        match after.strip_prefix('\n') {
            Some(rest) => Some((end, Some(rest))),
            None => after.is_empty().then_some((end, None)),
        }
    })?;
    Some((before, body.get(..end)?, after))
}

fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An action as an import makes it.
    fn imported_action(content: &str, calls: &[Call<'_>]) -> String {
        if calls.is_empty() {
            return content.to_owned();
        }
        let content = (!content.trim().is_empty()).then(|| content.to_owned());
        content.into_iter().chain(calls.iter().map(Call::spelled)).collect::<Vec<_>>().join("\n")
    }

    /// The tool columns as an import makes them.
    fn imported_columns(calls: &[Call<'_>]) -> (Option<String>, Option<String>) {
        match calls {
            [] => (None, None),
            [call] => (Some(call.name.to_owned()), Some(call.arguments.to_string())),
            several => {
                let names: Vec<&str> = several.iter().map(|call| call.name).collect();
                let arguments: Vec<String> = several
                    .iter()
                    .map(|call| match serde_json::from_str::<IgnoredAny>(&call.arguments) {
                        Ok(_) => call.arguments.to_string(),
                        Err(_) => json_text(&call.arguments),
                    })
                    .collect();
                (Some(names.join(",")), Some(format!("[{}]", arguments.join(","))))
            }
        }
    }

    /// An observation as an import makes it.
    fn imported_observation(shown: &[Shown<'_>]) -> String {
        match shown {
            [] => String::new(),
            [Shown::Result(text) | Shown::Text(text)] => (*text).to_owned(),
            several => {
                let spelled = several.iter().map(|message| match message {
                    Shown::Result(text) => format!("{RESULT_START}{text}{RESULT_END}"),
                    Shown::Text(text) => (*text).to_owned(),
                });
                spelled.collect::<Vec<_>>().join("\n")
            }
        }
    }

    fn texts() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("\n"),
            Just("<tool_call>\n"),
            Just("\n</tool_call>"),
            Just("<tool_response>\n"),
            Just("\n</tool_response>"),
            Just("{\"name\": \"f\", \"arguments\": {}}"),
            Just("ü "),
            Just("###STOP###"),
        ];
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    fn arguments() -> impl Strategy<Value = String> {
        prop_oneof![
            Just("{}".to_owned()),
            Just("{\"x\":  1.0,\n \"y\": [\"a,b\"]}".to_owned()),
            Just("{'x': 1}".to_owned()),
            Just("\"5\"".to_owned()),
            Just("\"text\"".to_owned()),
            Just(" \"text\"".to_owned()),
            Just("\n[1, 2] ".to_owned()),
            Just(String::new()),
            texts(),
        ]
    }

    proptest! {
        #[test]
        fn an_imported_action_gives_the_same_calls_again(
            content in texts(),
            calls in prop::collection::vec(("[a-z\"]{1,3}", arguments()), 0..4),
        ) {
            let calls: Vec<Call<'_>> =
                calls.iter().map(|(name, arguments)| Call { name, arguments: arguments.into() }).collect();
            let action = imported_action(&content, &calls);
            let (name, arguments) = imported_columns(&calls);
            let decision = decision(&action, name.as_deref(), arguments.as_deref());
            prop_assert_eq!(decision.calls.len(), calls.len());
            prop_assert_eq!(&imported_action(decision.content.unwrap_or_default(), &decision.calls), &action);
            prop_assert_eq!(imported_columns(&decision.calls), (name.clone(), arguments.clone()));
        }

        #[test]
        fn any_observation_comes_back(observation in texts(), calls in 0..4_usize) {
            let shown = shown(&observation, calls);
            prop_assert!(shown.iter().filter(|shown| matches!(shown, Shown::Result(_))).count() <= calls);
            prop_assert_eq!(imported_observation(&shown), observation);
        }
    }

    #[test]
    fn results_are_told_from_words() {
        use Shown::{Result, Text};
        assert_eq!(shown("hi", 0), [Text("hi")]);
        assert_eq!(shown("{}", 1), [Result("{}")]);
        let both = "<tool_response>\na\nb\n</tool_response>\n<tool_response>\n\n</tool_response>\nAnd now?";
        assert_eq!(shown(both, 2), [Result("a\nb"), Result(""), Text("And now?")]);
        assert_eq!(shown(both, 1), [Result("a\nb"), Text("<tool_response>\n\n</tool_response>\nAnd now?")]);
        assert_eq!(shown("wait\n<tool_response>\na\n</tool_response>", 1), [Text("wait"), Result("a")]);
        assert_eq!(shown("<tool_response>\na\n</tool_response>", 1), [Result("<tool_response>\na\n</tool_response>")]);
    }

    #[test]
    fn a_text_agent_keeps_its_text() {
        let action = "Thought: look\nAction:\n{\"name\": \"find\", \"arguments\": {}}";
        assert_eq!(decision(action, Some("find"), Some("{}")), Decision { content: Some(action), calls: Vec::new() });
    }
}
