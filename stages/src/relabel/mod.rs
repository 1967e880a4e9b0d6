//! Failed attempts as successes at other tasks: says of trajectories what else they are examples of, by rules alone. The
//! copies themselves are the engine's work.

mod achieved;
mod attempts;
mod draw;
mod failure;
mod goal;
mod hindsight;
mod options;
mod outcome;
mod results;
mod satisfied;
mod stage;
mod template;
mod way;

pub use options::{AchievedBy, AchievedIn, AchievedPattern, RelabelBy, RelabelOptions, Strategy, WeightBy};
pub use stage::Relabel;
