//! Scores trajectories by the recorded outcome, by rules over what was done and seen or by rubrics, and turns by verdicts.

mod options;
mod overlong;
mod rubric;
mod rubric_options;
mod rubric_rules;
mod rule;
mod score;
mod stage;
mod verdicts;

pub use options::{
    LengthOf, LengthOptions, OverlongOptions, Place, RewardBy, RewardOptions, RuleOptions, TurnsOptions, VerdictValues,
};
pub use rubric_options::{CriteriaSource, CriterionOptions, RubricFile};
pub use stage::Reward;
