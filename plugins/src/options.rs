//! The options of a plugin, checked against the JSON Schema that it brings; every fault in our own words, at its place.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::paths::{Location, LocationSegment};
use jsonschema::{ValidationError, Validator};
use serde_json::Value;
use sternlight_engine::problem::{Problem, Segment, nearest};

use crate::text::printable;

/// What checks options.
///
/// # Errors
/// If the schema is none.
pub(crate) fn validator(schema: &Value) -> Result<Validator, String> {
    jsonschema::validator_for(schema).map_err(|error| match error.kind() {
        ValidationErrorKind::Referencing(_) => "the schema of its options refers to what is not in it".to_owned(),
        _ => printable(&format!("the schema of its options is no JSON Schema: {error}")),
    })
}

/// Everything that is wrong with some options, placed below `with`. Names and values in it are the plugin's own.
pub(crate) fn problems(validator: &Validator, schema: &Value, options: &Value) -> Vec<Problem> {
    let shown = |problem: Problem| Problem {
        message: printable(&problem.message),
        help: problem.help.as_deref().map(printable),
        ..problem
    };
    validator.iter_errors(options).flat_map(|error| problem(&error, schema)).map(shown).collect()
}

fn problem(error: &ValidationError<'_>, schema: &Value) -> Vec<Problem> {
    let path = segments(error.instance_path());
    let known = properties(schema, &path);
    let at = |message: String| Problem::at(path.clone(), message);
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            let unknown = |key: &String| {
                let place: Vec<Segment> = path.iter().cloned().chain([Segment::from(key.as_str())]).collect();
                let problem = Problem::at(place, format!("unknown key `{key}`")).at_key();
                match nearest(key, known.iter().map(String::as_str)) {
                    Some(meant) => problem.help(format!("did you mean `{meant}`?")),
                    None if known.is_empty() => problem.help("it takes no options"),
                    None => problem.help(format!("there are {}", quoted(known.iter()))),
                }
            };
            unexpected.iter().map(unknown).collect()
        }
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            vec![at(format!("`{name}` is missing"))]
        }
        ValidationErrorKind::Type { kind } => {
            let expected = match kind {
                TypeKind::Single(expected) => expected.to_string(),
                TypeKind::Multiple(expected) => {
                    let names: Vec<String> = expected.iter().map(|one| one.to_string()).collect();
                    names.join(" or ")
                }
            };
            vec![at(format!("expected {expected}, found {}", found(error.instance().as_ref())))]
        }
        ValidationErrorKind::Enum { options } => {
            let options: Vec<String> = options.as_array().into_iter().flatten().map(found).collect();
            let written = error.instance().as_ref().as_str().unwrap_or_default().to_owned();
            let names = options.iter().map(|option| option.trim_matches('`'));
            let problem =
                at(format!("expected one of {}, found {}", options.join(", "), found(error.instance().as_ref())));
            vec![match nearest(&written, names) {
                Some(meant) => problem.help(format!("did you mean `{meant}`?")),
                None => problem,
            }]
        }
        ValidationErrorKind::Minimum { limit } => vec![at(bound("at least", limit, error))],
        ValidationErrorKind::Maximum { limit } => vec![at(bound("at most", limit, error))],
        ValidationErrorKind::ExclusiveMinimum { limit } => vec![at(bound("more than", limit, error))],
        ValidationErrorKind::ExclusiveMaximum { limit } => vec![at(bound("less than", limit, error))],
        _ => vec![at(error.to_string())],
    }
}

fn bound(what: &str, limit: &Value, error: &ValidationError<'_>) -> String {
    format!("expected {what} {limit}, found {}", found(error.instance().as_ref()))
}

/// A value, short.
fn found(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
        Value::String(text) => format!("`{}`", text.chars().take(40).collect::<String>()),
        other => format!("`{other}`"),
    }
}

