//! Stages that bring rows in from outside: first a survey that cuts the inputs into shards, then a read of those
//! shards that are not in the store yet.

use std::any::Any;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::ArrayRef;

use super::context::{Context, Memo};
use super::task::TaskContext;
use crate::contract::AddedColumn;
use crate::dataset::FileStamp;
use crate::error::StageError;
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
        /// The file's state from before anything of `key` was read: nothing that is computed from other bytes goes under
        /// a key that was made of these.
        stamp: FileStamp,
        /// The digest of all its bytes, blake3 in hexadecimal, if `key` knows the file by that; else `key` has its size,
        /// footer and time.
        content: Option<String>,
    },
}

/// A stage that makes a dataset from something outside of the store.
pub trait Source: Send + Sync {
    /// Bytes that a read of these shards holds beside what it hands over, about.
    fn held_bytes(&self, _survey: &Survey, _shards: &[usize]) -> u64 {
        0
    }

    /// Lists the shards. Called once when a run is planned; facts that cost a pass over the input should be
    /// remembered in the memo under a key that changes when the input does.
    ///
    /// # Errors
    /// If an input cannot be read, with the place.
    fn survey(&self, memo: &dyn Memo) -> Result<Survey, StageError>;

    /// What to do, by its own options, where no group has two trajectories and so nothing can be compared: part of a warning.
    fn help_for_lone_groups(&self) -> Option<&'static str> {
        None
    }

    /// Looks at the rows of a shard that is referred to where it lies, when it is taken.
    ///
    /// # Errors
    /// What keeps the file from being read, and what `check` says.
    fn look(&self, _survey: &Survey, _shard: usize, _terms: &LookTerms<'_>) -> Result<Look, StageError> {
        Ok(Look::default())
    }

    /// Decodes shards, given by index, all of one stream, ascending, and hands rows and faulty records over in their
    /// order. All of a shard comes before anything of another; a shard of which nothing comes has no rows. An error of
    /// the receiver must be returned as it is.
    ///
    /// # Errors
    /// What keeps a shard from being read at all, and what the receiver returns.
    fn read(
        &self,
        survey: &Survey,
        shards: &[usize],
        task: &TaskContext<'_>,
        receiver: &mut dyn Receiver,
    ) -> Result<(), StageError>;
}

/// What holds for a look at rows that stay in somebody's file.
#[derive(Clone, Copy)]
pub struct LookTerms<'a> {
    /// Whether the pipeline wants rows at fault to be put aside.
    pub puts_aside: bool,
    /// Bytes that may be used: what takes more must be refused, with the place.
    pub memory: u64,
    /// To be asked now and then by whoever works long; what it says is returned as it is.
    pub check: &'a dyn Fn() -> Result<(), StageError>,
}

/// What a source says of rows that stay in somebody's file.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// Columns of rows that are told otherwise than the file has them, with one value a row.
    pub columns: Vec<(AddedColumn, ArrayRef)>,
    /// Rows that cannot be taken, ascending: put aside, or else the first is an error.
    pub faults: Vec<FaultyRow>,
    /// What was counted.
    pub context: Context,
}

/// A row of somebody's file that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultyRow {
    /// Its number in the shard.
    pub row: u64,
    /// Its id; if it has none, its place.
    pub trajectory: String,
    /// Why, with the place as messages name it.
    pub error: StageError,
    /// The place as it is kept: part of a result, so it must not depend on where files lie.
    pub place: String,
}

/// Takes what a source reads.
pub trait Receiver {
    /// Takes the next rows of a shard, and what was counted over them. Batches may be of any size, though about 16 MiB
    /// is kind to memory.
    ///
    /// # Errors
    /// If they cannot be written, or somebody stops the run.
    fn rows(&mut self, shard: usize, batch: TrajectoryBatch, context: Context) -> Result<(), StageError>;

    /// Takes a record of a shard that cannot be decoded.
    ///
    /// # Errors
    /// The record's own, unless the pipeline wants such records to be put aside.
    fn faulty(&mut self, shard: usize, record: FaultyRecord) -> Result<(), StageError>;
}

/// For those who have no use for faulty records: the first is an error.
impl<F: FnMut(usize, TrajectoryBatch, Context) -> Result<(), StageError>> Receiver for F {
    fn rows(&mut self, shard: usize, batch: TrajectoryBatch, context: Context) -> Result<(), StageError> {
        self(shard, batch, context)
    }

    fn faulty(&mut self, _: usize, record: FaultyRecord) -> Result<(), StageError> {
        Err(record.error)
    }
}

/// A record that cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultyRecord {
    /// Why, with the place as messages name it.
    pub error: StageError,
    /// The place as it is kept: part of a result, so it must not depend on where files lie.
    pub place: String,
    /// The record as JSON: as it is if it is JSON, else its text as a JSON string.
    pub raw: String,
}
