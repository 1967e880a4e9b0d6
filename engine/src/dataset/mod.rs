//! A dataset: shards of Parquet column files, with the manifest that says which column lies where.

mod reader;
mod selection;
mod shard;

pub use reader::{BatchLimit, BatchReader};
pub use selection::Selection;
pub use shard::{DataFile, Dataset, Facts, FilePath, Shard};
