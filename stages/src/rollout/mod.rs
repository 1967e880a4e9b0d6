//! Makes trajectories: acts in an environment, several episodes of each task.

mod episode;
mod options;
mod script;
mod stage;

pub use options::{EnvironmentLimits, EnvironmentOptions, RolloutOptions, ScriptRule};
pub use stage::Rollout;
