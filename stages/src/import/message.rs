//! The tool calls of a message, and how they are spelled in an action. Not concerned with turns.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::extra::{ObjectText, json_list, json_text};
use super::json::{Fault, Fields, compact, objects, text};

/// A tool call.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// The tool.
    pub(super) name: Cow<'a, str>,
    /// The arguments as recorded: usually JSON text, though not always valid.
    pub(super) arguments: Cow<'a, str>,
    /// What its result refers to it by.
    pub(super) id: Option<Cow<'a, str>>,
    /// Its other fields, as JSON text.
    pub(super) leftover: String,
}

impl Call<'_> {
    /// The arguments as they stand in an action: unchanged if they are JSON, else as a JSON string.
    fn arguments_json(&self) -> Cow<'_, str> {
        match serde_json::from_str::<IgnoredAny>(&self.arguments) {
            Ok(_) => Cow::Borrowed(&self.arguments),
            Err(_) => Cow::Owned(json_text(&self.arguments)),
        }
    }

    /// The call as the chat templates of the Hermes and Qwen families spell it.
    fn spelled(&self) -> String {
        let (name, arguments) = (json_text(&self.name), self.arguments_json());
        format!("<tool_call>\n{{\"name\": {name}, \"arguments\": {arguments}}}\n</tool_call>")
    }
}

/// Takes the calls out of an assistant's message: `tool_calls`, and the old `function_call`.
pub(super) fn take_calls<'a>(message: &mut Fields<'a>) -> Result<Vec<Call<'a>>, Fault> {
    let mut calls = message.read("tool_calls", calls)?.unwrap_or_default();
    if let Some(old) = message.take("function_call") {
        let read = || function(Fields::of(old)?, None, ObjectText::default());
        calls.push(read().map_err(|fault| fault.within("function_call"))?);
    }
    Ok(calls)
}

fn calls(value: &RawValue) -> Result<Vec<Call<'_>>, Fault> {
    let read = |(index, fields)| call(fields).map_err(|fault| fault.at_index(index));
    objects(value)?.into_iter().enumerate().map(read).collect()
}

fn call(mut fields: Fields<'_>) -> Result<Call<'_>, Fault> {
    let id = fields.get("id").map(text).transpose().map_err(|fault| fault.within("id"))?;
    let function_fields = fields.require("function", Fields::of)?;
    let mut leftover = ObjectText::default();
    leftover.rest(fields)?;
    function(function_fields, id, leftover).map_err(|fault| fault.within("function"))
}

/// A call of the function that these fields describe; what else they say is left over under `function`.
fn function<'a>(mut fields: Fields<'a>, id: Option<Cow<'a, str>>, mut leftover: ObjectText) -> Result<Call<'a>, Fault> {
    let name = fields.require("name", text)?;
    let arguments = match fields.take("arguments") {
        None => Cow::Borrowed(""),
        Some(value) if value.get().starts_with('"') => text(value).map_err(|fault| fault.within("arguments"))?,
        Some(value) => {
            // By the standard arguments are text; who writes them as a value gets a value back.
            leftover.json("arguments_are_text", "false");
            Cow::Owned(compact(value).map_err(|fault| fault.within("arguments"))?)
        }
    };
    if !fields.is_empty() {
        let mut rest = ObjectText::default();
        rest.rest(fields)?;
        leftover.json("function", &rest.finish());
    }
    Ok(Call { name, arguments, id, leftover: leftover.finish() })
}

/// The action of a message: its text alone, or the text, if not blank, and its calls.
pub(super) fn action(text: &str, calls: &[Call<'_>]) -> String {
    if calls.is_empty() {
        return text.to_owned();
    }
    let text = (!text.trim().is_empty()).then(|| text.to_owned());
    text.into_iter().chain(calls.iter().map(Call::spelled)).collect::<Vec<_>>().join("\n")
}

/// The columns `tool_name` and `tool_arguments`.
pub(super) fn tool_columns(calls: &[Call<'_>]) -> (Option<String>, Option<String>) {
    match calls {
        [] => (None, None),
        [call] => (Some(call.name.clone().into_owned()), Some(call.arguments.clone().into_owned())),
        several => {
            let names: Vec<&str> = several.iter().map(|call| call.name.as_ref()).collect();
            let arguments = several.iter().map(|call| call.arguments_json().into_owned());
            (Some(names.join(",")), Some(json_list(arguments)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn arguments_are_never_repaired() {
        let message = raw(r#"{"tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "a", "arguments": "{\"x\":  1.0}"}},
                {"function": {"name": "b\"", "arguments": "{'x': 1}"}},
                {"id": "3", "function": {"name": "c", "arguments": {"x": 1.50, "y": []}, "strict": true}}
            ], "function_call": {"name": "d"}}"#);
        let mut fields = Fields::of(&message).unwrap();
        let calls = take_calls(&mut fields).unwrap();
        insta::assert_snapshot!(action(" \n", &calls), @r#"
        <tool_call>
        {"name": "a", "arguments": {"x":  1.0}}
        </tool_call>
        <tool_call>
        {"name": "b\"", "arguments": "{'x': 1}"}
        </tool_call>
        <tool_call>
        {"name": "c", "arguments": {"x":1.50,"y":[]}}
        </tool_call>
        <tool_call>
        {"name": "d", "arguments": ""}
        </tool_call>
        "#);
        let (names, arguments) = tool_columns(&calls);
        assert_eq!(names.as_deref(), Some("a,b\",c,d"));
        assert_eq!(arguments.as_deref(), Some(r#"[{"x":  1.0},"{'x': 1}",{"x":1.50,"y":[]},""]"#));
        assert_eq!(calls[2].leftover, r#"{"id":"3","arguments_are_text":false,"function":{"strict":true}}"#);
        let (name, arguments) = tool_columns(&calls[1..2]);
        assert_eq!((name.as_deref(), arguments.as_deref()), (Some("b\""), Some("{'x': 1}")));
    }
}
