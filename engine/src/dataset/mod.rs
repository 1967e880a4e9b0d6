//! A dataset: shards of Parquet column files, with the manifest that says which column lies where.

mod check;
mod chunks;
mod exchange;
mod gate;
mod guard;
mod leaves;
mod open_file;
mod packed;
mod page_sizes;
mod reader;
mod row_bytes;
mod selection;
mod shard;
mod shared;
mod size;
mod stamp;
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
pub use shard::{DataFile, Dataset, Digests, Facts, FilePath, Lineage, Shard};
pub use shared::Shared;
pub(crate) use size::decoded_bytes;
pub use size::readable;
pub use stamp::{FileStamp, KnownState};
pub(crate) use stamp::{FilesRead, WhileRunning, changed_since};
pub use whole::WholeFile;
pub(crate) use writer::{ColumnWriter, RowWriter, places, scatter};
