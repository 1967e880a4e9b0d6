//! Stages that do little, so that what the engine does can be seen.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, BooleanArray, Float32Array};
use arrow::datatypes::DataType;
use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::{AddedColumn, Contract, Effect, InputTypes, Scope};
use sternlight_engine::dataset::{BatchLimit, Dataset, FileStamp};
use sternlight_engine::event::{Event, Record, StageResult};
use sternlight_engine::failure::FailurePolicy;
use sternlight_engine::problem::Problem;
use sternlight_engine::run::{Engine, Job, JobInput, RunError, RunOptions, RunReport};
use sternlight_engine::stage::{
    Context, Memo, Output, Receiver, Session, ShardContent, Source, SourceShard, Stage, StageError, Survey,
    TaskContext, Transform, Work,
};
use sternlight_engine::store::Store;
use sternlight_engine::trajectory::{
    TrajectoryBatch, TrajectoryBuilder, TrajectoryRow, TrajectorySchema, TurnRow, imported_schema,
};

/// A row: id, group, reward, and the text of each turn's action.
pub(crate) fn row(id: usize, group: usize, reward: Option<f32>, turns: usize) -> TrajectoryRow {
    TrajectoryRow {
        trajectory_id: format!("t{id:04}"),
        group_id: format!("g{group}"),
        reward,
        turns: (0..turns)
            .map(|turn| TurnRow {
                observation: format!("o{turn}"),
                action: format!("a{id}-{turn}"),
                ..TurnRow::default()
            })
            .collect(),
        ..TrajectoryRow::default()
    }
}

/// Many rows; groups scattered, some rows unscored, some without turns.
pub(crate) fn rows(count: usize) -> Vec<TrajectoryRow> {
    (0..count).map(|id| row(id, id % 7, (id % 5 != 3).then_some((id % 3) as f32), id % 4)).collect()
}

/// Gives rows that stand in memory, a shard a vector.
pub(crate) struct Rows(pub(crate) Vec<Vec<TrajectoryRow>>);

impl Rows {
    /// Many rows, cut into shards of so many.
    pub(crate) fn in_shards(count: usize, rows_each: usize) -> Self {
        Self(rows(count).chunks(rows_each).map(<[_]>::to_vec).collect())
    }
}

impl Stage for Rows {
    fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
        Ok(Contract { reads: Vec::new(), scope: Scope::Trajectory, effect: Effect::Source(imported_schema()) })
    }

    fn work(&self) -> Work<'_> {
        Work::Source(self)
    }
}

impl Source for Rows {
    fn survey(&self, _memo: &dyn Memo) -> Result<Survey, StageError> {
        let shards = self.0.iter().enumerate().map(|(index, rows)| SourceShard {
            label: format!("rows {index}"),
            key: vec![("content".to_owned(), format!("{rows:?}"))],
            stream: None,
            content: ShardContent::Decoded(Arc::new(())),
        });
        Ok(Survey { shards: shards.collect(), warnings: Vec::new() })
    }

    fn read(
        &self,
        _survey: &Survey,
        shards: &[usize],
        _: &TaskContext<'_>,
        receiver: &mut dyn Receiver,
    ) -> Result<(), StageError> {
        for shard in shards {
            for rows in self.0[*shard].chunks(13) {
                let mut builder = TrajectoryBuilder::new();
                rows.iter().for_each(|row| builder.push(row));
                let mut context = Context::default();
                context.metrics.count("trajectories", rows.len() as u64);
                receiver.rows(*shard, builder.finish()?, context)?;
            }
        }
        Ok(())
    }
}

/// Refers to a Parquet file where it lies.
pub(crate) struct InPlace(pub(crate) PathBuf, pub(crate) usize, pub(crate) TrajectorySchema);

impl Stage for InPlace {
    fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
        Ok(Contract { reads: Vec::new(), scope: Scope::Trajectory, effect: Effect::Source(self.2.clone()) })
    }

    fn work(&self) -> Work<'_> {
        Work::Source(self)
    }
}

impl Source for InPlace {
    fn survey(&self, _memo: &dyn Memo) -> Result<Survey, StageError> {
        let stamp = FileStamp::of(&self.0).map_err(|error| StageError::new(error.to_string()))?;
        let content = ShardContent::InPlace { path: self.0.clone(), row_groups: 0..self.1, stamp, content: None };
        let shard = SourceShard { label: "in place".to_owned(), key: Vec::new(), stream: None, content };
        Ok(Survey { shards: vec![shard], warnings: Vec::new() })
    }

