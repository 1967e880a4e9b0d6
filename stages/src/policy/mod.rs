//! The `policy` stage: a policy in the layout of Hugging Face checkpoints, checked without loading its weights.

mod config;
mod layout;
mod stage;
mod weights;

pub use stage::{Policy, PolicyOptions};
