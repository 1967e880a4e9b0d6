//! Runs WebAssembly plugins: the sandbox, the calls, and what is believed of their results. The contract lies in
//! `plugins/wit`; the engine asks for stages through [`Plugins`]. And [`project`]: how people come to have plugins.

// What a library has to say it returns.
#![warn(clippy::print_stderr, clippy::print_stdout)]

mod bindings;
mod compiled;
pub mod conformance;
mod contents;
mod copies;
mod cpu_time;
mod data_type;
mod description;
mod environment;
mod extra;
mod fault;
mod figures;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod grants;
mod groups;
mod guest;
mod inspection;
mod instance;
mod ipc;
mod limits;
mod loader;
mod measurement;
mod options;
mod outcomes;
mod plugin;
pub mod project;
mod records;
#[cfg(feature = "oci")]
mod registry;
mod said;
mod sandbox;
mod schema;
mod stage;
mod state;
mod text;
#[cfg(feature = "wasi")]
mod wasi;
mod world;

pub use environment::Environment;
pub use inspection::{InspectedColumns, Inspection};
pub use loader::Plugins;
pub use measurement::Measurement;
pub use world::World;
