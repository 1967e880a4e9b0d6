//! Runs a transform over one shard: batch by batch, or over all of its rows at once where whole groups lie within.

use arrow::compute::concat_batches;

use super::super::host::TaskHost;
use super::super::job::Job;
use super::super::part::Part;
use super::super::quarantine::{RowFault, put_aside};
use super::super::scope::RunScope;
use super::super::watch::Watch;
use super::super::whole::unchanged_policies;
use super::apply::{Applied, StageCall};
use super::columns::{ShardColumns, keep, selected_rows};
use super::relabel::{COPIES_BYTES, ShardCopies, copies_of_groups};
use crate::artifact::Inputs;
use crate::contract::{Effect, Scope};
use crate::dataset::{BaseBatch, BaseReader, FilesRead, Judged, Selection, Shard, decoded_bytes, row_bytes};
use crate::quantities::readable;
use crate::stage::{Context, Output, StageError, TaskContext, Transform};
use crate::store::{Aside, Attempt, Commit, Outcome};
use crate::trajectory::TrajectoryBatch;

/// What a writer of column files holds at most, about: pages of one row group.
const WRITER_BYTES: u64 = 4 << 20;

/// A transform on the shards of its input.
pub(crate) struct TransformWork<'a> {
    pub(crate) job: &'a Job<'a>,
    pub(crate) transform: &'a dyn Transform,
    pub(crate) inputs: &'a Inputs,
    pub(crate) scope: &'a RunScope<'a>,
}

impl TransformWork<'_> {
    pub(crate) fn shard(&self, index: usize) -> Result<&Shard, StageError> {
        self.inputs.data.shards.get(index).ok_or_else(|| StageError::new(format!("there is no shard {index}")))
    }

    /// Computes a part, which is one shard, and commits it.
    pub(crate) fn map(&self, part: &Part, watch: &Watch<'_>) -> Result<(), StageError> {
        let shard = self.shard(part.shard()?)?;
        let read = FilesRead::begin([shard])?;
        let mut context = Context::default();
        let attempt = self.scope.store.attempt(&part.key)?;
        let result = match self.job.contract.scope {
            Scope::Trajectory => self.stream(shard, &attempt, &mut context, watch)?,
            // `check` says so too, with a place.
            _ if matches!(self.job.contract.effect, Effect::Relabelled { .. }) => return Err(copies_of_groups()),
            Scope::Group | Scope::Dataset => self.at_once(shard, &attempt, &mut context, watch)?,
        };
        let result = result.finish()?;
        self.commit(part, attempt, result, context, &read)
    }

    /// Keeps a part's result, if what it was made of still is what its key says.
    pub(crate) fn commit(
        &self,
        part: &Part,
        attempt: Attempt,
        (outcome, aside): (Outcome, Option<Aside>),
        context: Context,
        read: &FilesRead,
    ) -> Result<(), StageError> {
        let commit = Commit::new(part.parts.clone(), outcome, context).with_aside(aside);
        let attempt = (!commit.files().is_empty()).then_some(attempt);
        self.job.stage.unchanged()?;
        read.unchanged()?;
        unchanged_policies(self.inputs)?;
        self.scope.store.commit(attempt, commit)?;
        Ok(())
    }

    /// The stage at work on a part, to be called for batches.
    pub(crate) fn call<'c>(
        &'c self,
        host: &'c TaskHost<'c>,
        watch: &'c Watch<'c>,
    ) -> Result<StageCall<'c>, StageError> {
        let session = self.transform.begin(&TaskContext::new(self.inputs, host))?;
        Ok(StageCall::new(self.job, session, self.transform.takes_any_number(), watch))
    }

    fn stream<'s>(
        &'s self,
        shard: &'s Shard,
        attempt: &'s Attempt,
        context: &mut Context,
        watch: &Watch<'_>,
    ) -> Result<ShardResult<'s>, StageError> {
        let (input, scope) = (&self.inputs.data, self.scope);
        let (reads, needs) = (self.job.reads(), self.job.needs(&input.schema));
        let limit = self.transform.batch_limit().unwrap_or(scope.options.batch_limit);
        let reader = BaseReader::open(&input.root, &input.schema, shard, &needs, limit)?.judging(Judged::AllButNumbers);
        let mut result = ShardResult::new(self.job, shard, attempt);
        let copies_bytes = if result.copies.is_some() { COPIES_BYTES } else { 0 };
        let held_bytes = self.transform.held_bytes();
        let _taken = scope.budget.take(reader.peak_bytes() + WRITER_BYTES + copies_bytes + held_bytes);
        watch.begin();
        let host = TaskHost::new(scope, watch, None);
        let mut call = self.call(&host, watch)?;
        for base in reader {
            watch.check()?;
            let base = base?;
            let mut rows = base.trajectories()?;
            if result.copies.is_some() {
                rows = rows.project(&reads)?;
            }
            let applied = call.apply(&rows, context)?;
            result.push(&base, &applied, (0, 0))?;
        }
        Ok(result)
    }

    /// Group by group would do, but groups need not be neighbours.
    fn at_once<'s>(
        &'s self,
        shard: &'s Shard,
        attempt: &'s Attempt,
        context: &mut Context,
        watch: &Watch<'_>,
    ) -> Result<ShardResult<'s>, StageError> {
        let reads = self.job.reads();
        // Batches, the same rows in one piece, and what the stage makes of them.
        let (input, scope) = (&self.inputs.data, self.scope);
        let bytes = decoded_bytes(&input.root, &input.schema, shard, &reads)?;
        let _taken = scope.budget.take(3 * bytes + WRITER_BYTES + self.transform.held_bytes());
        watch.begin();
        let limit = scope.options.batch_limit;
        let reader = BaseReader::open(&input.root, &input.schema, shard, &reads, limit)?.judging(Judged::AllButNumbers);
        let mut bases = Vec::new();
        let mut batches = Vec::new();
        let mut held = 0;
        for base in reader {
            watch.check()?;
            let base = base?;
            let batch = base.trajectories()?.record_batch().clone();
            // Footers of others do not tell how often a dictionary's texts are repeated.
            held += row_bytes(&batch).iter().sum::<u64>();
            if 3 * held > scope.budget.total() {
                return Err(too_large(shard, 3 * held, scope.budget.total()));
            }
            batches.push(batch);
            bases.push(base.without_columns()?);
        }
        let mut result = ShardResult::new(self.job, shard, attempt);
        let Some(first) = batches.first() else { return Ok(result) };
        let gathered = TrajectoryBatch::new(concat_batches(&first.schema(), &batches)?)?;
        drop(batches);
        let host = TaskHost::new(scope, watch, None);
        let applied = self.call(&host, watch)?.apply(&gathered, context)?;
        let offsets = gathered.turn_offsets();
        let mut row = 0;
        for base in &bases {
            result.push(base, &applied, (row, offsets[row]))?;
            row += selected_rows(base).count();
        }
        Ok(result)
    }
}

