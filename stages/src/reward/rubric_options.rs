//! How a pipeline, or a file that it names, writes criteria. What they mean is decided in `rubric_rules`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

use super::options::{LengthOptions, Place, RuleOptions, TurnsOptions};
use crate::pattern::Pattern;

/// Where criteria come from.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum CriteriaSource {
    /// The column `criteria`, or the record's field of that name in `extra`.
    #[default]
    Recorded,
    /// A YAML file of criteria by task.
    File(RubricFile),
    /// The same criteria for every trajectory.
    Inline(Vec<CriterionOptions>),
}

/// A file of criteria by task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RubricFile {
    /// A YAML file, relative to the pipeline's directory: for each `task_id` a list of criteria; `'*'` for all others.
    pub file: String,
}

/// What the file holds.
pub(super) type CriteriaByTask = BTreeMap<String, Vec<CriterionOptions>>;

/// One criterion, and the rule that decides it: exactly one of `exact`, `regex`, `tool_called`, `length` and `turns`.
#[derive(Clone, Debug, PartialEq, Serialize, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "required": ["exact"] },
    { "required": ["regex"] },
    { "required": ["tool_called"] },
    { "required": ["length"] },
    { "required": ["turns"] }
]))]
pub struct CriterionOptions {
    /// What it is called: no two of a list alike.
    pub id: String,
    /// What it asks, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What it counts against the others; a negative weight counts nothing.
    #[serde(default = "one")]
    pub weight: f64,
    /// The text is this one, white space around both apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exact: Option<String>,
    /// The expression matches somewhere in the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regex: Option<Pattern>,
    /// Some turn calls the tool of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_called: Option<String>,
    /// The text has so many characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<LengthOptions>,
    /// The trajectory has so many turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turns: Option<TurnsOptions>,
    /// Which text `exact`, `regex` and `length` look at; `last_action` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<Place>,
}

fn one() -> f64 {
    1.0
}

impl CriterionOptions {
    /// The rule that decides it.
    pub(super) fn rule(&self) -> RuleOptions {
        let Self { exact, regex, tool_called, length, turns, on, .. } = self.clone();
        RuleOptions { exact, regex, tool_called, length, turns, on, ..RuleOptions::default() }
    }
}

impl Serialize for CriteriaSource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Recorded => serializer.serialize_str("recorded"),
            Self::File(file) => file.serialize(serializer),
            Self::Inline(criteria) => criteria.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for CriteriaSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shapes;
        impl<'de> Visitor<'de> for Shapes {
            type Value = CriteriaSource;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("`recorded`, a map with the `file` of a rubric, or a list of criteria")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<CriteriaSource, E> {
                match word {
                    "recorded" => Ok(CriteriaSource::Recorded),
                    other => Err(E::invalid_value(de::Unexpected::Str(other), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<CriteriaSource, A::Error> {
                RubricFile::deserialize(de::value::MapAccessDeserializer::new(map)).map(CriteriaSource::File)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<CriteriaSource, A::Error> {
                Deserialize::deserialize(de::value::SeqAccessDeserializer::new(list)).map(CriteriaSource::Inline)
            }
        }
        deserializer.deserialize_any(Shapes)
    }
}

impl JsonSchema for CriteriaSource {
    fn schema_name() -> Cow<'static, str> {
        "CriteriaSource".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let file = generator.subschema_for::<RubricFile>();
        let list = generator.subschema_for::<Vec<CriterionOptions>>();
        json_schema!({
            "anyOf": [
                { "const": "recorded", "description": "The column `criteria`, or the record's field of that name." },
                file,
                list,
            ]
        })
    }
}
