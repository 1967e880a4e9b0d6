//! Stages that bring rows in from outside: first a survey that cuts the inputs into shards, then a read of those
//! shards that are not in the store yet.

use std::any::Any;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::context::{Context, Memo};
use super::error::StageError;
use crate::trajectory::TrajectoryBatch;

/// What a source found: its future shards, in the dataset's order.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// The shards.
    pub shards: Vec<SourceShard>,
    /// Sentences about what looks wrong with the inputs as a whole.
    pub warnings: Vec<String>,
}

/// A run of records of one input file.
#[derive(Clone, Debug)]
pub struct SourceShard {
    /// For people: `runs/a.jsonl, records 0-511`.
    pub label: String,
    /// What decides the shard's rows besides the stage's options: name and value (path below the glob's root,
    /// digest of the bytes, index of the first record, facts taken from elsewhere in the file). Never an
    /// absolute path. Part of the key.
    pub key: Vec<(String, String)>,
    /// Shards of one stream lie behind each other in a compressed file: the missing ones among them are read in
    /// one call, in order. `None`: can be read alone.
    pub stream: Option<usize>,
    /// Where the rows come from.
    pub content: ShardContent,
}

/// Where a shard's rows come from.
#[derive(Clone, Debug)]
pub enum ShardContent {
    /// [`Source::read`] decodes them. Whatever it needs to know of the shard, it finds here again.
    Decoded(Arc<dyn Any + Send + Sync>),
    /// Row groups of a Parquet file that is referred to where it lies. Its `key` identifies the contents.
    InPlace {
        /// The file, absolute.
        path: PathBuf,
        /// Which of its row groups.
        row_groups: Range<usize>,
    },
}

/// A stage that makes a dataset from something outside of the store.
pub trait Source: Send + Sync {
    /// Lists the shards. Called once when a run is planned; facts that cost a pass over the input should be
    /// remembered in the memo under a key that changes when the input does.
    ///
    /// # Errors
    /// If an input cannot be read, with the place.
    fn survey(&self, memo: &dyn Memo) -> Result<Survey, StageError>;

    /// Decodes shards, given by index, all of one stream, ascending. `emit` takes the shard's index, its next batch,
    /// and what was counted over that batch; batches may be of any size, though about 16 MiB is kind to memory. All
    /// batches of a shard come one after the other; a shard of which none comes has no rows. An error of `emit` must be
    /// returned as it is.
    ///
    /// # Errors
    /// A bad record, named by file and line or element.
    fn read(
        &self,
        survey: &Survey,
        shards: &[usize],
        emit: &mut dyn FnMut(usize, TrajectoryBatch, Context) -> Result<(), StageError>,
    ) -> Result<(), StageError>;
}
