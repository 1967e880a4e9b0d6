//! A rule document as people write it: the built-in defaults, a file of theirs, or a map in the pipeline. Every key
//! is optional. Not concerned with merging.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::reading::ToolKind;
use super::rule::Rule;
use crate::pattern::Pattern;

/// Changes to the rules. Lists extend what is there, or take its place when written `{replace: [...]}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RuleDocument {
    /// Text taken off the beginning of a result before it is judged; a result that had it answers a call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_prefixes: Option<ListChange<String>>,
    /// Text taken off too, which is no sign of a call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<ListChange<String>>,
    /// Words of the names of tools, by the kind of tool that they tell.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tool_words: BTreeMap<ToolKind, ListChange<String>>,
    /// Commands of a shell that only show something: a program, or a program and its first word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reading_commands: Option<ListChange<String>>,
    /// Fields of JSON that hold an error, in lower case and without `_`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_fields: Option<ListChange<String>>,
    /// Fields of JSON that are false in an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_fields: Option<ListChange<String>>,
    /// Fields of JSON that are true in an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_fields: Option<ListChange<String>>,
    /// Values of a field like `status` that tell of an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_words: Option<ListChange<Pattern>>,
    /// Values of a field like `status` that tell of none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_words: Option<ListChange<Pattern>>,
    /// Whether every action is a call, as in web shops and games.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every_action_is_a_call: Option<bool>,
    /// Results that say that there is no such action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown_action: Option<ListChange<Pattern>>,
    /// Errors that blame the arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub malformed_arguments: Option<ListChange<Pattern>>,
    /// Results that refuse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<ListChange<Pattern>>,
    /// Errors that say that the arguments cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreadable_arguments: Option<ListChange<Pattern>>,
    /// Messages that list what there is instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alternatives: Option<ListChange<Pattern>>,
    /// Results in which a wrapper refuses to run a program or to show something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wrapper_refusal: Option<ListChange<Pattern>>,
    /// Results that are errors, by how their first line begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ListChange<Pattern>>,
    /// Short results that are errors, by what their first line says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_sentences: Option<ListChange<Pattern>>,
    /// The same of sentences about a state that is in the way, from tools that act.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_sentences: Option<ListChange<Pattern>>,
    /// What commands that show something say when they cannot: short results, by their first line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reader_errors: Option<ListChange<Pattern>>,
    /// What services say when they cannot answer: results of one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_errors: Option<ListChange<Pattern>>,
    /// Short results that are none because they say that nothing was found, or nothing wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub empty_answers: Option<ListChange<Pattern>>,
    /// Short results that are none because they say that it went well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_sentences: Option<ListChange<Pattern>>,
    /// Errors of frameworks and protocols, whatever the tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub framework_errors: Option<ListChange<Pattern>>,
    /// Lines that programs write when they fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<ListChange<Pattern>>,
    /// Lines at the end in which runners sum up failures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_summaries: Option<ListChange<Pattern>>,
    /// Last lines in which runners say that all went well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passed_summaries: Option<ListChange<Pattern>>,
    /// What systems say: first or last lines of programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standing_messages: Option<ListChange<Pattern>>,
    /// What games say when something does not work, by how it begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub game_errors: Option<ListChange<Pattern>>,
    /// First words of the names of tools that change state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write_verbs: Option<ListChange<String>>,
    /// What is known about single tools, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tools: BTreeMap<String, ToolMark>,
    /// In how much of a result a refusal is looked for, in characters from its beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal_characters: Option<AtLeast<1>>,
    /// How long an observation must be for its staying the same to mean anything, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_change_characters: Option<AtLeast<1>>,
    /// How much a diagnosis quotes at most, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote_characters: Option<AtLeast<1>>,
    /// What counts as a loop.
    #[serde(rename = "loop", skip_serializing_if = "Option::is_none")]
    pub loops: Option<LoopShape>,
    /// Which rule is asked first; rules left out follow in the usual order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Vec<Rule>>,
    /// Rules that are not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub off: Option<Vec<Rule>>,
}

/// What is known about a tool.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToolMark {
    /// Whether a call may change what a later call returns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writes: Option<bool>,
    /// What kind of tool it is, whatever its name says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ToolKind>,
}

/// What counts as a loop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LoopShape {
    /// The longest block of actions that is looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<AtLeast<1>>,
    /// How often the block must come, one directly after the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeats: Option<AtLeast<2>>,
}

/// A whole number with a lower bound.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct AtLeast<const MINIMUM: u64>(usize);

impl<const MINIMUM: u64> AtLeast<MINIMUM> {
    /// The number.
    pub fn get(self) -> usize {
        self.0
    }
}

impl<'de, const MINIMUM: u64> Deserialize<'de> for AtLeast<MINIMUM> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number<const MINIMUM: u64>;
        impl<const MINIMUM: u64> Visitor<'_> for Number<MINIMUM> {
            type Value = AtLeast<MINIMUM>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "a whole number of at least {MINIMUM}")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
                usize::try_from(number)
                    .ok()
                    .filter(|_| number >= MINIMUM)
                    .map(AtLeast)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(number), &self))
            }
        }
        deserializer.deserialize_u64(Number)
    }
}

impl<const MINIMUM: u64> JsonSchema for AtLeast<MINIMUM> {
    fn schema_name() -> Cow<'static, str> {
        format!("AtLeast{MINIMUM}").into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": MINIMUM })
    }
}

/// What a document does to a list.
#[derive(Clone, Debug, PartialEq)]
pub enum ListChange<T> {
    /// `[a, b]`: these come after what is there.
    Extend(Vec<T>),
    /// `{replace: [a, b]}`: these and no others.
    Replace(Vec<T>),
}

impl<T: Clone> ListChange<T> {
    /// Carries the change out.
    pub(super) fn apply(&self, list: &mut Vec<T>) {
        match self {
            Self::Extend(more) => list.extend_from_slice(more),
            Self::Replace(others) => list.clone_from(others),
        }
    }
}

const REPLACE: &str = "replace";

impl<T: Serialize> Serialize for ListChange<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Extend(more) => more.serialize(serializer),
            Self::Replace(others) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry(REPLACE, others)?;
                map.end()
            }
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ListChange<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shapes<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Shapes<T> {
            type Value = ListChange<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list that extends the defaults, or `{replace: [...]}`")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                Deserialize::deserialize(de::value::SeqAccessDeserializer::new(list)).map(ListChange::Extend)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let replacement = Replacement::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(ListChange::Replace(replacement.replace))
            }
        }
        deserializer.deserialize_any(Shapes(PhantomData))
    }
}

/// The map form of a [`ListChange`].
#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Replacement<T> {
    /// The whole list; none of the defaults stay.
    replace: Vec<T>,
}

impl<T: JsonSchema> JsonSchema for ListChange<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("ListChangeOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let list = generator.subschema_for::<Vec<T>>();
        let replacement = generator.subschema_for::<Replacement<T>>();
        json_schema!({ "anyOf": [list, replacement] })
    }
}
