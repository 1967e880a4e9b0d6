//! Chooses, renames and derives columns. Rows stay as they are.

mod derived;
mod names;
mod options;
mod plan;
mod stage;

pub use options::SelectOptions;
pub use stage::Select;
