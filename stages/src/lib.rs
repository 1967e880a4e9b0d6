//! The stages that ship with sternlight, a folder or file each, and the registry that names them.

// What a library has to say it returns.
#![warn(clippy::print_stderr, clippy::print_stdout)]

pub mod advantage;
pub mod best_of;
pub mod dedupe;
pub mod dynamic_sampling;
pub mod export;
pub mod filter;
pub mod import;
pub mod merge;
pub mod pairs;
pub mod policy;
pub mod reflect;
pub mod relabel;
pub mod reward;
pub mod rollout;
pub mod sample;
pub mod select;
pub mod split;
pub mod stats;
pub mod table;

mod criteria;
mod pattern;
mod ranked;
mod recorded;
mod registry;
mod row_groups;
mod yaml_file;

pub use registry::registry;
