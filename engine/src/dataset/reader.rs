//! Reads columns of a shard from its several files, in batches bounded by rows and bytes.

use std::path::Path;

use super::shard::Shard;
use crate::column::ColumnPath;
use crate::stage::StageError;
use crate::trajectory::{TrajectoryBatch, TrajectorySchema};

/// How large a batch may get. A single larger row is a batch alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimit {
    /// Rows.
    pub rows: usize,
    /// Bytes of decoded columns.
    pub bytes: usize,
}

impl Default for BatchLimit {
    fn default() -> Self {
        Self { rows: 1024, bytes: 16 << 20 }
    }
}

/// Batches of a shard's selected rows, in order.
#[derive(Debug)]
pub struct BatchReader;

impl BatchReader {
    pub(crate) fn open(
        _root: &Path,
        _schema: &TrajectorySchema,
        _shard: &Shard,
        _columns: &[ColumnPath],
        _limit: BatchLimit,
    ) -> Result<Self, StageError> {
        Err(StageError::new("not yet"))
    }
}

impl Iterator for BatchReader {
    type Item = Result<TrajectoryBatch, StageError>;

    fn next(&mut self) -> Option<Self::Item> {
        None
    }
}
