//! What users write under `with`, and which options go together. Defaults are filled in by `method`.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sternlight_engine::column::ColumnPath;
use sternlight_engine::problem::{Problem, nearest};
use sternlight_engine::trajectory::canonical_type;

use super::method::{DEFAULT_ANCHOR, DEFAULT_INTO};

/// Options of `advantage`. All but `estimator` may be left out; each belongs to the estimators that it names.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// How rewards become advantages.
    pub estimator: Estimator,
    /// The column that the advantage goes to, so that two estimators stand side by side. Default: `turns.advantage`.
    #[serde(default)]
    pub into: Option<String>,
    /// `grpo`: which standard deviation divides. Default: `sample`.
    #[serde(default)]
    pub std: Option<StandardDeviation>,
    /// `grpo`: added to the standard deviation before dividing by it, at least 0. Default: 1e-6.
    #[serde(default)]
    pub eps: Option<f64>,
    /// What the difference to the mean is divided by. `grpo`: `group` (default), `batch` or `none`. `gigpo` and
    /// `turn-return`: `none` (default) or `std`.
    #[serde(default)]
    pub scale: Option<Scale>,
    /// `reinforce++`, `reinforce++-baseline`, `gigpo`, `turn-return`: what a reward is worth one step earlier, from 0
    /// to 1. Default: 0.95 for `gigpo`, else 1.
    #[serde(default)]
    pub gamma: Option<f64>,
    /// `reinforce++`, `reinforce++-baseline`: what a step of `gamma` is. Default: `turn`.
    #[serde(default)]
    pub discount: Option<Discount>,
    /// `reinforce++`, `reinforce++-baseline`: what counts once in mean and variance. Default: `tokens` if they are
    /// known for every scored row, else `turns`.
    #[serde(default)]
    pub weight: Option<Weight>,
    /// `reinforce++`, `reinforce++-baseline`, `gigpo`, `turn-return`: what becomes of the outcome in rows that have
    /// turn rewards. Default: `auto`.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// `turn-return`: what is subtracted from a return. Default: `none`.
    #[serde(default)]
    pub baseline: Option<Baseline>,
    /// `gigpo`: weight of the step advantage, at least 0. Default: 1.
    #[serde(default)]
    pub omega: Option<f64>,
    /// `gigpo`: the text column of the turns that says which state a turn met. Default: `turns.observation`.
    #[serde(default)]
    pub anchor: Option<String>,
    /// `gigpo`: what counts once in the mean of episode returns. Default: `trajectories`.
    #[serde(default)]
    pub episode_over: Option<EpisodeOver>,
}

/// How rewards become advantages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Estimator {
    /// The outcome less the group's mean, divided by the group's standard deviation.
    Grpo,
    /// The outcome less the group's mean.
    DrGrpo,
    /// The outcome less the mean of the group's other outcomes.
    Rloo,
    /// Returns of all turns, brought to mean 0 and variance 1 over the dataset.
    #[serde(rename = "reinforce++")]
    ReinforcePlusPlus,
    /// As `reinforce++`, with each outcome first taken against the mean of its group.
    #[serde(rename = "reinforce++-baseline")]
    ReinforcePlusPlusBaseline,
    /// The episode against its group, plus each turn against the turns that met the same state.
    Gigpo,
    /// The return of each turn to the end, alone or against a baseline.
    TurnReturn,
}

/// Which standard deviation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StandardDeviation {
    /// Over n − 1.
    #[default]
    Sample,
    /// Over n.
    Population,
}

/// What the difference to the mean is divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// The standard deviation of the group's outcomes.
    Group,
    /// The standard deviation of all outcomes of the dataset.
    Batch,
    /// Nothing.
    None,
    /// The sample standard deviation of the set whose mean was subtracted, + 1e-6.
    Std,
}

/// What a step of `gamma` is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Discount {
    /// A turn.
    #[default]
    Turn,
    /// An action token, from the last one of a turn to the last one of another.
    Token,
}

