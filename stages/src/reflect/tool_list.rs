//! The tools that a row says the agent had, and whether a call's arguments fit a tool's schema. The check is
//! structural: what must be there, what may be there, and the types of the arguments themselves.

use serde_json::{Map, Value};

/// The tools of a row.
#[derive(Debug)]
pub(super) struct ToolList(Vec<Tool>);

#[derive(Debug)]
struct Tool {
    name: String,
    parameters: Option<Value>,
    writes: Option<bool>,
}

impl ToolList {
    /// Reads a JSON list of tools as the interfaces of the field spell them: `{name, parameters}`, with
    /// `input_schema` for `parameters`, or the same inside of `function`. `None` where nothing is known: no list, an
    /// empty one, or one with an element that has no name.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let Ok(Value::Array(elements)) = serde_json::from_str(text) else { return None };
        let tools = elements.into_iter().map(tool).collect::<Option<Vec<_>>>()?;
        (!tools.is_empty()).then_some(Self(tools))
    }

    /// The names of the tools.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|tool| tool.name.as_str())
    }

    fn get(&self, name: &str) -> Option<&Tool> {
        self.0.iter().find(|tool| tool.name == name)
    }

    /// The list's own mark whether the tool changes state.
    pub(super) fn writes(&self, name: &str) -> Option<bool> {
        self.get(name)?.writes
    }

    /// How these arguments break the schema of the tool: which argument, what was expected, what was found. `None`
    /// if they do not, or if there is nothing to tell it by.
    pub(super) fn violation(&self, name: &str, arguments: &Value) -> Option<String> {
        let schema = self.get(name)?.parameters.as_ref()?.as_object()?;
        let arguments = arguments.as_object()?;
        missing(schema, arguments).or_else(|| unexpected_or_ill_typed(schema, arguments))
    }
}

fn tool(element: Value) -> Option<Tool> {
    let Value::Object(mut outer) = element else { return None };
    let outer_writes = outer.get("writes").and_then(Value::as_bool);
    let mut inner = match outer.remove("function") {
        Some(Value::Object(function)) => function,
        _ => outer,
    };
    let Some(Value::String(name)) = inner.remove("name") else { return None };
    let writes = inner.get("writes").and_then(Value::as_bool).or(outer_writes);
    Some(Tool { name, parameters: inner.remove("parameters").or_else(|| inner.remove("input_schema")), writes })
}

fn missing(schema: &Map<String, Value>, arguments: &Map<String, Value>) -> Option<String> {
    let required = schema.get("required")?.as_array()?;
    let name = required.iter().filter_map(Value::as_str).find(|name| !arguments.contains_key(*name))?;
    Some(format!("argument `{name}` is required and missing"))
}

fn unexpected_or_ill_typed(schema: &Map<String, Value>, arguments: &Map<String, Value>) -> Option<String> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
    arguments.iter().find_map(|(name, value)| match properties.and_then(|properties| properties.get(name)) {
        Some(property) => {
            let expected = property.get("type")?;
            (!has_type(expected, value))
                .then(|| format!("argument `{name}`: expected {}, found {}", in_words(expected), type_of(value)))
        }
        None => closed.then(|| format!("argument `{name}` is not expected")),
    })
}

/// `type` is one name or a list of names.
fn has_type(expected: &Value, value: &Value) -> bool {
    match expected {
        Value::String(name) => match name.as_str() {
            // A whole number fits `number`, and 2.0 fits `integer`, as JSON Schema has it.
            "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
            "string" | "number" | "boolean" | "array" | "object" | "null" => name == type_of(value),
            _ => true,
        },
        Value::Array(names) => names.iter().any(|name| has_type(name, value)),
        _ => true,
    }
}

fn in_words(expected: &Value) -> String {
    match expected {
        Value::String(name) => name.clone(),
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        other => other.to_string(),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOOLS: &str = r#"[
        {"type": "function", "function": {"name": "book", "parameters": {
            "type": "object",
            "properties": {"id": {"type": "string"}, "count": {"type": "integer"}, "note": {"type": ["string", "null"]}},
            "required": ["id"], "additionalProperties": false}}},
        {"name": "look", "input_schema": {"properties": {}}, "writes": true}
    ]"#;

    fn violation(name: &str, arguments: &str) -> Option<String> {
        ToolList::parse(TOOLS).unwrap().violation(name, &serde_json::from_str(arguments).unwrap())
    }

    #[test]
    fn lists_are_read_in_either_spelling() {
        let tools = ToolList::parse(TOOLS).unwrap();
        assert_eq!(tools.names().collect::<Vec<_>>(), ["book", "look"]);
        assert_eq!((tools.writes("book"), tools.writes("look")), (None, Some(true)));
        for unknown in ["", "[]", "{}", r#"[{"type": "function"}]"#] {
            assert!(ToolList::parse(unknown).is_none(), "{unknown}");
        }
    }

    #[test]
    fn the_first_violation_is_told() {
        assert_eq!(violation("book", r#"{"id": "x", "count": 2.0, "note": null}"#), None);
        assert_eq!(violation("look", r#"{"anything": 1}"#), None);
        assert_eq!(violation("gone", "{}"), None);
        assert_eq!(violation("book", r#""text""#), None);
        insta::assert_snapshot!(violation("book", "{}").unwrap(), @"argument `id` is required and missing");
        insta::assert_snapshot!(violation("book", r#"{"id": 3}"#).unwrap(), @"argument `id`: expected string, found number");
        insta::assert_snapshot!(violation("book", r#"{"id": "x", "count": 2.5}"#).unwrap(), @"argument `count`: expected integer, found number");
        insta::assert_snapshot!(violation("book", r#"{"id": "x", "note": []}"#).unwrap(), @"argument `note`: expected string or null, found array");
        insta::assert_snapshot!(violation("book", r#"{"id": "x", "day": 1}"#).unwrap(), @"argument `day` is not expected");
    }
}
