//! The JSON Schema (draft-07, what editors understand) of the whole pipeline format: the top-level keys, the
//! stages, and for each `uses` the options of that stage.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema as _, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::document::{Name, PipelineEntry};
use super::stage_entry::StageEntry;
use crate::stage::{Registry, StageKind};

/// What a text with `${…}` in it looks like.
const INTERPOLATION: &str = r"\$\{";
/// What `uses` of a plugin looks like.
const PLUGIN: &str = r"^(oci://.+|.*/.+|.+\.wasm)$";

/// The JSON Schema of pipelines over these stages.
pub fn pipeline_schema(registry: &Registry) -> Value {
    let mut generator = SchemaSettings::draft07().into_generator();
    let mut root = PipelineEntry::json_schema(&mut generator).to_value();
    let mut stage = StageEntry::json_schema(&mut generator).to_value();
    let rules: Vec<Value> = registry.kinds().map(|kind| with_rule(kind, &mut generator)).collect();
    relax(&mut root);
    relax(&mut stage);

    if let Some(stage) = stage.as_object_mut() {
        property(stage, "uses", uses(registry));
        property(stage, "with", json!({ "description": "The stage's options.", "type": ["object", "null"] }));
        stage.insert("allOf".to_owned(), Value::Array(rules));
    }
    if let Some(root) = root.as_object_mut() {
        let stages = json!({
            "description": "The stages, by name.",
            "type": "object",
            "minProperties": 1,
            "propertyNames": { "pattern": Name::PATTERN },
            "additionalProperties": stage,
        });
        property(root, "stages", stages);
        root.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
    }
    let mut definitions = Map::new();
    for (name, mut definition) in generator.take_definitions(true) {
        relax(&mut definition);
        definitions.insert(name, definition);
    }
    if let Some(root) = root.as_object_mut() {
        root.insert("definitions".to_owned(), Value::Object(definitions));
    }
    transformed(root, &mut generator)
}

/// `uses`: one of the kinds, each with its summary, or a plugin.
fn uses(registry: &Registry) -> Value {
    let kinds = registry.kinds().map(|kind| json!({ "const": kind.name, "description": kind.summary }));
    let plugin = json!({ "type": "string", "pattern": PLUGIN, "description": "A plugin." });
    json!({
        "description": "What the stage does.",
        "anyOf": kinds.chain([plugin]).collect::<Vec<_>>(),
    })
}

/// If `uses` names this kind, `with` has its options.
fn with_rule(kind: &StageKind, generator: &mut SchemaGenerator) -> Value {
    let mut options = (kind.schema)(generator).to_value();
    relax(&mut options);
    json!({
        "if": { "properties": { "uses": { "const": kind.name } }, "required": ["uses"] },
        "then": { "properties": { "with": options } },
    })
}

fn property(schema: &mut Map<String, Value>, name: &str, value: Value) {
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert(name.to_owned(), value);
    }
}

/// What schemars does to a schema of its own, done to the assembled one.
fn transformed(value: Value, generator: &mut SchemaGenerator) -> Value {
    let Ok(mut schema) = Schema::try_from(value) else { return Value::Bool(true) };
    for transform in generator.transforms_mut() {
        transform.transform(&mut schema);
    }
    schema.to_value()
}

/// Lets every typed value be a text with `${…}` instead.
fn relax(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    for key in ["properties", "patternProperties"] {
        if let Some(properties) = object.get_mut(key).and_then(Value::as_object_mut) {
            properties.values_mut().for_each(relax_value);
        }
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = object.get_mut(key) {
            relax_value(inner);
        }
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        if let Some(branches) = object.get_mut(key).and_then(Value::as_array_mut) {
            branches.iter_mut().for_each(relax);
        }
    }
}

/// Relaxes what is inside of the value, then the value itself.
fn relax_value(schema: &mut Value) {
    relax(schema);
    let Some(object) = schema.as_object_mut() else { return };
    if !is_typed(object) {
        return;
    }
    let mut outer = Map::new();
    for key in ["description", "default", "title"] {
        if let Some(value) = object.remove(key) {
            outer.insert(key.to_owned(), value);
        }
    }
    let inner = Value::Object(std::mem::take(object));
    outer.insert("anyOf".to_owned(), json!([inner, { "type": "string", "pattern": INTERPOLATION }]));
    *object = outer;
}

/// Whether a schema refuses some texts, and is none of a map or of something defined elsewhere.
fn is_typed(object: &Map<String, Value>) -> bool {
    let type_is = |name: &str| match object.get("type") {
        Some(Value::String(one)) => one == name,
        Some(Value::Array(several)) => several.iter().any(|one| one == name),
        _ => false,
    };
    let restricted = ["enum", "pattern", "format"].iter().any(|key| object.contains_key(*key));
    let scalar = ["integer", "number", "boolean", "array"].iter().any(|name| type_is(name)) && !type_is("string");
    let branches = ["oneOf", "anyOf"].iter().any(|key| object.contains_key(*key));
    scalar || restricted || branches || object.contains_key("$ref") || object.contains_key("allOf")
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::registry;
    use super::*;

    #[test]
    fn options_of_every_stage_are_in_the_schema() {
        let schema = pipeline_schema(&registry());
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
        assert_eq!(schema["required"], json!(["version", "stages"]));
        let stage = &schema["properties"]["stages"]["additionalProperties"];
        assert_eq!(stage["required"], json!(["uses"]));
        let rules = stage["allOf"].as_array().unwrap();
        assert_eq!(rules.len(), registry().kinds().count());
        for (rule, kind) in rules.iter().zip(registry().kinds()) {
            assert_eq!(rule["if"]["properties"]["uses"]["const"], kind.name);
            let options = &rule["then"]["properties"]["with"]["$ref"];
            let name = options.as_str().unwrap().strip_prefix("#/definitions/").unwrap();
            assert_eq!(schema["definitions"][name]["additionalProperties"], json!(false));
        }
    }

    #[test]
    fn a_typed_value_may_be_an_interpolation() {
        let schema = pipeline_schema(&registry());
        let limit = &schema["definitions"]["ReadOptions"]["properties"]["limit"];
        assert_eq!(limit["description"], "How many at most.");
        assert_eq!(limit["anyOf"][1], json!({ "type": "string", "pattern": INTERPOLATION }));
        assert_eq!(schema["properties"]["seed"]["anyOf"][1]["pattern"], INTERPOLATION);
    }

    #[test]
    fn every_key_says_what_it_is() {
        let schema = pipeline_schema(&registry());
        let described = |object: &Value| {
            let properties = object["properties"].as_object().unwrap();
            properties.iter().all(|(_, property)| property["description"].is_string())
        };
        assert!(described(&schema) && described(&schema["properties"]["stages"]["additionalProperties"]));
    }
}
