//! The keys of a pipeline file, as YAML spells them. Private: `load` turns them into a `Pipeline`, and
//! `schema_document` into a JSON Schema. Stages are in `stage_entry`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde_yaml::Mapping;

/// The version of the pipeline format that this build reads.
const FORMAT_VERSION: u64 = 1;

/// A pipeline: stages over recorded agent trajectories.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "sternlight pipeline")]
pub(super) struct PipelineEntry {
    /// Version of the pipeline format: 1.
    #[schemars(required)]
    pub(super) version: Option<Version>,
    /// What the pipeline is called. Default: the file's name without its ending.
    pub(super) name: Option<Name>,
    /// Where all randomness comes from: the same seed gives the same result.
    #[serde(default)]
    pub(super) seed: u64,
    /// Values that stages use as `${params.NAME}` and that `--set params.NAME=VALUE` replaces. One without a
    /// default (null) must be set.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    #[expect(dead_code, reason = "read before decoding, because other keys are made of them")]
    pub(super) params: Mapping,
    /// Repeats stages: those that read what the iteration before made, and those behind them.
    #[serde(rename = "loop")]
    pub(super) repeat: Option<LoopEntry>,
    /// The stages, by name (`[a-z][a-z0-9-]*`).
    #[schemars(with = "BTreeMap<String, serde_json::Value>", required)]
    pub(super) stages: Option<Mapping>,
}

/// Repetition of stages, which hands what one iteration made to the next.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LoopEntry {
    /// How many iterations there are at most.
    #[schemars(range(min = 1))]
    pub(super) times: u64,
    /// What the next iteration gets: from the second on, whoever reads the name reads what this stage made in the iteration
    /// before. The name is that of a stage, which serves the first iteration, or a new one, which only optional inputs may
    /// read.
    pub(super) carry: BTreeMap<String, String>,
    /// Ends the loop after an iteration for which this condition on figures of its stages holds, as in
    /// `evaluate.success >= 0.95`.
    pub(super) until: Option<String>,
    /// How many of the policies that were carried stay in the store, besides the last.
    #[serde(default)]
    pub(super) keep: u64,
    /// Besides them the one of the iteration with the greatest figure stays, as in `evaluate.success`.
    pub(super) keep_best: Option<String>,
}

/// The version of the format: only one is known.
#[derive(Debug)]
pub(super) struct Version;

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            FORMAT_VERSION => Ok(Self),
            other => Err(D::Error::custom(format!(
                "version {other} of the pipeline format is not known: expected {FORMAT_VERSION}"
            ))),
        }
    }
}

impl JsonSchema for Version {
    fn schema_name() -> Cow<'static, str> {
        "Version".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "const": FORMAT_VERSION })
    }
}

/// A pipeline's name.
#[derive(Debug)]
pub(super) struct Name(pub(super) String);

impl Name {
    /// The shape of names of pipelines and stages, as a regular expression.
    pub(super) const PATTERN: &'static str = "^[a-z][a-z0-9-]*$";

    /// Whether the text has the shape of a name.
    pub(super) fn fits(text: &str) -> bool {
        text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.chars().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '-')
    }

    /// The name that was probably meant, if one can be made of the text.
    pub(super) fn suggestion(text: &str) -> Option<String> {
        let lower = text.to_lowercase().replace(['_', ' ', '.'], "-");
        Self::fits(&lower).then_some(lower)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if Self::fits(&text) {
            return Ok(Self(text));
        }
        Err(D::Error::custom(format!(
            "expected a name of small letters, digits and `-` that begins with a letter, found `{text}`"
        )))
    }
}

impl JsonSchema for Name {
    fn schema_name() -> Cow<'static, str> {
        "Name".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": Self::PATTERN })
    }
}
