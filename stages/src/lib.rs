//! The stages that ship with sternlight, a folder a family, and the registry that names them.

// What a library has to say it returns.
#![warn(clippy::print_stderr, clippy::print_stdout)]

pub mod advantage;
pub mod export;
pub mod filter;
pub mod import;
pub mod reflect;
pub mod relabel;
pub mod reward;
pub mod rollout;

mod criteria;
mod pattern;
mod recorded;
mod registry;
mod yaml_file;

pub use registry::registry;
