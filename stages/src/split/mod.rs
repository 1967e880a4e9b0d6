//! The `split` stage: trajectories into parts by task, so that no task is in two of them.

mod stage;

pub use stage::{Split, SplitOptions};
