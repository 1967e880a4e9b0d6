//! What a stage of shape `Whole` fills its outputs with, as it grows: written into the attempt, and measured against what
//! the contract promises before it is believed.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::datatypes::Schema;

use super::super::job::Job;
use crate::artifact::{ArtifactType, Policy, PolicyFacts, write_table};
use crate::column::{ColumnPath, TURNS};
use crate::contract::{AddedColumn, Effect};
use crate::dataset::{BaseReader, BatchLimit, ColumnWriter, Dataset, FilePath, RowWriter, Shard, Written};
use crate::stage::{Outputs, StageError, WriteFiles};
use crate::store::{Attempt, StoredArtifact, sync_files};
use crate::trajectory::TrajectorySchema;

/// The outputs of a stage on their way.
pub(super) struct Filling<'a> {
    job: &'a Job<'a>,
    attempt: &'a Attempt,
    filled: BTreeMap<String, StoredArtifact>,
    /// Rows that are being written, by output, and how many files each has.
    open: BTreeMap<String, RowWriter>,
    files: usize,
}

impl<'a> Filling<'a> {
    pub(super) fn new(job: &'a Job<'a>, attempt: &'a Attempt) -> Self {
        Self { job, attempt, filled: BTreeMap::new(), open: BTreeMap::new(), files: 0 }
    }

    /// What the contract promises of an output.
    fn promised(&self, output: &str) -> Result<&'a ArtifactType, StageError> {
        let outputs = match &self.job.contract.effect {
            Effect::Whole(outputs) => outputs.as_slice(),
            _ => &[],
        };
        let found = outputs.iter().find(|(name, _)| name == output);
        found.map(|(_, promised)| promised).ok_or_else(|| fault(format!("the stage has no output `{output}`")))
    }

    fn schema(&self, output: &str) -> Result<&'a TrajectorySchema, StageError> {
        match self.promised(output)? {
            ArtifactType::Dataset(schema) => Ok(schema),
            other => Err(wrong_kind(output, other, "a dataset")),
        }
    }

    fn fill(&mut self, output: &str, artifact: StoredArtifact) -> Result<(), StageError> {
        match self.filled.insert(output.to_owned(), artifact) {
            None => Ok(()),
            Some(_) => Err(fault(format!("the stage filled its output `{output}` twice"))),
        }
    }

    /// A name for a new file.
    fn file_name(&mut self, output: &str) -> String {
        self.files += 1;
        format!("{output}-{}.parquet", self.files)
    }

    fn push_shard(&mut self, output: &str, shard: Shard) -> Result<(), StageError> {
        match self.filled.entry(output.to_owned()).or_insert_with(|| StoredArtifact::Dataset(Vec::new())) {
            StoredArtifact::Dataset(shards) => {
                shards.push(shard);
                Ok(())
            }
            _ => Err(fault(format!("the stage filled its output `{output}` twice"))),
        }
    }

    /// Ends the file of rows that is being written for an output, if there is one.
    fn close(&mut self, output: &str) -> Result<(), StageError> {
        let Some(writer) = self.open.remove(output) else { return Ok(()) };
        let name = self.file_name(output);
        let path = self.attempt.path(&format!("{output}.rows"));
        let written = writer.finish(&path)?;
        let place = self.attempt.path(&name);
        std::fs::rename(&path, &place).map_err(|error| StageError::file("write", &place, &error))?;
        let label = format!("{}, {output}", self.job.name);
        let shard = written.into_shard(label, self.attempt.relative(&name), self.schema(output)?);
        self.push_shard(output, shard)
    }

    /// Everything that was filled: all that was promised.
    pub(super) fn finish(mut self) -> Result<BTreeMap<String, StoredArtifact>, StageError> {
        let Effect::Whole(promised) = &self.job.contract.effect else { return Ok(BTreeMap::new()) };
        for (name, artifact) in promised {
            self.close(name)?;
            if !self.filled.contains_key(name) {
                match artifact {
                    ArtifactType::Dataset(_) => self.fill(name, StoredArtifact::Dataset(Vec::new()))?,
                    _ => return Err(fault(format!("the stage did not fill its output `{name}`"))),
                }
            }
        }
        Ok(self.filled)
    }
}

