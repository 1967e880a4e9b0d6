//! Projects of plugins: made of templates, and built into components. Running components is not their business.

mod about;
mod builder;
mod embedded;
mod error;
mod javascript;
mod language;
mod program;
mod python;
mod rust;
mod rust_toolchain;
mod scaffold;
mod toolbox;

pub use builder::{Builder, Built};
pub use error::ProjectError;
pub use language::Language;
pub use scaffold::create;
