//! Scores trajectories: by the recorded outcome, or by rules over what was done and seen.

mod options;
mod rule;
mod score;
mod stage;

pub use options::{LengthOptions, Place, RewardBy, RewardOptions, RuleOptions, TurnsOptions};
pub use stage::Reward;
