//! The `stats` stage: what a dataset comes to, as a table.

mod interval;
mod options;
mod pass;
mod stage;
mod tally;

pub use options::{StatsBy, StatsOptions};
pub use stage::Stats;
