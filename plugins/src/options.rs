//! The options of a plugin, checked against the JSON Schema that it brings; every fault in our own words, at its place.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::paths::{Location, LocationSegment};
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;
use sternlight_engine::problem::{Problem, Segment, nearest};

use crate::limits::readable_time;
use crate::schema::Schema;
use crate::text::printable;

/// What is wrong beyond this many places is counted only.
const PROBLEMS: usize = 20;

/// Checking whose steps were counted takes a fraction of this.
const TIME: Duration = Duration::from_secs(10);

/// Stack for schemas and values within one another: more than the most of either takes.
const STACK_BYTES: usize = 64 << 20;

/// Bytes of the program that a regular expression becomes, and steps that one which looks ahead or back may try.
const PATTERN_BYTES: usize = 1 << 20;
const PATTERN_STEPS: usize = 100_000;

/// Everything that is wrong with some options, placed below `with`; the first of them, if it is much. Names and values in it
/// are the plugin's own.
///
/// # Errors
/// If the schema is none, or checking is too much work.
pub(crate) fn problems(schema: &Schema, options: &Value) -> Result<Vec<Problem>, String> {
    let (schema, options) = (schema.clone(), options.clone());
    let (told, heard) = sync_channel(1);
    // A thread of its own has the stack that is needed, and can be given up.
    let check = move || {
        let found = schema.check_steps(&options).and_then(|()| {
            let validator = validator(schema.value())?;
            Ok(found_by(&validator, schema.value(), &options))
        });
        // Nobody listens after the time.
        let _ = told.send(found);
    };
    let started = thread::Builder::new().name("options".to_owned()).stack_size(STACK_BYTES).spawn(check);
    started.map_err(|error| format!("its options cannot be checked: cannot start a thread: {error}"))?;
    heard.recv_timeout(TIME).unwrap_or_else(|error| {
        Err(match error {
            RecvTimeoutError::Timeout => {
                format!("checking options against the schema that it brings takes longer than {}", readable_time(TIME))
            }
            RecvTimeoutError::Disconnected => "the schema of its options cannot be worked with".to_owned(),
        })
    })
}

/// What checks options.
fn validator(schema: &Value) -> Result<Validator, String> {
    let patterns = PatternOptions::fancy_regex();
    let patterns = patterns.backtrack_limit(PATTERN_STEPS).size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES);
    let built = jsonschema::options().with_pattern_options(patterns).offline().build(schema);
    built.map_err(|error| match error.kind() {
        ValidationErrorKind::Referencing(_) => "the schema of its options refers to what is not in it".to_owned(),
        _ => printable(&format!("the schema of its options is no JSON Schema: {error}")),
    })
}

fn found_by(validator: &Validator, schema: &Value, options: &Value) -> Vec<Problem> {
    let shown = |problem: Problem| Problem {
        message: printable(&problem.message),
        help: problem.help.as_deref().map(printable),
        ..problem
    };
    let mut errors = validator.iter_errors(options);
    let mut found: Vec<Problem> = errors.by_ref().take(PROBLEMS).flat_map(|error| problem(&error, schema)).collect();
    let left = errors.count() + found.len().saturating_sub(PROBLEMS);
    found.truncate(PROBLEMS);
    let more =
        (left > 0).then(|| Problem::at(Vec::<Segment>::new(), format!("and {left} more problems with these options")));
    found.into_iter().map(shown).chain(more).collect()
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

    fn parsed(schema: &Value) -> Schema {
        Schema::parse(&schema.to_string()).unwrap()
    }

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
        let problems = problems(&parsed(&schema), &options).unwrap();
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
        let schema = parsed(&schema);
        let found: Vec<Problem> = all.iter().flat_map(|options| problems(&schema, options).unwrap()).collect();
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
        let told = problems(&parsed(&json!({ "type": "text" })), &json!({})).unwrap_err();
        insta::assert_snapshot!(told.lines().next().unwrap(), @r#"the schema of its options is no JSON Schema: "text" is not valid under any of the schemas listed in the 'anyOf' keyword"#);
    }

    #[test]
    fn much_that_is_wrong_is_counted() {
        let names: Vec<Value> = (0..1_000).map(|_| json!({ "weight": "much" })).collect();
        let told = told(json!({ "target": 3, "names": names }));
        assert_eq!(told.lines().count(), PROBLEMS + 1);
        assert_eq!(told.lines().last(), Some(": and 980 more problems with these options"));
    }

    #[test]
    fn patterns_cost_no_more_than_they_may() {
        let told = |pattern: &str, text: String| {
            problems(&parsed(&json!({ "properties": { "a": { "pattern": pattern } } })), &json!({ "a": text }))
        };
        assert!(told("^(\\w{1000}){1000}$", "a".to_owned()).unwrap_err().contains("is no JSON Schema"));
        assert!(told("^(?=(a+)+$)b\\1", format!("{}!", "a".repeat(100))).is_ok());
        assert!(told("^(a|aa|a?a)*$", "a".repeat(10_000)).unwrap().is_empty());
    }

    #[test]
    fn schemas_deep_in_one_another_are_worked_with() {
        let deep = |levels: usize| {
            let mut definitions = serde_json::Map::new();
            for level in 0..levels {
                let next = json!({ "allOf": [{ "$ref": format!("#/$defs/a{}", level + 1) }] });
                definitions.insert(format!("a{level}"), next);
            }
            definitions.insert(format!("a{levels}"), json!({ "type": "object" }));
            json!({ "$ref": "#/$defs/a0", "$defs": definitions })
        };
        assert!(problems(&parsed(&deep(300)), &json!({})).unwrap().is_empty());
        assert_eq!(problems(&parsed(&deep(300)), &json!(1)).unwrap().len(), 1);
        // Every schema refers to every other, within a property.
        let all: serde_json::Map<String, Value> = (0..20)
            .map(|number| {
                let others: serde_json::Map<String, Value> = (0..20)
                    .map(|other| (format!("p{other}"), json!({ "$ref": format!("#/$defs/a{other}") })))
                    .collect();
                (format!("a{number}"), json!({ "properties": others, "additionalProperties": false }))
            })
            .collect();
        let web = parsed(&json!({ "$ref": "#/$defs/a0", "$defs": all }));
        assert!(problems(&web, &json!({ "p1": { "p2": { "p3": {} } } })).unwrap().is_empty());
        assert!(!problems(&web, &json!({ "p1": { "p2": { "q": {} } } })).unwrap().is_empty());
    }
}
