//! Keeps the trajectories that meet a condition.

mod bind;
mod bound;
mod call;
mod column;
mod evaluate;
mod expression;
mod kernel;
mod parse;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod sample;
mod stage;

pub use stage::{Filter, FilterOptions};
