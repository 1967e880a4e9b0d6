//! Reads the shards of a source that are missing: decodes them into files of the store, or has them referred to where they
//! lie.

use std::collections::BTreeMap;

use super::super::host::TaskHost;
use super::super::part::Part;
use super::super::quarantine::RecordWriter;
use super::super::shape::Done;
use super::super::whole::unchanged_policies;
use super::in_place;
use super::work::SourceWork;
use crate::dataset::RowWriter;
use crate::failure::OnError;
use crate::stage::{Context, FaultyRecord, Receiver, ShardContent, StageError, TaskContext};
use crate::store::{Attempt, Commit, Outcome, Store};
use crate::trajectory::{TrajectoryBatch, TrajectorySchema};

/// What a source and the writer behind it hold at most, about: a batch, its records as they were read, and a row group,
/// decoded and encoded.
const READING_BYTES: u64 = 96 << 20;

/// Reads some parts and commits each as soon as it is complete.
pub(crate) fn run_task(work: &SourceWork<'_>, positions: &[usize], done: &mut Done<'_>) -> Result<(), StageError> {
    let mut waiting = BTreeMap::new();
    for position in positions {
        let part = &work.parts[*position];
        let Some((index, shard)) =
            part.shards.first().and_then(|index| Some((*index, work.survey.shards.get(*index)?)))
        else {
            continue;
        };
        match &shard.content {
            ShardContent::Decoded(_) => {
                waiting.insert(index, *position);
            }
            ShardContent::InPlace { .. } => {
                let _taken = work.scope.budget.take(READING_BYTES);
                work.watch.begin();
                work.watch.name_part(&part.label);
                in_place::commit(work, (index, part), shard)?;
                done(*position)?;
            }
        }
    }
    if waiting.is_empty() {
        return Ok(());
    }
    let indexes: Vec<usize> = waiting.keys().copied().collect();
    let _taken = work.scope.budget.take(READING_BYTES + work.source.held_bytes(work.survey, &indexes));
    work.watch.begin();
    let mut writing = Writing { work, waiting, open: None, done };
    let host = TaskHost::new(work.scope, work.watch, None);
    work.source.read(work.survey, &indexes, &TaskContext::new(work.inputs, &host), &mut writing)?;
    unchanged_policies(work.inputs)?;
    writing.finish()
}

/// Takes what a source decodes, shard after shard.
struct Writing<'a, 'done> {
    work: &'a SourceWork<'a>,
    /// The shards that have not been begun, and their positions among the parts.
    waiting: BTreeMap<usize, usize>,
    open: Option<OpenShard<'a>>,
    done: &'done mut Done<'done>,
}

impl Receiver for Writing<'_, '_> {
    fn rows(&mut self, shard: usize, batch: TrajectoryBatch, context: Context) -> Result<(), StageError> {
        let open = self.shard(shard)?;
        open.context.absorb(&context);
        open.writer.push(batch.record_batch())
    }

    fn faulty(&mut self, shard: usize, record: FaultyRecord) -> Result<(), StageError> {
        let stage = match self.work.on_error {
            OnError::Fail => return Err(record.error),
            OnError::Quarantine => self.work.stage,
        };
        let open = self.shard(shard)?;
        match open.aside {
            Some(ref mut aside) => aside.push(record),
            None => open.aside.insert(RecordWriter::create(stage, &open.attempt, ASIDE_FILE_NAME)?).push(record),
        }
    }
}

impl<'a> Writing<'a, '_> {
    /// The shard of this index, open.
    fn shard(&mut self, index: usize) -> Result<&mut OpenShard<'a>, StageError> {
        self.work.watch.check()?;
        if self.open.as_ref().is_some_and(|open| open.index != index) {
            self.complete()?;
            self.work.watch.begin();
        }
        match self.open {
            Some(ref mut open) => Ok(open),
            None => {
                let Some(position) = self.waiting.remove(&index) else { return Err(self.out_of_place(index)) };
                let open = OpenShard::create(index, position, self.work)?;
                self.work.watch.name_part(&open.part.label);
                Ok(self.open.insert(open))
            }
        }
    }

    /// Commits the shard that is open.
    fn complete(&mut self) -> Result<(), StageError> {
        let Some(shard) = self.open.take() else { return Ok(()) };
        let position = shard.position;
        self.work.built.unchanged()?;
        shard.commit(self.work.scope.store)?;
        (self.done)(position)
    }

    /// Commits what is left; shards of which nothing came have no rows.
    fn finish(mut self) -> Result<(), StageError> {
        self.complete()?;
        for (index, position) in std::mem::take(&mut self.waiting) {
            self.open = Some(OpenShard::create(index, position, self.work)?);
            self.complete()?;
        }
        Ok(())
    }

    /// A shard is complete once rows of another came: nothing can be added to a commit.
    fn out_of_place(&self, index: usize) -> StageError {
        match self.work.survey.shards.get(index) {
            Some(shard) => StageError::new(format!(
                "the source returned rows of the shard `{}` after those of another, or without being asked for them",
                shard.label
            )),
            None => StageError::new(format!("the source returned rows of shard {index}, which it does not have")),
        }
        .help("this is a fault of the stage: it must return the shards that it is asked for one after the other")
    }
}

/// A shard that is being written.
struct OpenShard<'a> {
    index: usize,
    position: usize,
    part: &'a Part,
    schema: &'a TrajectorySchema,
    attempt: Attempt,
    writer: RowWriter,
    /// Records that could not be decoded, if there were any.
    aside: Option<RecordWriter>,
    context: Context,
}

const FILE_NAME: &str = "rows.parquet";
const ASIDE_FILE_NAME: &str = "aside.parquet";

impl<'a> OpenShard<'a> {
    fn create(index: usize, position: usize, work: &SourceWork<'a>) -> Result<Self, StageError> {
        let (part, schema) = (&work.parts[position], work.schema);
        let attempt = work.scope.store.attempt(&part.key)?;
        let writer = RowWriter::create(&attempt.path(FILE_NAME), schema)?;
        Ok(Self { index, position, part, schema, attempt, writer, aside: None, context: Context::default() })
    }

    fn commit(self, store: &Store) -> Result<(), StageError> {
        let Self { part, attempt, .. } = self;
        let written = self.writer.finish(&attempt.path(FILE_NAME))?;
        let shard = written.into_shard(part.label.clone(), attempt.relative(FILE_NAME), self.schema);
        let aside = self.aside.map(|aside| aside.finish(&part.label, &attempt)).transpose()?;
        let commit = Commit::new(part.parts.clone(), Outcome::Shard(shard), self.context).with_aside(aside);
        store.commit(Some(attempt), commit)?;
        Ok(())
    }
}
