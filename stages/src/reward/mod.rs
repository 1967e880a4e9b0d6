//! Scores trajectories by the recorded outcome or by rules over what was done and seen, and turns by verdicts.

mod options;
mod rule;
mod score;
mod stage;
mod verdicts;

pub use options::{LengthOptions, Place, RewardBy, RewardOptions, RuleOptions, TurnsOptions, VerdictValues};
pub use stage::Reward;