impl Outputs for Filling<'_> {
    fn table(&mut self, output: &str, rows: &RecordBatch) -> Result<(), StageError> {
        match self.promised(output)? {
            ArtifactType::Table(schema) if *schema == rows.schema() => {}
            ArtifactType::Table(schema) => {
                let (found, expected) = (columns_of(&rows.schema()), columns_of(schema));
                return Err(fault(format!("the table `{output}` has the columns {found}, expected {expected}")));
            }
            other => return Err(wrong_kind(output, other, "a table")),
        }
        let name = self.file_name(output);
        let table = write_table(&self.attempt.path(&name), self.attempt.relative(&name), rows)?;
        self.fill(output, StoredArtifact::Table(table))
    }

    fn policy(&mut self, output: &str, facts: PolicyFacts, write: &mut WriteFiles<'_>) -> Result<(), StageError> {
        let directory = self.attempt.path(output);
        std::fs::create_dir(&directory).map_err(|error| StageError::file("create", &directory, &error))?;
        write(&directory)?;
        sync_files(&directory)?;
        let place = FilePath::Store(self.attempt.relative(output));
        let policy = Policy::of_directory(&directory, place, facts, &|path, _| Policy::digest_of(path))?;
        self.policy_in_place(output, policy)
    }

    fn policy_in_place(&mut self, output: &str, policy: Policy) -> Result<(), StageError> {
        match self.promised(output)? {
            ArtifactType::Policy(_) => self.fill(output, StoredArtifact::Policy(policy)),
            other => Err(wrong_kind(output, other, "a policy")),
        }
    }

    fn rows(&mut self, output: &str, rows: &RecordBatch) -> Result<(), StageError> {
        let schema = self.schema(output)?;
        if rows.schema().fields() != schema.arrow().fields() {
            let (found, expected) = (columns_of(&rows.schema()), columns_of(schema.arrow()));
            return Err(fault(format!("rows of `{output}` have the columns {found}, expected {expected}")));
        }
        match self.open.get_mut(output) {
            Some(writer) => writer.push(rows),
            None => {
                let writer = RowWriter::create(&self.attempt.path(&format!("{output}.rows")), schema)?;
                self.open.entry(output.to_owned()).or_insert(writer).push(rows)
            }
        }
    }

    fn shard(
        &mut self,
        output: &str,
        dataset: &Dataset,
        mut shard: Shard,
        nulls: &[AddedColumn],
    ) -> Result<(), StageError> {
        let schema = self.schema(output)?;
        self.close(output)?;
        if !nulls.is_empty() {
            let name = self.file_name(output);
            let path = self.attempt.path(&name);
            let written = write_nulls(&path, dataset, &shard, nulls)?;
            shard.files.push(written.into_file(self.attempt.relative(&name)));
            let last = shard.files.len() - 1;
            shard.columns.extend(nulls.iter().map(|column| (column.path.clone(), last)));
        }
        let differs = |path: &ColumnPath| {
            let (promised, found) = (schema.field(path)?, dataset.schema.field(path)?);
            (promised.data_type() != found.data_type())
                .then(|| format!("`{path}` is {}, expected {}", found.data_type(), promised.data_type()))
        };
        if let Some(difference) = schema.paths().iter().find_map(differs) {
            return Err(fault(format!("a shard of `{output}`: {difference}")));
        }
        if let Some(missing) = schema.paths().into_iter().find(|path| !shard.columns.contains_key(path)) {
            return Err(fault(format!("a shard of `{output}` has no column `{missing}`")));
        }
        self.push_shard(output, shard)
    }
}

/// Writes columns without values beside those of a shard.
fn write_nulls(path: &Path, dataset: &Dataset, shard: &Shard, columns: &[AddedColumn]) -> Result<Written, StageError> {
    let has_turns = columns.iter().any(|column| column.path.turn_name().is_some());
    let wanted = if has_turns { vec![ColumnPath::from(TURNS)] } else { Vec::new() };
    let mut writer = None;
    for base in BaseReader::open(&dataset.root, &dataset.schema, shard, &wanted, BatchLimit::default())? {
        let base = base?;
        let selected = base.selected.as_ref().map_or(base.rows.num_rows(), |mask| mask.true_count());
        let null = |column: &AddedColumn| {
            let count = if column.path.turn_name().is_some() { base.selected_turns() } else { selected };
            new_null_array(&column.data_type, count)
        };
        let arrays: Vec<ArrayRef> = columns.iter().map(null).collect();
        let nullable = base.shape.as_ref().map(|shape| (shape.list_nullable, shape.turn_nullable));
        let writer = match &mut writer {
            Some(writer) => writer,
            none => none.insert(ColumnWriter::create(path, columns, &shard.row_groups, nullable)?),
        };
        writer.push(&base, &arrays)?;
    }
    let writer = match writer {
        Some(writer) => writer,
        None => ColumnWriter::create(path, columns, &shard.row_groups, None)?,
    };
    writer.finish(path)
}

fn fault(message: String) -> StageError {
    StageError::new(message).help("this is a fault of the stage: its outputs must be what its contract says")
}

fn wrong_kind(output: &str, promised: &ArtifactType, found: &str) -> StageError {
    fault(format!("the stage fills its output `{output}` with {found}, expected a {}", promised.kind()))
}

fn columns_of(schema: &Schema) -> String {
    let columns = schema.fields().iter().map(|field| format!("`{}` ({})", field.name(), field.data_type()));
    columns.collect::<Vec<_>>().join(", ")
}
