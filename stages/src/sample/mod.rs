//! Keeps a share of the trajectories or of the groups, drawn by the pipeline's seed.

mod draw;
mod options;
mod stage;
mod strata;

pub use options::{SampleOptions, SampleUnit};
pub use stage::Sample;