/// What counts once in mean and variance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// An action token: long turns weigh more.
    Tokens,
    /// A turn: long trajectories weigh more.
    Turns,
    /// A trajectory, its turns sharing evenly.
    Trajectories,
}

/// What becomes of the outcome in rows that have turn rewards. In others it is the reward of the last turn, unless
/// it is ignored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is left out.
    #[default]
    Auto,
    /// It is added to the reward of the last turn.
    Add,
    /// It is left out, here and in rows without turn rewards, which are then not scored.
    Ignore,
}

/// What is subtracted from a return.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Baseline {
    /// Nothing.
    #[default]
    None,
    /// The mean return of all turns of the group.
    Group,
    /// The mean return of the group's turns at the same place in their trajectories.
    Position,
}

/// What counts once in the mean of episode returns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EpisodeOver {
    /// A trajectory.
    #[default]
    Trajectories,
    /// A turn: long trajectories weigh more.
    Turns,
}

impl Estimator {
    fn name(self) -> &'static str {
        match self {
            Self::Grpo => "grpo",
            Self::DrGrpo => "dr-grpo",
            Self::Rloo => "rloo",
            Self::ReinforcePlusPlus => "reinforce++",
            Self::ReinforcePlusPlusBaseline => "reinforce++-baseline",
            Self::Gigpo => "gigpo",
            Self::TurnReturn => "turn-return",
        }
    }
}

