//! The `table` stage: a small table from the pipeline itself or from a file.

mod csv;
mod literal;
mod stage;

pub use csv::csv_text;
pub use stage::{Table, TableOptions};