    fn read(
        &self,
        _survey: &Survey,
        _shards: &[usize],
        _: &TaskContext<'_>,
        _receiver: &mut dyn Receiver,
    ) -> Result<(), StageError> {
        Err(StageError::new("nothing to decode"))
    }
}

/// Keeps rows with at least so many turns.
pub(crate) struct AtLeast(pub(crate) usize);

impl Stage for AtLeast {
    fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
        Ok(Contract { reads: vec![ColumnPath::from("turns")], scope: Scope::Trajectory, effect: Effect::Subset })
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }
}

impl AtLeast {
    fn apply(&self, batch: &TrajectoryBatch, _context: &mut Context) -> Result<Output, StageError> {
        let keep: Vec<bool> = (0..batch.rows()).map(|row| batch.turns_of(row).len() >= self.0).collect();
        Ok(Output::Keep(BooleanArray::from(keep)))
    }
}

impl Transform for AtLeast {
    fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
        Ok(Box::new(|batch: &TrajectoryBatch, context: &mut Context| self.apply(batch, context)))
    }
}

/// Drops columns and adds none.
pub(crate) struct Drop {
    pub(crate) columns: &'static [&'static str],
    pub(crate) scope: Scope,
}

impl Stage for Drop {
    fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let drops = self.columns.iter().map(|column| ColumnPath::from(*column)).collect();
        Ok(Contract { reads: Vec::new(), scope: self.scope, effect: Effect::Columns { adds: Vec::new(), drops } })
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }
}

impl Drop {
    fn apply(&self, _batch: &TrajectoryBatch, _context: &mut Context) -> Result<Output, StageError> {
        Ok(Output::Columns(Vec::new()))
    }
}

impl Transform for Drop {
    fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
        Ok(Box::new(|batch: &TrajectoryBatch, context: &mut Context| self.apply(batch, context)))
    }
}

/// Adds to every row its reward's distance to the mean of its group (`centred`), and to every turn the same
/// (`turns.centred`).
pub(crate) struct Centre {
    pub(crate) scope: Scope,
    /// Values too many in each column: a stage that lies.
    pub(crate) surplus: usize,
}

impl Stage for Centre {
    fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let adds = vec![
            AddedColumn::new("centred", DataType::Float32),
            AddedColumn::new(ColumnPath::of_turn("centred"), DataType::Float32),
        ];
        let reads = vec![ColumnPath::from("group_id"), ColumnPath::from("reward")];
        Ok(Contract { reads, scope: self.scope, effect: Effect::Columns { adds, drops: Vec::new() } })
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }
}

impl Centre {
    fn apply(&self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Output, StageError> {
        let (groups, rewards) = (batch.text("group_id")?, batch.float("reward")?);
        let mut sums: BTreeMap<&str, (f32, f32)> = BTreeMap::new();
        for (group, reward) in groups.iter().zip(rewards.iter()) {
            if let (Some(group), Some(reward)) = (group, reward) {
                let sum = sums.entry(group).or_default();
                *sum = (sum.0 + reward, sum.1 + 1.0);
            }
        }
        let centred = |row: usize| {
            let (sum, count) = sums.get(groups.value(row)).copied()?;
            rewards.iter().nth(row)?.map(|reward| reward - sum / count)
        };
        let mut values: Vec<Option<f32>> = (0..batch.rows()).map(centred).collect();
        values.iter().flatten().for_each(|value| context.metrics.observe("centred", f64::from(*value)));
        let mut turns: Vec<Option<f32>> = Vec::new();
        for (row, value) in values.iter().enumerate() {
            turns.extend(batch.turns_of(row).map(|_| *value));
        }
        for _ in 0..self.surplus {
            values.push(None);
            turns.push(None);
        }
        let arrays: Vec<ArrayRef> = vec![Arc::new(Float32Array::from(values)), Arc::new(Float32Array::from(turns))];
        Ok(Output::Columns(arrays))
    }
}

impl Transform for Centre {
    fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
        Ok(Box::new(|batch: &TrajectoryBatch, context: &mut Context| self.apply(batch, context)))
    }
}

