//! The stages that ship with sternlight, a folder a family, and the registry that names them.

// What a library has to say it returns.
#![warn(clippy::print_stderr, clippy::print_stdout)]

pub mod advantage;
pub mod export;
pub mod filter;
pub mod import;
pub mod merge;
pub mod pairs;
pub mod policy;
pub mod reflect;
pub mod reward;
pub mod rollout;
pub mod split;
pub mod stats;
pub mod table;

mod pattern;
mod recorded;
mod registry;

pub use registry::registry;
