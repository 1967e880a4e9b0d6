//! The `pairs` stage: preference pairs of groups, as a table.

mod stage;

pub use stage::{Pairs, PairsBy, PairsOptions};
