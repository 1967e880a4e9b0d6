//! Runs a source: decodes the shards that are missing into files of the store, or refers to files where they lie.

use std::fs::File;
use std::ops::Range;
use std::path::Path;

use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};

use super::budget::Budget;
use super::parts::Part;
use super::quarantine::RecordWriter;
use super::watch::Watch;
use crate::dataset::{DataFile, FilePath, RowWriter, Shard, footer_digest};
use crate::failure::OnError;
use crate::stage::{Context, FaultyRecord, Receiver, ShardContent, Source, SourceShard, StageError, Survey};
use crate::store::{Attempt, Commit, Outcome, Store};
use crate::trajectory::{TrajectoryBatch, TrajectorySchema};

/// Parts that are read in one call: those of one stream, or one alone. Positions in `parts`.
pub(crate) fn tasks(survey: &Survey, parts: &[Part]) -> Vec<Vec<usize>> {
    let mut tasks: Vec<(Option<usize>, Vec<usize>)> = Vec::new();
    for (position, part) in parts.iter().enumerate().filter(|(_, part)| part.commit.is_none()) {
        let stream = part.shards.first().and_then(|index| survey.shards.get(*index)).and_then(|shard| shard.stream);
        match tasks.last_mut() {
            Some((last, positions)) if stream.is_some() && *last == stream => positions.push(position),
            _ => tasks.push((stream, vec![position])),
        }
    }
    tasks.into_iter().map(|(_, positions)| positions).collect()
}

/// A source, surveyed.
pub(crate) struct SourceWork<'a> {
    /// Its name in the pipeline.
    pub(crate) stage: &'a str,
    pub(crate) on_error: OnError,
    pub(crate) source: &'a dyn Source,
    pub(crate) survey: &'a Survey,
    pub(crate) schema: &'a TrajectorySchema,
    pub(crate) parts: &'a [Part],
    pub(crate) store: &'a Store,
    pub(crate) budget: &'a Budget,
    pub(crate) watch: &'a Watch<'a>,
}

/// What a source and the writer behind it hold at most, about: a batch, its records as they were read, and a row group,
/// decoded and encoded.
const READING_BYTES: u64 = 96 << 20;

/// Reads some parts and commits each as soon as it is complete. `done` gets its position in `parts`.
pub(crate) fn run_task(
    work: &SourceWork<'_>,
    positions: &[usize],
    done: &mut dyn FnMut(usize) -> Result<(), StageError>,
) -> Result<(), StageError> {
    let SourceWork { source, survey, schema, parts, store, .. } = *work;
    let mut decoded = Vec::new();
    for position in positions {
        let part = &parts[*position];
        let Some((index, shard)) = part.shards.first().and_then(|index| Some((*index, survey.shards.get(*index)?)))
        else {
            continue;
        };
        match &shard.content {
            ShardContent::Decoded(_) => decoded.push((*position, index)),
            ShardContent::InPlace { path, row_groups } => {
                let outcome = Outcome::Shard(in_place(shard, path, row_groups, schema)?);
                store.commit(None, Commit::new(part.parts.clone(), outcome, Context::default()))?;
                done(*position)?;
            }
        }
    }
    if decoded.is_empty() {
        return Ok(());
    }
    let _taken = work.budget.take(READING_BYTES);
    work.watch.begin();
    let indexes: Vec<usize> = decoded.iter().map(|(_, index)| *index).collect();
    let mut shards = ShardWriter { work, decoded, done, open: None };
    source.read(survey, &indexes, &mut shards)?;
    shards.complete()
}

/// Writes what a source reads, and commits each shard once the next begins.
struct ShardWriter<'a, 'd> {
    work: &'a SourceWork<'a>,
    /// Positions in `parts`, and indexes in the survey.
    decoded: Vec<(usize, usize)>,
    done: &'d mut dyn FnMut(usize) -> Result<(), StageError>,
    open: Option<OpenShard<'a>>,
}

impl Receiver for ShardWriter<'_, '_> {
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

impl<'a> ShardWriter<'a, '_> {
    /// The shard of this index, open.
    fn shard(&mut self, index: usize) -> Result<&mut OpenShard<'a>, StageError> {
        self.work.watch.check()?;
        let position = self.decoded.iter().find(|(_, known)| *known == index).map(|(position, _)| *position);
        let position = position.ok_or_else(|| {
            StageError::new(format!("the source returned rows of shard {index}, which was not asked for"))
        })?;
        if self.open.as_ref().is_some_and(|open| open.position != position) {
            self.complete()?;
            self.work.watch.begin_part(&self.work.parts[position].label);
        }
        match self.open {
            Some(ref mut open) => Ok(open),
            None => {
                let part = &self.work.parts[position];
                Ok(self.open.insert(OpenShard::create(position, part, self.work.schema, self.work.store)?))
            }
        }
    }

    /// Commits the shard that is open.
    fn complete(&mut self) -> Result<(), StageError> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let position = open.position;
        open.commit(self.work.store)?;
        (self.done)(position)
    }
}

/// A shard that is being written.
struct OpenShard<'a> {
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
    fn create(
        position: usize,
        part: &'a Part,
        schema: &'a TrajectorySchema,
        store: &Store,
    ) -> Result<Self, StageError> {
        let attempt = store.attempt(&part.key)?;
        let writer = RowWriter::create(&attempt.path(FILE_NAME), schema)?;
        Ok(Self { position, part, schema, attempt, writer, aside: None, context: Context::default() })
    }

    fn commit(self, store: &Store) -> Result<(), StageError> {
        let Self { part, attempt, .. } = self;
        let written = self.writer.finish(&attempt.path(FILE_NAME))?;
        let shard = Shard {
            label: part.label.clone(),
            row_groups: written.row_groups,
            selection: None,
            columns: self.schema.paths().into_iter().map(|column| (column, 0)).collect(),
            files: vec![DataFile {
                path: FilePath::Store(attempt.relative(FILE_NAME)),
                first_row_group: 0,
                digests: written.digests,
                identity: None,
                footer: None,
            }],
        };
        let aside = self.aside.map(|aside| aside.finish(&part.label, &attempt)).transpose()?;
        let commit = Commit {
            aside: aside.into_iter().collect(),
            ..Commit::new(part.parts.clone(), Outcome::Shard(shard), self.context)
        };
        store.commit(Some(attempt), commit)?;
        Ok(())
    }
}

fn in_place(
    shard: &SourceShard,
    path: &Path,
    row_groups: &Range<usize>,
    schema: &TrajectorySchema,
) -> Result<Shard, StageError> {
    let file = File::open(path).map_err(|error| StageError::file("open", path, &error))?;
    let footer = footer_digest(&file).map_err(|error| StageError::file("read", path, &error))?;
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new().with_skip_arrow_metadata(true))
        .map_err(|error| StageError::new(format!("cannot read `{}` as Parquet: {error}", path.display())))?;
    let groups = metadata.metadata().row_groups().get(row_groups.clone());
    let groups = groups.ok_or_else(|| StageError::new(format!("`{}` changed while it was read", path.display())))?;
    Ok(Shard {
        label: shard.label.clone(),
        row_groups: groups.iter().map(|group| group.num_rows() as u64).collect(),
        selection: None,
        columns: schema.paths().into_iter().map(|column| (column, 0)).collect(),
        files: vec![DataFile {
            path: FilePath::Outside(path.to_owned()),
            first_row_group: row_groups.start,
            digests: Default::default(),
            identity: Some(shard.key.iter().map(|(name, value)| format!("{name}={value};")).collect()),
            footer: Some(footer),
        }],
    })
}
