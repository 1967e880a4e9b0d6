//! `import`: recorded trajectories from other programs' files become a dataset.

mod answers;
mod chat;
mod detect;
mod digest;
mod extra;
mod files;
mod json;
mod message;
mod openai_chat;
mod options;
mod parquet;
mod parquet_schema;
mod place;
mod records;
mod row;
mod scan;
mod shard;
mod stage;
mod stream;
mod survey;
mod tau_bench;
mod text_agent;

#[cfg(test)]
mod recordings;
#[cfg(test)]
pub(crate) mod testing;

pub use options::{FailedReward, Files, Format, GroupBy, Identity, Options, Reasoning, TaskFrom};
pub use stage::Import;