fn too_large(shard: &Shard, needed: u64, available: u64) -> StageError {
    let (needed, available) = (readable(needed), readable(available));
    StageError::new(format!(
        "the groups of `{}` lie within it and are seen at once, which takes {needed} and more, more than the {available} of \
         `--memory`",
        shard.label
    ))
    .help("raise `--memory`, or filter before this stage")
}

/// What a transform came to for one shard, as it grows.
pub(crate) struct ShardResult<'a> {
    job: &'a Job<'a>,
    shard: &'a Shard,
    attempt: &'a Attempt,
    columns: ShardColumns<'a>,
    kept: Selection,
    copies: Option<ShardCopies<'a>>,
    /// Rows at fault, by their numbers in the shard.
    faults: Vec<(u64, RowFault)>,
}

const ASIDE_FILE_NAME: &str = "aside.parquet";

impl<'a> ShardResult<'a> {
    pub(crate) fn new(job: &'a Job<'a>, shard: &'a Shard, attempt: &'a Attempt) -> Self {
        let columns = ShardColumns::new(job.adds(), shard, attempt);
        let copies = ShardCopies::of(job, shard, attempt);
        Self { job, shard, attempt, columns, kept: Selection::default(), copies, faults: Vec::new() }
    }

    /// Adds what came out for some base rows. `start`: where their first selected row and turn lie in the output.
    pub(crate) fn push(
        &mut self,
        base: &BaseBatch,
        applied: &Applied,
        start: (usize, usize),
    ) -> Result<(), StageError> {
        let rows = selected_rows(base).count();
        let first = applied.faults.partition_point(|fault| fault.row < start.0);
        let mut own = applied.faults[first..].iter().take_while(|fault| fault.row < start.0 + rows).peekable();
        if own.peek().is_some() {
            let numbers: Vec<u64> = selected_rows(base).collect();
            self.faults.extend(own.map(|fault| (numbers[fault.row - start.0], fault.clone())));
        }
        match &applied.output {
            Output::Relabelled(copies) => match &mut self.copies {
                Some(shard) => shard.push(base, copies)?,
                None => return Err(StageError::new("only a relabeller makes copies")),
            },
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

    /// The result, and the rows put aside, if there are any.
    pub(crate) fn finish(self) -> Result<(Outcome, Option<Aside>), StageError> {
        let outcome = match (self.copies, &self.job.contract.effect) {
            (Some(copies), _) => copies.finish()?,
            (None, Effect::Subset) => Outcome::Kept(vec![self.kept]),
            (None, _) => Outcome::Columns(self.columns.finish()?.into_iter().collect()),
        };
        let aside = match self.faults.as_slice() {
            [] => None,
            faults => Some(put_aside(self.job.name, (0, self.shard), faults, (self.attempt, ASIDE_FILE_NAME))?),
        };
        Ok((outcome, aside))
    }
}
