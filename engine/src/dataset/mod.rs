//! A dataset: shards of Parquet column files, with the manifest that says which column lies where.

mod check;
mod chunks;
mod exchange;
mod guard;
mod leaves;
mod open_file;
mod reader;
mod row_bytes;
mod selection;
mod shard;
mod size;
mod whole;
mod writer;

pub(crate) use chunks::footer_digest;
pub(crate) use exchange::ExchangeWriter;
pub use exchange::{ExchangeFile, Segment};
pub use guard::{guarded, is_guarded};
pub use leaves::leaves_of;
pub(crate) use reader::{BaseBatch, BaseReader, Judged};
pub use reader::{BatchLimit, BatchReader};
pub(crate) use row_bytes::row_bytes;
pub use selection::Selection;
pub(crate) use shard::path_of;
pub use shard::{DataFile, Dataset, Facts, FilePath, Lineage, Shard};
pub(crate) use size::decoded_bytes;
pub use whole::WholeFile;
pub(crate) use writer::{ColumnWriter, RowWriter, places, scatter};
