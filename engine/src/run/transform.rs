//! Runs a transform over one shard: batch by batch, or over all of its rows at once where whole groups lie within.

use arrow::compute::concat_batches;

use super::apply::apply;
use super::budget::Budget;
use super::columns::{ShardColumns, keep, selected_rows};
use super::engine::RunOptions;
use super::job::Job;
use super::parts::Part;
use crate::contract::{Effect, Scope};
use crate::dataset::{BaseBatch, BaseReader, Dataset, Selection, Shard, decoded_bytes};
use crate::stage::{Context, Output, StageError, Transform};
use crate::store::{Attempt, Commit, Outcome, Store};
use crate::trajectory::TrajectoryBatch;

/// What a writer of column files holds at most, about: pages of one row group.
const WRITER_BYTES: u64 = 4 << 20;

/// A transform on the shards of its input.
pub(crate) struct TransformWork<'a> {
    pub(crate) job: &'a Job<'a>,
    pub(crate) transform: &'a dyn Transform,
    pub(crate) input: &'a Dataset,
    pub(crate) store: &'a Store,
    pub(crate) budget: &'a Budget,
    pub(crate) options: &'a RunOptions,
}

impl TransformWork<'_> {
    pub(crate) fn shard(&self, index: usize) -> Result<&Shard, StageError> {
        self.input.shards.get(index).ok_or_else(|| StageError::new(format!("there is no shard {index}")))
    }

    /// Computes a part, which is one shard, and commits it.
    pub(crate) fn map(&self, part: &Part) -> Result<(), StageError> {
        let [index] = part.shards.as_slice() else {
            return Err(StageError::new(format!("`{}` is not one shard", part.label)));
        };
        let shard = self.shard(*index)?;
        let mut context = Context::default();
        let attempt = self.store.attempt(&part.key)?;
        let outcome = match self.job.contract.scope {
            Scope::Trajectory => self.stream(shard, &attempt, &mut context)?,
            Scope::Group | Scope::Dataset => self.at_once(shard, &attempt, &mut context)?,
        };
        self.commit(part, attempt, outcome, context)
    }

    pub(crate) fn commit(
        &self,
        part: &Part,
        attempt: Attempt,
        outcome: Outcome,
        context: Context,
    ) -> Result<(), StageError> {
        let attempt = (!outcome.files().is_empty()).then_some(attempt);
        self.store.commit(attempt, Commit { parts: part.parts.clone(), outcome, context })?;
        Ok(())
    }

    fn stream(&self, shard: &Shard, attempt: &Attempt, context: &mut Context) -> Result<Outcome, StageError> {
        let reads = self.job.reads();
        let reader = BaseReader::open(&self.input.root, &self.input.schema, shard, &reads, self.options.batch_limit)?;
        let _taken = self.budget.take(reader.peak_bytes() + WRITER_BYTES);
        let mut result = ShardResult::new(self.job, shard, attempt);
        for base in reader {
            self.options.stop_if_interrupted()?;
            let base = base?;
            let output = apply(self.job, self.transform, &base.trajectories()?, context)?;
            result.push(&base, &output, (0, 0))?;
        }
        result.finish()
    }

    /// Group by group would do, but groups need not be neighbours.
    fn at_once(&self, shard: &Shard, attempt: &Attempt, context: &mut Context) -> Result<Outcome, StageError> {
        let reads = self.job.reads();
        // Batches, the same rows in one piece, and what the stage makes of them.
        let bytes = decoded_bytes(&self.input.root, &self.input.schema, shard, &reads)?;
        let _taken = self.budget.take(3 * bytes + WRITER_BYTES);
        let reader = BaseReader::open(&self.input.root, &self.input.schema, shard, &reads, self.options.batch_limit)?;
        let mut bases = Vec::new();
        let mut batches = Vec::new();
        for base in reader {
            self.options.stop_if_interrupted()?;
            let base = base?;
            batches.push(base.trajectories()?.record_batch().clone());
            bases.push(base.without_columns()?);
        }
        let Some(first) = batches.first() else { return ShardResult::new(self.job, shard, attempt).finish() };
        let gathered = TrajectoryBatch::new(concat_batches(&first.schema(), &batches)?)?;
        drop(batches);
        let output = apply(self.job, self.transform, &gathered, context)?;
        let offsets = gathered.turn_offsets();
        let mut result = ShardResult::new(self.job, shard, attempt);
        let mut row = 0;
        for base in &bases {
            result.push(base, &output, (row, offsets[row]))?;
            row += selected_rows(base).count();
        }
        result.finish()
    }
}

/// What a transform came to for one shard, as it grows.
pub(crate) struct ShardResult<'a> {
    job: &'a Job<'a>,
    columns: ShardColumns<'a>,
    kept: Selection,
}

impl<'a> ShardResult<'a> {
    pub(crate) fn new(job: &'a Job<'a>, shard: &'a Shard, attempt: &'a Attempt) -> Self {
        Self { job, columns: ShardColumns::new(job.adds(), shard, attempt), kept: Selection::default() }
    }

    /// Adds what came out for some base rows. `start`: where their first selected row and turn lie in the output.
    pub(crate) fn push(&mut self, base: &BaseBatch, output: &Output, start: (usize, usize)) -> Result<(), StageError> {
        let rows = selected_rows(base).count();
        match output {
            Output::Keep(mask) => keep(selected_rows(base), &mask.slice(start.0, rows), &mut self.kept),
            Output::Columns(arrays) => {
                let turns = base.selected_turns();
                let slice = |(column, array): (&crate::contract::AddedColumn, &arrow::array::ArrayRef)| match column
                    .path
                    .turn_name()
                {
                    Some(_) => array.slice(start.1, turns),
                    None => array.slice(start.0, rows),
                };
                let own: Vec<_> = self.job.adds().iter().zip(arrays).map(slice).collect();
                self.columns.push(base, &own)?;
            }
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<Outcome, StageError> {
        match &self.job.contract.effect {
            Effect::Subset => Ok(Outcome::Kept(vec![self.kept])),
            _ => Ok(Outcome::Columns(self.columns.finish()?.into_iter().collect())),
        }
    }
}
