//! A dataset: shards of Parquet column files, with the manifest that says which column lies where.

mod caught;
mod chunks;
mod leaves;
mod reader;
mod row_bytes;
mod selection;
mod shard;
mod whole;
mod writer;

pub use caught::{caught, is_caught};
pub(crate) use chunks::footer_digest;
pub use leaves::leaves_of;
pub(crate) use reader::{BaseBatch, BaseReader};
pub use reader::{BatchLimit, BatchReader};
pub use selection::Selection;
pub(crate) use shard::path_of;
pub use shard::{DataFile, Dataset, Facts, FilePath, Lineage, Shard};
pub use whole::WholeFile;
pub(crate) use writer::{ColumnWriter, RowWriter};