/// A chain of stages on a store of its own.
pub(crate) struct Chain<'a> {
    pub(crate) stages: Vec<(&'a str, &'a dyn Stage)>,
}

/// What a run came to: results, events, and the last dataset.
pub(crate) struct Ran {
    pub(crate) stages: Vec<StageResult>,
    pub(crate) events: Vec<Event>,
    pub(crate) dataset: Dataset,
}

impl Chain<'_> {
    pub(crate) fn run(&self, store: &Store, options: &RunOptions) -> Result<Ran, RunError> {
        self.run_with(store, options, &[])
    }

    /// With what to do when some of the stages fail.
    pub(crate) fn run_with(
        &self,
        store: &Store,
        options: &RunOptions,
        failure: &[(&str, FailurePolicy)],
    ) -> Result<Ran, RunError> {
        let events: Mutex<Vec<Event>> = Mutex::default();
        let observe = |record: &Record| events.lock().unwrap().push(record.event.clone());
        let report = self.run_observed(store, options, failure, &observe)?;
        let manifest = report.stages.last().unwrap().dataset.clone().unwrap();
        Ok(Ran { stages: report.stages, events: events.into_inner().unwrap(), dataset: store.dataset(&manifest)? })
    }

    /// Runs, and reads nothing afterwards: `observe` may.
    pub(crate) fn run_observed(
        &self,
        store: &Store,
        options: &RunOptions,
        failure: &[(&str, FailurePolicy)],
        observe: &(dyn Fn(&Record) + Sync),
    ) -> Result<RunReport, RunError> {
        let mut schema = TrajectorySchema::empty();
        let mut jobs = Vec::new();
        for (index, (name, stage)) in self.stages.iter().enumerate() {
            let contract = stage.contract(&InputTypes::from(&schema)).unwrap();
            schema = contract.output(&schema);
            jobs.push(Job {
                name,
                uses: name,
                kind: name,
                version: 1,
                options: "{}",
                stage: *stage,
                inputs: index.checked_sub(1).map(JobInput::data).into_iter().collect(),
                contract,
                output: schema.clone(),
                cache: true,
                failure: failure.iter().find(|(stage, _)| stage == name).map(|(_, policy)| *policy).unwrap_or_default(),
                turn: None,
            });
        }
        Engine::new(store, options).run("test", "test.yaml".as_ref(), &jobs, observe)
    }
}

/// Every file below a directory, in order.
pub(crate) fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// Options with this many threads and rows a batch.
pub(crate) fn options(threads: usize, rows: usize) -> RunOptions {
    RunOptions { threads, batch_limit: BatchLimit { rows, ..BatchLimit::default() }, ..RunOptions::default() }
}

/// A store in a directory that is removed with it.
pub(crate) fn store() -> (tempfile::TempDir, Store) {
    // In memory where the system has such a place: everything is forced to disk, which tests need not wait for.
    let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let store = Store::open(&directory.path().join("store")).unwrap();
    (directory, store)
}

/// Id, `centred`, and `turns.centred` of a row.
pub(crate) type Centred = (String, Option<f32>, Vec<Option<f32>>);

/// What `centre` gave every row.
pub(crate) fn centred(dataset: &Dataset) -> Vec<Centred> {
    let columns = ["trajectory_id", "centred", "turns.centred"].map(ColumnPath::from);
    let mut rows = Vec::new();
    for shard in &dataset.shards {
        for batch in dataset.read(shard, &columns, BatchLimit::default()).unwrap() {
            let batch = batch.unwrap();
            let (ids, values, turns) = (
                batch.text("trajectory_id").unwrap(),
                batch.float("centred").unwrap(),
                batch.float("turns.centred").unwrap(),
            );
            for row in 0..batch.rows() {
                let turns = batch.turns_of(row).map(|turn| turns.iter().nth(turn).unwrap()).collect();
                rows.push((ids.value(row).to_owned(), values.iter().nth(row).unwrap(), turns));
            }
        }
    }
    rows
}

/// The column digests of all shards: equal when the bytes of the data are.
pub(crate) fn digests(dataset: &Dataset) -> Vec<String> {
    let paths = dataset.schema.paths();
    dataset.shards.iter().flat_map(|shard| paths.iter().map(|path| shard.digest_of(path).unwrap())).collect()
}
