//! The tools as the agent is told of them, and the check of a call's arguments against them.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Result;

/// Named arguments of a call, in order.
pub(crate) type Arguments = Map<String, Value>;

/// The tool list in the shape of chat completion requests, cut down to what the check needs.
#[derive(Clone, Debug)]
pub(crate) struct ToolSchemas(Vec<Function>);

#[derive(Clone, Debug, Deserialize)]
struct Entry {
    function: Function,
}

#[derive(Clone, Debug, Deserialize)]
struct Function {
    name: String,
    parameters: Parameters,
}

#[derive(Clone, Debug, Deserialize)]
struct Parameters {
    properties: Map<String, Value>,
    required: Vec<String>,
}

impl ToolSchemas {
    pub(crate) fn load() -> Result<Self> {
        let entries: Vec<Entry> = serde_json::from_str(include_str!("tools.json"))?;
        Ok(Self(entries.into_iter().map(|entry| entry.function).collect()))
    }

    /// The arguments of a call if they fit, else the text that the desk answers.
    pub(crate) fn check(&self, tool: &str, text: &str) -> std::result::Result<Arguments, String> {
        let Some(function) = self.0.iter().find(|function| function.name == tool) else {
            return Err(format!("Unknown action {tool}"));
        };
        let parameters = &function.parameters;
        // The parser's own words are left out: they belong to a library and change with it.
        let Ok(arguments) = serde_json::from_str::<Arguments>(text) else {
            return Err("Error: the arguments are not valid JSON".to_owned());
        };
        for (name, value) in &arguments {
            match parameters.properties.get(name) {
                None => return Err(format!("Error: unexpected argument '{name}' for {tool}")),
                Some(schema) => check_value(name, value, schema)?,
            }
        }
        if let Some(name) = parameters.required.iter().find(|name| !arguments.contains_key(*name)) {
            return Err(format!("Error: missing required argument '{name}' for {tool}"));
        }
        Ok(arguments)
    }
}

fn check_value(name: &str, value: &Value, schema: &Value) -> std::result::Result<(), String> {
    let expected = schema["type"].as_str().unwrap_or("string");
    let fits = match expected {
        "integer" => value.is_i64(),
        "boolean" => value.is_boolean(),
        _ => value.is_string(),
    };
    if !fits {
        return Err(format!("Error: argument '{name}' must be of type {expected}, not {value}"));
    }
    match schema["enum"].as_array() {
        Some(choices) if !choices.contains(value) => {
            let choices: Vec<&str> = choices.iter().filter_map(Value::as_str).collect();
            Err(format!("Error: argument '{name}' must be one of {}", choices.join(", ")))
        }
        _ => Ok(()),
    }
}
