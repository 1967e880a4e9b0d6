//! The options of `reward`, as a pipeline writes them; those of rubrics have a file of their own. What they mean together is
//! decided where rules are parsed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rubric_options::CriteriaSource;
use crate::pattern::Pattern;

/// Options of `reward`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RewardOptions {
    /// Where the reward comes from.
    pub by: RewardBy,
    /// With `by: rules`, what is added up. Each rule scores between 0 and 1, times its weight.
    #[serde(default)]
    pub rules: Vec<RuleOptions>,
    /// With `by: verdicts`, what a turn of each verdict is worth; a verdict that is left out is worth 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<VerdictValues>,
    /// With `by: rubric`, where criteria come from: `recorded` (the default), `{file: …}`, or a list of criteria.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criteria: Option<CriteriaSource>,
    /// With `by: rubric`, 1 if all criteria are satisfied and else 0, instead of their weighted mean.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sparse: bool,
    /// Lowers the reward of trajectories whose actions are too long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlong: Option<OverlongOptions>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// From which length on, and how far, a reward is lowered.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OverlongOptions {
    /// The length from which on all of `factor` is taken off.
    pub limit: u32,
    /// How far below the limit the reward begins to fall, evenly.
    pub buffer: u32,
    /// What is taken off at most.
    #[serde(default = "one")]
    pub factor: f64,
    /// What `limit` and `buffer` count.
    #[serde(default)]
    pub length: LengthOf,
}

/// What the length of a trajectory's actions is counted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LengthOf {
    /// Recorded action tokens.
    #[default]
    Tokens,
    /// Characters of the actions' texts, where no tokens were recorded.
    Characters,
}

/// What a turn of each verdict is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VerdictValues {
    /// Valid, and the observation showed something new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<f64>,
    /// Valid but unnecessary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redundant: Option<f64>,
    /// Legal, but the environment answered with an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<f64>,
    /// Not a legal action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid: Option<f64>,
}

/// Where the reward comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RewardBy {
    /// The record: its reward, else whether it succeeded.
    Outcome,
    /// A weighted sum of rules.
    Rules,
    /// The verdicts of `reflect` or of a plugin: one reward for each turn.
    Verdicts,
    /// The weighted mean of criteria, as recorded or as rules decide them.
    Rubric,
}

impl RewardBy {
    /// The word in a pipeline.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Outcome => "outcome",
            Self::Rules => "rules",
            Self::Verdicts => "verdicts",
            Self::Rubric => "rubric",
        }
    }
}

/// One rule: exactly one of `exact`, `regex`, `tool_called`, `length` and `turns`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "required": ["exact"] },
    { "required": ["regex"] },
    { "required": ["tool_called"] },
    { "required": ["length"] },
    { "required": ["turns"] }
]))]
pub struct RuleOptions {
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
    /// What a full score adds to the reward; negative to punish.
    #[serde(default = "one")]
    pub weight: f64,
    /// The name in metrics; `rule-1` for the first rule, and so on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

fn one() -> f64 {
    1.0
}

/// Which text of a trajectory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The action of the last turn.
    #[default]
    LastAction,
    /// Every action; the best score counts.
    AnyAction,
    /// Every observation, the final one included; the best score counts.
    AnyObservation,
    /// What was shown after the last action.
    FinalObservation,
}

/// Bounds on a length, in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LengthOptions {
    /// At least so many characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<u32>,
    /// At most so many characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    /// Beyond a bound the score falls evenly to 0 over so many characters, instead of at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp: Option<u32>,
}

/// Bounds on the number of turns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TurnsOptions {
    /// At least so many turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<u32>,
    /// At most so many turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
}
