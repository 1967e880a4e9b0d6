//! Takes shards of somebody's Parquet file as they lie: refers to the file, writes beside it what is told otherwise, and
//! leaves out rows that cannot be taken. Not concerned with what is wrong with them: the source says.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::Schema;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};

use super::super::part::Part;
use super::super::quarantine::{RowFault, put_aside_of_file};
use super::work::SourceWork;
use crate::contract::AddedColumn;
use crate::dataset::{
    BaseBatch, ColumnWriter, DataFile, FilePath, FileStamp, FilesRead, KnownState, Selection, Shard, WhileRunning,
    changed_since, footer_digest, guarded,
};
use crate::failure::OnError;
use crate::regular_file;
use crate::stage::{FaultyRow, Look, LookTerms, ShardContent, SourceShard, StageError};
use crate::store::{Attempt, Commit, Outcome};
use crate::trajectory::TrajectorySchema;

/// Rows of a column that are written at once.
const ROWS_AT_ONCE: usize = 1024;

const FILE_NAME: &str = "columns.parquet";
const ASIDE_FILE_NAME: &str = "aside.parquet";

/// Commits a shard of a file that is referred to where it lies.
pub(super) fn commit(
    work: &SourceWork<'_>,
    (index, part): (usize, &Part),
    shard: &SourceShard,
) -> Result<(), StageError> {
    let ShardContent::InPlace { path, row_groups, stamp, content } = &shard.content else { return Ok(()) };
    let taken = referred(shard, path, row_groups, work.schema)?;
    let files = with_state(taken.files, (stamp, content.as_ref()), work.scope.budget.total());
    let mut taken = Shard { files, ..taken };
    let read = FilesRead::begin([&taken])?;
    let puts_aside = work.on_error == OnError::Quarantine;
    let terms = LookTerms { puts_aside, memory: work.scope.budget.total(), check: &|| work.watch.check() };
    let Look { columns, mut faults, context } = work.source.look(work.survey, index, &terms)?;
    if !puts_aside && !faults.is_empty() {
        return Err(faults.swap_remove(0).error);
    }
    let mut attempt = None;
    let mut aside = Vec::new();
    if !columns.is_empty() || !faults.is_empty() {
        let written = attempt.insert(work.scope.store.attempt(&part.key)?);
        if !columns.is_empty() {
            amend(&mut taken, columns, written)?;
        }
        if !faults.is_empty() {
            let faults: Vec<(u64, RowFault)> = faults.into_iter().map(row_fault).collect();
            aside.push(put_aside_of_file(work.stage, &taken, &faults, (written, ASIDE_FILE_NAME))?);
            let gone: Selection = faults.iter().map(|(row, _)| *row).collect();
            taken.selection = Some(Selection::first(taken.base_rows()).without(&gone));
        }
    }
    read.unchanged()?;
    let commit = Commit::new(part.parts.clone(), Outcome::Shard(taken), context).with_aside(aside);
    work.scope.store.commit(attempt, commit)?;
    Ok(())
}

fn row_fault(fault: FaultyRow) -> (u64, RowFault) {
    let FaultyRow { row, trajectory, error, place } = fault;
    (row, RowFault { row: row as usize, trajectory, reason: error.message, place: Some(place) })
}

/// Writes columns that are told otherwise beside the file that they stand for.
fn amend(shard: &mut Shard, columns: Vec<(AddedColumn, ArrayRef)>, attempt: &Attempt) -> Result<(), StageError> {
    let (columns, arrays): (Vec<AddedColumn>, Vec<ArrayRef>) = columns.into_iter().unzip();
    let rows = usize::try_from(shard.base_rows()).unwrap_or(usize::MAX);
    if let Some(array) = arrays.iter().find(|array| array.len() != rows) {
        return Err(StageError::new(format!("the source told {} values for {rows} rows of a column", array.len()))
            .help("this is a fault of the stage: it must tell one value a row"));
    }
    let path = attempt.path(FILE_NAME);
    let mut writer = ColumnWriter::create(&path, &columns, &shard.row_groups, None)?;
    for first in (0..rows).step_by(ROWS_AT_ONCE) {
        let count = ROWS_AT_ONCE.min(rows - first);
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        let nothing = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)?;
        let base = BaseBatch { first_row: first as u64, rows: nothing, selected: None, shape: None };
        let slices: Vec<ArrayRef> = arrays.iter().map(|array| array.slice(first, count)).collect();
        writer.push(&base, &slices)?;
    }
    let written = writer.finish(&path)?;
    shard.files.push(DataFile { amends: true, ..written.into_file(attempt.relative(FILE_NAME)) });
    let last = shard.files.len() - 1;
    shard.columns.extend(columns.into_iter().map(|column| (column.path, last)));
    Ok(())
}

/// The files that a shard refers to where they lie, with what the run knows of them. Commits of other runs do not tell.
pub(crate) fn with_state(
    files: Vec<DataFile>,
    (stamp, content): (&FileStamp, Option<&String>),
    memory: u64,
) -> Vec<DataFile> {
    let known = content.is_none().then_some(KnownState { bytes: stamp.bytes, modified_ns: stamp.modified_ns });
    let surveyed = WhileRunning::new(stamp.clone(), content.cloned(), memory);
    let with_state = |file: DataFile| match file.path {
        FilePath::Outside(_) => DataFile { known: known.clone(), surveyed: surveyed.clone(), ..file },
        FilePath::Store(_) => file,
    };
    files.into_iter().map(with_state).collect()
}

/// The shard as the file has it.
fn referred(
    shard: &SourceShard,
    path: &Path,
    row_groups: &Range<usize>,
    schema: &TrajectorySchema,
) -> Result<Shard, StageError> {
    let file = regular_file::open(path).map_err(|error| StageError::file("open", path, &error))?;
    let footer = footer_digest(&file).map_err(|error| StageError::file("read", path, &error))?;
    let metadata =
        guarded(|| ArrowReaderMetadata::load(&file, ArrowReaderOptions::new().with_skip_arrow_metadata(true)))
            .map_err(|error| StageError::new(format!("cannot read `{}` as Parquet: {error}", path.display())))?;
    let groups = metadata.metadata().row_groups().get(row_groups.clone());
    let groups = groups.ok_or_else(|| changed_since(path))?;
    let shard = Shard {
        label: shard.label.clone(),
        // What is no number of rows is refused below.
        row_groups: groups.iter().map(|group| u64::try_from(group.num_rows()).unwrap_or(u64::MAX)).collect(),
        selection: None,
        columns: schema.paths().into_iter().map(|column| (column, 0)).collect(),
        files: vec![DataFile {
            path: FilePath::Outside(path.to_owned()),
            first_row_group: row_groups.start,
            digests: Default::default(),
            identity: Some(shard.key.iter().map(|(name, value)| format!("{name}={value};")).collect()),
            footer: Some(footer),
            rest: None,
            known: None,
            surveyed: WhileRunning::default(),
            amends: false,
        }],
    };
    match shard.fault() {
        None => Ok(shard),
        Some(fault) => Err(StageError::new(format!("cannot read `{}` as Parquet: {fault}", path.display()))
            .help("the file is damaged: have it written anew, or leave it out")),
    }
}
