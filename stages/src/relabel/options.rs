//! The options of `relabel`, as a pipeline writes them, and whose option each is.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::{Serialize, Serializer};
use sternlight_engine::contract::Keep;
use sternlight_engine::problem::Problem;

use crate::pattern::Pattern;

/// Options of `relabel`. All but `by` and `keep` belong to the ways that they name.
#[derive(Clone, Debug, PartialEq, Serialize, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RelabelOptions {
    /// How it is told what an attempt is an example of.
    pub by: RelabelBy,
    /// Whether the originals stay beside their copies.
    #[serde(default)]
    pub keep: Keep,
    /// `goal`, `satisfied-criteria`, `rules`: what a copy is told to do. `goal` needs it, and writes the goal for `{goal}`;
    /// `{prompt}` is what the original was told; `satisfied-criteria` has `{criteria}`, and `rules` has `{achieved}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// `goal`: what a turn achieved: a column, or what a pattern captures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub achieved: Option<AchievedBy>,
    /// `goal`: which of the goals that were achieved. Default: `final`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// `goal`: copies of a trajectory at most. Default: 4, and 1 for `final`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// `outcome-instruction`: what a copy of a right attempt is told to do. `{prompt}` is what the original was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right: Option<String>,
    /// `outcome-instruction`: the same of a wrong attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrong: Option<String>,
    /// `outcome-instruction`, `rules`: where `success` is not recorded, the reward from which on an attempt is right.
    /// Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success_reward: Option<f64>,
    /// `satisfied-criteria`: the share of criteria that must be satisfied, from 0 to 1. Default: 0.5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_share: Option<f64>,
    /// `rules`: how severe a failure must be, from 0 to 1. Default: 0.3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_severity: Option<f64>,
    /// `rules`: how sure it must be that a copy is a success, from 0 to 1. Default: 0.5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_confidence: Option<f64>,
    /// `rules`: what the turns of a copy weigh in training. Default: `confidence`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<WeightBy>,
}

/// How it is told what an attempt is an example of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RelabelBy {
    /// A goal that was achieved on the way (hindsight experience replay).
    Goal,
    /// The outcome itself: told to answer rightly, or wrongly (hindsight instruction relabelling).
    OutcomeInstruction,
    /// The criteria that it satisfies, alone.
    SatisfiedCriteria,
    /// The results that it came to, if the failure is one to learn from.
    Rules,
}

impl RelabelBy {
    /// The word in a pipeline.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Goal => "goal",
            Self::OutcomeInstruction => "outcome-instruction",
            Self::SatisfiedCriteria => "satisfied-criteria",
            Self::Rules => "rules",
        }
    }
}

/// Which of the goals that an episode achieved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// The last; the copy is the whole episode.
    #[default]
    Final,
    /// Those achieved from a turn on that is drawn; the copy ends where the goal is first achieved from there on.
    Future,
    /// Any of those achieved, as often as they were; the copy ends where the goal is first achieved.
    Episode,
    /// As `episode`, but every goal is as likely as any other, however often it was achieved.
    Random,
}

/// What the turns of a copy weigh in training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WeightBy {
    /// How sure it is that the copy is a success.
    #[default]
    Confidence,
    /// How severe the failure was, as AgentHER's code has it.
    Severity,
}

/// What a turn achieved.
#[derive(Clone, Debug, PartialEq)]
pub enum AchievedBy {
    /// The value of a column of the turns (`turns.x`), or of one of trajectories: achieved with the last turn.
    Column(String),
    /// What a pattern captures.
    Pattern(AchievedPattern),
}

/// What a pattern captures.
#[derive(Clone, Debug, PartialEq, Serialize, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AchievedPattern {
    /// A regular expression whose group `goal`, or only group, is the goal. Of several matches the last counts.
    pub pattern: Pattern,
    /// The text of a turn that is searched.
    #[serde(default, rename = "in")]
    pub place: AchievedIn,
}

/// A text of a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AchievedIn {
    /// What was observed next.
    #[default]
    Observation,
    /// What was done.
    Action,
}

impl Serialize for AchievedBy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Column(name) => serializer.serialize_str(name),
            Self::Pattern(pattern) => pattern.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for AchievedBy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shapes;
        impl<'de> Visitor<'de> for Shapes {
            type Value = AchievedBy;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("the name of a column, or a map with a `pattern`")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<AchievedBy, E> {
                Ok(AchievedBy::Column(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<AchievedBy, A::Error> {
                AchievedPattern::deserialize(de::value::MapAccessDeserializer::new(map)).map(AchievedBy::Pattern)
            }
        }
        deserializer.deserialize_any(Shapes)
    }
}

impl JsonSchema for AchievedBy {
    fn schema_name() -> Cow<'static, str> {
        "AchievedBy".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let pattern = generator.subschema_for::<AchievedPattern>();
        json_schema!({
            "anyOf": [
                { "type": "string", "description": "A column of the turns (`turns.x`), or of trajectories." },
                pattern,
            ]
        })
    }
}

impl RelabelOptions {
    /// Options that belong to other ways than the chosen one.
    pub(super) fn misplaced(&self) -> Vec<Problem> {
        use RelabelBy::{Goal, OutcomeInstruction, Rules, SatisfiedCriteria};
        let keys: [(&str, bool, &[RelabelBy]); 11] = [
            ("task", self.task.is_some(), &[Goal, SatisfiedCriteria, Rules]),
            ("achieved", self.achieved.is_some(), &[Goal]),
            ("strategy", self.strategy.is_some(), &[Goal]),
            ("count", self.count.is_some(), &[Goal]),
            ("right", self.right.is_some(), &[OutcomeInstruction]),
            ("wrong", self.wrong.is_some(), &[OutcomeInstruction]),
            ("success_reward", self.success_reward.is_some(), &[OutcomeInstruction, Rules]),
            ("minimum_share", self.minimum_share.is_some(), &[SatisfiedCriteria]),
            ("minimum_severity", self.minimum_severity.is_some(), &[Rules]),
            ("minimum_confidence", self.minimum_confidence.is_some(), &[Rules]),
            ("weight", self.weight.is_some(), &[Rules]),
        ];
        let misplaced = keys.into_iter().filter(|(_, given, ways)| *given && !ways.contains(&self.by));
        let problem = |(key, _, ways): (&str, bool, &[RelabelBy])| {
            let ways: Vec<String> = ways.iter().map(|way| format!("`by: {}`", way.as_str())).collect();
            let message = format!("`{key}` belongs to {}, and this is `by: {}`", ways.join(" or "), self.by.as_str());
            Problem::at([key], message).at_key().help(format!("leave `{key}` out"))
        };
        misplaced.map(problem).collect()
    }
}