fn quoted<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn segments(location: &Location) -> Vec<Segment> {
    let segment = |segment| match segment {
        LocationSegment::Property(key) => Segment::Key(key.into_owned()),
        LocationSegment::Index(index) => Segment::Index(index),
    };
    location.iter().map(segment).collect()
}

/// The keys that a schema knows at a path, as far as it says so without detours.
fn properties(schema: &Value, path: &[Segment]) -> Vec<String> {
    let mut schema = schema;
    for segment in path {
        let next = match segment {
            Segment::Key(key) => schema.get("properties").and_then(|properties| properties.get(key)),
            Segment::Index(_) => schema.get("items"),
        };
        match next {
            Some(next) => schema = next,
            None => return Vec::new(),
        }
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.map(|properties| properties.keys().cloned().collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(options: Value) -> String {
        let schema = json!({
            "type": "object",
            "properties": {
                "target": { "type": "integer", "minimum": 1 },
                "unit": { "enum": ["turns", "characters"] },
                "names": { "type": "array", "items": { "type": "object", "properties": { "weight": { "type": ["number", "null"] } }, "additionalProperties": false } },
            },
            "required": ["target"],
            "additionalProperties": false,
        });
        let problems = problems(&validator(&schema).unwrap(), &schema, &options);
        let line = |problem: &Problem| {
            let path: Vec<String> = problem.path.iter().map(ToString::to_string).collect();
            let help = problem.help.as_ref().map_or(String::new(), |help| format!(" ({help})"));
            format!("{}: {}{help}\n", path.join("."), problem.message)
        };
        problems.iter().map(line).collect()
    }

    #[test]
    fn faults_have_a_place_and_our_words() {
        assert_eq!(told(json!({ "target": 3 })), "");
        insta::assert_snapshot!(told(json!({ "traget": 3 })), @"
        traget: unknown key `traget` (did you mean `target`?)
        : `target` is missing
        ");
        insta::assert_snapshot!(told(json!({ "target": 0, "unit": "turn", "names": [{ "weight": "much" }, { "wieght": 1 }] })), @"
        target: expected at least 1, found `0`
        unit: expected one of `turns`, `characters`, found `turn` (did you mean `turns`?)
        names.0.weight: expected null or number, found `much`
        names.1.wieght: unknown key `wieght` (did you mean `weight`?)
        ");
    }

    #[test]
    fn a_schema_moves_no_cursor() {
        let schema = json!({
            "properties": {
                "\u{1b}[2Ja": { "enum": ["\u{1b}[2Jb"] },
                "c": { "pattern": "\u{1b}[2J]" },
                "d": { "additionalProperties": false, "properties": { "\u{1b}[2J": {}, "\u{1b}[3J": {} } },
            },
            "required": ["\u{1b}[2Jr"],
            "additionalProperties": false,
        });
        let all = [
            json!({}),
            json!({ "\u{1b}[2Jr": 1, "\u{1b}[2Ja": "\u{1b}[2Jc" }),
            json!({ "\u{1b}[2Jr": 1, "c": "c" }),
            json!({ "d": { "\u{1b}[4J": 1, "other": 2 } }),
        ];
        let validator = validator(&schema).unwrap();
        let found: Vec<Problem> = all.iter().flat_map(|options| problems(&validator, &schema, options)).collect();
        let texts: Vec<&str> = found
            .iter()
            .flat_map(|problem| [Some(&problem.message), problem.help.as_ref()])
            .flatten()
            .map(String::as_str)
            .collect();
        assert!(texts.len() > 8 && texts.iter().all(|text| !text.contains('\u{1b}')), "{texts:?}");
    }

    #[test]
    fn a_schema_that_is_none_is_refused() {
        insta::assert_snapshot!(validator(&json!({ "type": "text" })).unwrap_err().lines().next().unwrap(), @r#"the schema of its options is no JSON Schema: "text" is not valid under any of the schemas listed in the 'anyOf' keyword"#);
        assert!(validator(&json!({ "$ref": "https://example.com/options.json" })).is_err());
    }
}
