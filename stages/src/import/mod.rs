//! `import`: recorded trajectories from other programs' files become a dataset.

mod answers;
mod anthropic;
mod chat;
mod columns;
mod detect;
mod dialect;
mod digest;
mod extra;
mod facts;
mod files;
mod json;
mod message;
mod openai_chat;
mod options;
mod parquet;
mod parquet_look;
mod parquet_schema;
pub(crate) mod parts;
mod pieces;
mod place;
mod policy_names;
mod records;
mod row;
mod same_file;
mod scan;
mod seen;
mod shard;
mod stage;
mod status;
mod stream;
mod survey;
mod table_folders;
mod tally;
mod tau_bench;
mod text_agent;
mod walk;

#[cfg(test)]
mod recordings;
#[cfg(test)]
pub(crate) mod testing;

pub use columns::{Columns, FieldPath};
pub use options::{FailedReward, Files, Format, GroupBy, Identity, Options, Reasoning, TaskFrom, UnknownParts};
pub use stage::Import;
