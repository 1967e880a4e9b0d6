//! The kinds of plugins that run over batches: how a plain function becomes a stage of each.

mod advantage;
mod batch;
mod reflect;
mod reward;

pub use advantage::{Advantages, advantage};
pub use batch::batch;
pub use reflect::{Reflection, reflect};
pub use reward::{Outcome, Scored, reward, reward_with_turns};

#[cfg(test)]
mod tests;