impl fmt::Display for Estimator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}`", self.name())
    }
}

const BY_RETURNS: &[Estimator] =
    &[Estimator::ReinforcePlusPlus, Estimator::ReinforcePlusPlusBaseline, Estimator::Gigpo, Estimator::TurnReturn];
const WHITENED: &[Estimator] = &[Estimator::ReinforcePlusPlus, Estimator::ReinforcePlusPlusBaseline];
const SCALED_BY_SET: &[Estimator] = &[Estimator::Gigpo, Estimator::TurnReturn];

impl Options {
    /// Everything wrong with what was written.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = self.foreign_options();
        if problems.is_empty() {
            problems.extend(self.wrong_scale());
            problems.extend(self.wrong_outcome());
        }
        let in_range = [
            ("eps", self.eps, f64::INFINITY, "a finite number of at least 0"),
            ("gamma", self.gamma, 1.0, "a number from 0 to 1"),
            ("omega", self.omega, f64::INFINITY, "a finite number of at least 0"),
        ];
        for (key, value, most, expected) in in_range {
            if let Some(value) = value.filter(|value| !(value.is_finite() && (0.0..=most).contains(value))) {
                problems.push(Problem::at([key], format!("`{key}` is {value}, expected {expected}")));
            }
        }
        problems.extend(self.anchor.as_deref().and_then(wrong_anchor));
        problems.extend(self.into.as_deref().and_then(wrong_target));
        problems
    }

    /// Options that the estimator does not have.
    fn foreign_options(&self) -> Vec<Problem> {
        let given: [(&str, bool, &[Estimator]); 11] = [
            ("std", self.std.is_some(), &[Estimator::Grpo]),
            ("eps", self.eps.is_some(), &[Estimator::Grpo]),
            ("scale", self.scale.is_some(), &[Estimator::Grpo, Estimator::Gigpo, Estimator::TurnReturn]),
            ("gamma", self.gamma.is_some(), BY_RETURNS),
            ("discount", self.discount.is_some(), WHITENED),
            ("weight", self.weight.is_some(), WHITENED),
            ("outcome", self.outcome.is_some(), BY_RETURNS),
            ("baseline", self.baseline.is_some(), &[Estimator::TurnReturn]),
            ("omega", self.omega.is_some(), &[Estimator::Gigpo]),
            ("anchor", self.anchor.is_some(), &[Estimator::Gigpo]),
            ("episode_over", self.episode_over.is_some(), &[Estimator::Gigpo]),
        ];
        given
            .into_iter()
            .filter(|(_, is_given, owners)| *is_given && !owners.contains(&self.estimator))
            .map(|(key, _, owners)| {
                let owners = listed(owners);
                Problem::at([key], format!("`{key}` belongs to {owners}, and the estimator is {}", self.estimator))
                    .help(format!("remove `{key}`, or choose another `estimator`"))
            })
            .collect()
    }

    fn wrong_scale(&self) -> Option<Problem> {
        let scale = self.scale?;
        let (fits, expected) = if SCALED_BY_SET.contains(&self.estimator) {
            (matches!(scale, Scale::None | Scale::Std), "`none` or `std`")
        } else {
            (matches!(scale, Scale::Group | Scale::Batch | Scale::None), "`group`, `batch` or `none`")
        };
        if !fits {
            let owners = listed(if scale == Scale::Std { SCALED_BY_SET } else { &[Estimator::Grpo] });
            return Some(Problem::at(
                ["scale"],
                format!("this scale belongs to {owners}; for {} expected {expected}", self.estimator),
            ));
        }
        let lacks_set = self.estimator == Estimator::TurnReturn && self.baseline.unwrap_or_default() == Baseline::None;
        (scale == Scale::Std && lacks_set).then(|| {
            Problem::at(["scale"], "`scale: std` divides by the spread of the baseline's set, and there is no baseline")
                .help("set `baseline: group` or `baseline: position`")
        })
    }

    fn wrong_outcome(&self) -> Option<Problem> {
        (self.estimator == Estimator::ReinforcePlusPlusBaseline && self.outcome == Some(Outcome::Ignore)).then(|| {
            Problem::at(["outcome"], "`reinforce++-baseline` compares outcomes, and `outcome: ignore` leaves none")
                .help("remove `outcome`, or set `estimator: reinforce++`")
        })
    }
}

fn wrong_anchor(anchor: &str) -> Option<Problem> {
    let path = ColumnPath::from(anchor);
    if path.turn_name().is_some_and(|name| !name.is_empty()) {
        return None;
    }
    let of_turn = ColumnPath::of_turn(anchor);
    let help = match nearest(anchor, [DEFAULT_ANCHOR]) {
        Some(known) => format!("did you mean `{known}`?"),
        None => format!("for the column `{anchor}` of the turns write `{of_turn}`"),
    };
    Some(Problem::at(["anchor"], format!("`{anchor}` is not a column of the turns, expected `turns.…`")).help(help))
}

/// What is wrong with a column that is to hold advantages.
fn wrong_target(into: &str) -> Option<Problem> {
    let path = ColumnPath::from(into);
    let of_turn = path.turn_name();
    if of_turn.is_none_or(str::is_empty) {
        let message = format!("`{into}` is not a column of the turns, expected `turns.…`");
        return Some(Problem::at(["into"], message).help(format!("write for example `{}`", ColumnPath::of_turn(into))));
    }
    let plain = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
    if !of_turn.is_some_and(|name| name.chars().all(plain)) {
        let message = format!("`{into}` is no name of a column, expected letters, digits and `_` behind `turns.`");
        return Some(Problem::at(["into"], message).help(format!("write for example `{DEFAULT_INTO}_grpo`")));
    }
    // A name that means something else would be taken for that by whatever comes later.
    (canonical_type(&path).is_some() && into != DEFAULT_INTO).then(|| {
        Problem::at(["into"], format!("`{into}` is the name of another column, which advantages cannot stand in"))
            .help(format!("write for example `{DEFAULT_INTO}_2`"))
    })
}

/// The names, in a sentence.
fn listed(estimators: &[Estimator]) -> String {
    match estimators {
        [] => String::new(),
        [one] => one.to_string(),
        [most @ .., last] => {
            let most: Vec<String> = most.iter().map(ToString::to_string).collect();
            format!("{} and {last}", most.join(", "))
        }
    }
}
