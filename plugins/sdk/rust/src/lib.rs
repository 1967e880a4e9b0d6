//! Plugins for sternlight pipelines as plain Rust functions.
//!
//! A plugin is a crate with one function and one line that makes a plugin of it:
//!
//! ```
//! use schemars::JsonSchema;
//! use serde::Deserialize;
//! use sternlight_plugin::{Result, Trajectory, reward};
//!
//! #[derive(Deserialize, JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct Config {
//!     /// What a good answer contains.
//!     word: String,
//! }
//!
//! fn mentions(trajectory: &Trajectory, config: &Config) -> Result<f32> {
//!     let found = trajectory.turns().any(|turn| turn.action().contains(&config.word));
//!     Ok(if found { 1.0 } else { 0.0 })
//! }
//!
//! reward!(mentions, reads: ["turns.action": "utf8"]);
//! # fn main() {}
//! ```
//!
//! The function stays a plain function: call it in a test with a [`Sample`](testing::Sample). `sternlight plugin build`
//! makes a component of it. Trajectories are views into the bytes that the host sends: nothing is copied.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod arrow;
#[doc(hidden)]
pub mod bindings;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod component;
mod definition;
mod error;
mod host;
#[doc(hidden)]
pub mod kinds;
mod macros;
mod output;
mod sample;
pub mod testing;
mod trajectory;

pub use arrow::{Batch, Column, Invalid, Values};
pub use definition::{Configure, Definition, NoConfig, Processed, Stage};
pub use error::{Error, Result};
pub use host::{Level, log, metric};
pub use kinds::{Advantages, Environment, Outcome, Reflection, Relabelled, Start, Step, Task, TurnEdit};
pub use output::Output;
pub use trajectory::{Trajectory, Turn};
