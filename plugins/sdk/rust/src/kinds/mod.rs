//! The kinds of plugins: how a plain function, or a type, becomes a stage of each.

mod advantage;
mod batch;
mod environment;
mod reflect;
mod relabel;
mod reward;

pub use advantage::{Advantages, advantage};
pub use batch::{batch, selection};
pub use environment::{Environment, Episodes, Start, Step, Task, environment};
pub use reflect::{Reflection, reflect};
pub use relabel::{Relabelled, Relabeller, TurnEdit, relabel};
pub use reward::{Outcome, Scored, reward, reward_with_turns};

#[cfg(test)]
mod tests;
