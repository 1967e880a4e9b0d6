//! The options of `reflect`, as a pipeline writes them. Not concerned with reading rule files.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

use super::document::RuleDocument;
use super::rule_set::built_in_digest;

/// Options of `reflect`.
#[derive(Clone, Debug, PartialEq, Serialize, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReflectOptions {
    /// Who judges.
    pub by: ReflectBy,
    /// Changes to the built-in rules: a YAML file, a map, or a list of such, applied in order.
    #[serde(default)]
    pub rules: RuleSources,
    /// Digest of the built-in rules, so that results are not taken from the store after they changed.
    #[serde(skip_deserializing, default = "built_in_digest")]
    pub built_in_rules: String,
}

/// Who judges the turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReflectBy {
    /// Rules over the recorded text.
    Rules,
    /// The policy itself. Not carried out by this version.
    Policy,
    /// A model behind an endpoint. Not carried out by this version.
    Endpoint,
}

impl ReflectBy {
    /// The word in a pipeline.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Policy => "policy",
            Self::Endpoint => "endpoint",
        }
    }
}

/// Where rules come from, besides the built-in ones; later ones are applied to the result of earlier ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum RuleSources {
    /// Only the built-in rules.
    #[default]
    BuiltIn,
    /// One file or map.
    One(RuleSource),
    /// Several.
    List(Vec<RuleSource>),
}

/// One source of rules.
#[derive(Clone, Debug, PartialEq)]
pub enum RuleSource {
    /// A YAML file, relative to the pipeline's directory.
    File(String),
    /// A map in the pipeline.
    Inline(Box<RuleDocument>),
}

impl RuleSources {
    /// The sources in order, each with its index if they were written as a list.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Option<usize>, &RuleSource)> {
        let (one, list) = match self {
            Self::BuiltIn => (None, [].as_slice()),
            Self::One(source) => (Some(source), [].as_slice()),
            Self::List(list) => (None, list.as_slice()),
        };
        let listed = list.iter().enumerate().map(|(index, source)| (Some(index), source));
        one.into_iter().map(|source| (None, source)).chain(listed)
    }
}

impl Serialize for RuleSource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::File(path) => serializer.serialize_str(path),
            Self::Inline(document) => document.serialize(serializer),
        }
    }
}

/// One source and a list of one are the same rules, so they are written the same way into the key.
impl Serialize for RuleSources {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(|(_, source)| source))
    }
}

impl<'de> Deserialize<'de> for RuleSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shapes;
        impl<'de> Visitor<'de> for Shapes {
            type Value = RuleSource;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("the path of a rule file, or a map of rules")
            }

            fn visit_str<E: de::Error>(self, path: &str) -> Result<RuleSource, E> {
                Ok(RuleSource::File(path.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RuleSource, A::Error> {
                let document = RuleDocument::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(RuleSource::Inline(Box::new(document)))
            }
        }
        deserializer.deserialize_any(Shapes)
    }
}

impl<'de> Deserialize<'de> for RuleSources {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shapes;
        impl<'de> Visitor<'de> for Shapes {
            type Value = RuleSources;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("the path of a rule file, a map of rules, or a list of such")
            }

            fn visit_str<E: de::Error>(self, path: &str) -> Result<RuleSources, E> {
                Ok(RuleSources::One(RuleSource::File(path.to_owned())))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RuleSources, A::Error> {
                RuleSource::deserialize(de::value::MapAccessDeserializer::new(map)).map(RuleSources::One)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<RuleSources, A::Error> {
                Deserialize::deserialize(de::value::SeqAccessDeserializer::new(list)).map(RuleSources::List)
            }
        }
        deserializer.deserialize_any(Shapes)
    }
}

impl JsonSchema for RuleSource {
    fn schema_name() -> Cow<'static, str> {
        "RuleSource".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let document = generator.subschema_for::<RuleDocument>();
        json_schema!({
            "anyOf": [
                { "type": "string", "description": "A YAML file of rules, relative to the pipeline's directory." },
                document,
            ]
        })
    }
}

impl JsonSchema for RuleSources {
    fn schema_name() -> Cow<'static, str> {
        "RuleSources".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<RuleSource>();
        let list = generator.subschema_for::<Vec<RuleSource>>();
        json_schema!({ "anyOf": [one, list] })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sternlight_engine::stage::{BuildContext, StageKind};

    use super::super::stage::Reflect;

    fn build(yaml: &str) -> Result<String, String> {
        let context = BuildContext::new(Path::new(""), Path::new(""));
        let built = StageKind::of::<Reflect>().build(serde_yaml::from_str(yaml).unwrap(), &context);
        built.map(|built| built.options).map_err(|problems| {
            let path: Vec<String> = problems[0].path.iter().map(ToString::to_string).collect();
            format!("{}: {}", path.join("."), problems[0].message)
        })
    }

    #[test]
    fn one_source_and_a_list_of_it_are_the_same_rules() {
        let one =
            build("{by: rules, rules: {error: ['^E'], loop: {period: 2}, write_verbs: {replace: [buy]}}}").unwrap();
        let list = build("{by: rules, rules: [{error: ['^E'], loop: {period: 2}, write_verbs: {replace: [buy]}}]}");
        assert_eq!(one, list.unwrap());
        assert!(
            one.contains(r#""rules":[{"error":["^E"],"loop":{"period":2},"write_verbs":{"replace":["buy"]}}]"#),
            "{one}"
        );
    }

    #[test]
    fn the_built_in_rules_are_part_of_the_key_and_cannot_be_set() {
        let digest = super::built_in_digest();
        assert!(build("{by: rules}").unwrap().contains(&format!(r#""built_in_rules":"{digest}""#)));
        assert!(build("{by: rules, built_in_rules: x}").unwrap_err().contains("unknown key `built_in_rules`"));
        let schema = schemars::schema_for!(super::ReflectOptions).to_value();
        assert!(schema["properties"].get("built_in_rules").is_none(), "{schema}");
    }

    #[test]
    fn faults_are_placed_below_with() {
        insta::assert_snapshot!(build("{by: policy}").unwrap_err(), @"by: `by: policy` is not carried out by this version");
        insta::assert_snapshot!(build("{by: rules, rules: {refusal: [a, 'b(']}}").unwrap_err(), @"rules.refusal.1: `b(` is no regular expression: unclosed group");
        insta::assert_snapshot!(build("{by: rules, rules: [{}, {loop: {repeats: 1}}]}").unwrap_err(), @"rules.1.loop.repeats: expected a whole number of at least 2, found `1`");
        insta::assert_snapshot!(build("{by: rules, rules: [{tools: {pay: {write: true}}}]}").unwrap_err(), @"rules.0.tools.pay.write: unknown key `write`");
        insta::assert_snapshot!(build("{by: rules, rules: 3}").unwrap_err(), @"rules: expected the path of a rule file, a map of rules, or a list of such, found `3`");
        insta::assert_snapshot!(build("{by: rules, rules: {off: [lop]}}").unwrap_err(), @"rules.off.0: unknown value `lop`");
    }
}
