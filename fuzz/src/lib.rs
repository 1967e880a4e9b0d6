//! What the fuzz targets share: a directory to work in, building stages, running pipelines, and a store to damage. No
//! expectations.

mod made;
mod panics;
mod place;

pub use made::{CHATS, STORE_PIPELINE, data_directory, files_below, made};
pub use panics::abort_on_panics_that_nobody_catches;
pub use place::{Place, build, walk};
