//! Credit: from rewards to advantages, one value for each turn. What is done with them is the trainer's concern.

mod gigpo;
mod groups;
mod invariants;
mod method;
mod options;
mod outcome;
mod returns;
mod rewards;
mod stage;
mod statistics;
mod sum;
pub(crate) mod tokens;
mod turn_return;
mod whitening;

pub use options::{Baseline, Discount, EpisodeOver, Estimator, Options, Outcome, Scale, StandardDeviation, Weight};
pub use stage::Advantage;
