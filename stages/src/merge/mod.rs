//! The `merge` stage: datasets of differing columns become one.

mod stage;

pub use stage::{Merge, MergeOptions};
