//! Keeps the trajectories that meet a condition; and the language of conditions, for whoever makes values of columns.

mod bind;
mod bound;
mod call;
mod column;
mod evaluate;
mod expression;
mod form;
mod formula;
mod kernel;
mod parse;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod sample;
mod stage;

pub(crate) use expression::Kind;
pub(crate) use form::Form;
pub(crate) use formula::{Evaluation, Formula};
pub use stage::{Filter, FilterOptions};
