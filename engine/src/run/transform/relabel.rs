//! What a relabeller makes of one shard: copies of its rows, written as a shard of their own, and beside the originals the
//! columns that only relabelling has. The originals' own files stay as they are.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, new_null_array};

use super::super::job::Job;
use super::columns::{ShardColumns, selected_rows};
use crate::contract::{Effect, Keep};
use crate::dataset::{BaseBatch, RowWriter, Shard, row_bytes};
use crate::stage::StageError;
use crate::store::{Attempt, Outcome};
use crate::trajectory::{NumberedCopy, Relabelled, TrajectoryBatch, copies_of, numbered};

/// Copies that are made at once have about so many bytes.
const BYTES_AT_ONCE: u64 = 4 << 20;

/// What a writer of copies holds at most, about: those, and a row group, decoded and encoded.
pub(crate) const COPIES_BYTES: u64 = 48 << 20;

const FILE_NAME: &str = "copies.parquet";

/// The copies of a shard's rows as they are written; the file is created with the first of them.
pub(crate) struct ShardCopies<'a> {
    job: &'a Job<'a>,
    shard: &'a Shard,
    attempt: &'a Attempt,
    keep: Keep,
    beside: ShardColumns<'a>,
    writer: Option<RowWriter>,
}

impl<'a> ShardCopies<'a> {
    /// Of a relabeller; `None` for any other stage.
    pub(crate) fn of(job: &'a Job<'a>, shard: &'a Shard, attempt: &'a Attempt) -> Option<Self> {
        let Effect::Relabelled { adds, keep } = &job.contract.effect else { return None };
        let beside = ShardColumns::new(adds, shard, attempt);
        Some(Self { job, shard, attempt, keep: *keep, beside, writer: None })
    }

    /// Adds what came out for some base rows, which have all columns.
    pub(crate) fn push(&mut self, base: &BaseBatch, copies: &[Relabelled]) -> Result<(), StageError> {
        if self.keep == Keep::Both {
            self.beside.push(base, &self.of_originals(base))?;
        }
        if copies.is_empty() {
            return Ok(());
        }
        let rows = base.trajectories()?;
        let sizes = row_bytes(rows.record_batch());
        let size = |copy: &Relabelled| {
            let given = [&copy.task, &copy.prompt].into_iter().flatten().map(String::len).sum::<usize>();
            sizes.get(copy.row).copied().unwrap_or_default() + given as u64
        };
        let copies = numbered(copies);
        let (mut start, mut bytes) = (0, 0);
        for (index, one) in copies.iter().enumerate() {
            let size = size(one.copy);
            if index > start && bytes + size > BYTES_AT_ONCE {
                self.write(&rows, &copies[start..index])?;
                (start, bytes) = (index, 0);
            }
            bytes += size;
        }
        self.write(&rows, &copies[start..])
    }

    /// Nothing is said of originals but that they are no copies.
    fn of_originals(&self, base: &BaseBatch) -> Vec<ArrayRef> {
        let (rows, turns) = (selected_rows(base).count(), base.selected_turns());
        let values = self.job.adds().iter().map(|column| -> ArrayRef {
            match (column.path.as_str(), column.path.turn_name()) {
                ("relabelled", _) => Arc::new(BooleanArray::from(vec![false; rows])),
                (_, None) => new_null_array(&column.data_type, rows),
                (_, Some(_)) => new_null_array(&column.data_type, turns),
            }
        });
        values.collect()
    }

    fn write(&mut self, rows: &TrajectoryBatch, copies: &[NumberedCopy<'_>]) -> Result<(), StageError> {
        let made = copies_of(rows, copies, self.job.name, &self.job.output)?;
        let writer = match self.writer {
            Some(ref mut writer) => writer,
            None => self.writer.insert(RowWriter::create(&self.attempt.path(FILE_NAME), &self.job.output)?),
        };
        writer.push(&made)
    }

    /// The result.
    pub(crate) fn finish(self) -> Result<Outcome, StageError> {
        let Self { job, shard, attempt, keep, beside, writer } = self;
        let beside = match keep {
            Keep::Both => beside.finish()?,
            Keep::Relabelled => None,
        };
        let Some(writer) = writer else { return Ok(Outcome::Relabelled { beside, copies: None }) };
        let written = writer.finish(&attempt.path(FILE_NAME))?;
        let label = format!("{}, relabelled by {}", shard.label, job.name);
        let copies = written.into_shard(label, attempt.relative(FILE_NAME), &job.output);
        Ok(Outcome::Relabelled { beside, copies: Some(copies) })
    }
}

/// A relabeller that wants to see more than a trajectory.
pub(super) fn copies_of_groups() -> StageError {
    StageError::new("copies are made of single trajectories, not of groups")
}
