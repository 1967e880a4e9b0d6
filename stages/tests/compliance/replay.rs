//! Runs a source and a stage behind it on the engine, and keeps all that can be seen of the result.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use sternlight_engine::artifact::{Artifact, ArtifactType};
use sternlight_engine::contract::{Contract, InputTypes};
use sternlight_engine::dataset::{BatchLimit, Dataset};
use sternlight_engine::failure::FailurePolicy;
use sternlight_engine::metrics::Metrics;
use sternlight_engine::problem::Problem;
use sternlight_engine::run::{Engine, Job, JobInput, RunError, RunOptions};
use sternlight_engine::stage::{Arity, BuildContext, Built, Highlight, Stage, StageError};
use sternlight_engine::store::Store;
use sternlight_engine::trajectory::TrajectorySchema;
use tempfile::TempDir;

use crate::environments::registry;

/// A directory with a store, in memory where the system has such a place.
pub(crate) struct Place {
    directory: TempDir,
    pub(crate) store: Store,
}

/// Threads, and rows of a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) threads: usize,
    pub(crate) rows: usize,
}

/// What a stage made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Made {
    pub(crate) rows: u64,
    /// Digests of every column of every shard: equal when the bytes of the data are.
    pub(crate) digests: Vec<Vec<String>>,
    pub(crate) metrics: Metrics,
    pub(crate) highlights: Vec<Highlight>,
    pub(crate) warnings: Vec<String>,
    /// What was exported: contents by name.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// Outputs but the dataset `out`: digests of tables and policies, rows and digests of datasets, by name.
    pub(crate) outputs: BTreeMap<String, String>,
}

/// A run that ended well.
pub(crate) struct Replayed {
    pub(crate) made: Made,
    /// Parts that were computed by the last stage.
    pub(crate) computed: usize,
    /// Of the source, and of the last stage if it is no export.
    pub(crate) datasets: Vec<Dataset>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let store = Store::open(&directory.path().join("store")).unwrap();
        Self { directory, store }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A stage of the registry, for a pipeline and a command that run here.
    pub(crate) fn build(&self, stage: &str, with: &str) -> Result<Built, Vec<Problem>> {
        let registry = registry();
        let context = BuildContext { plugins: registry.plugins(), ..BuildContext::new(self.path(), self.path()) };
        registry.get(stage).unwrap().build(serde_yaml::from_str(with).unwrap(), &context)
    }

    /// Runs the stage behind the source, if any. `cached`: whether an earlier result of the stage will do.
    pub(crate) fn replay(
        &self,
        source: Option<&dyn Stage>,
        (name, built): (&str, &Built),
        way: Way,
        cached: bool,
    ) -> Result<Replayed, StageError> {
        let empty = TrajectorySchema::empty();
        let mut jobs = Vec::new();
        let mut input = empty.clone();
        if let Some(source) = source {
            let contract = source.contract(&InputTypes::from(&empty)).unwrap();
            input = contract.output(&empty);
            jobs.push(job("rows", "{}", source, Vec::new(), contract, input.clone(), true));
        }
        let contract = built.stage.contract(&inputs_of(built.stage.as_ref(), &input)).unwrap();
        let output = contract.output(&input);
        let inputs = (0..jobs.len()).collect();
        jobs.push(job(name, &built.options, built.stage.as_ref(), inputs, contract, output, cached));
        let batch_limit = BatchLimit { rows: way.rows, ..BatchLimit::default() };
        let options = RunOptions { threads: way.threads, batch_limit, ..RunOptions::default() };
        let ran = Engine::new(&self.store, &options).run("compliance", Path::new("compliance.yaml"), &jobs, &|_| {});
        let report = ran.map_err(|error| match error {
            RunError::Stage { source, .. } => source,
            other => panic!("{other}"),
        })?;
        let last = report.stages.last().unwrap();
        let datasets = report.stages.iter().filter_map(|stage| stage.dataset.as_ref());
        let datasets: Vec<Dataset> = datasets.map(|manifest| self.store.dataset(manifest).unwrap()).collect();
        let digests = match last.dataset {
            Some(_) => digests(datasets.last().unwrap()),
            None => Vec::new(),
        };
        let name = |path: &Path| path.strip_prefix(self.path()).unwrap().to_string_lossy().into_owned();
        let made = Made {
            rows: last.rows,
            digests,
            metrics: last.metrics.clone(),
            highlights: last.highlights.clone(),
            warnings: last.warnings.clone(),
            outputs: last
                .outputs
                .iter()
                .map(|output| (output.name.clone(), described(&self.store.artifact(&output.manifest).unwrap())))
                .collect(),
            files: last.files.iter().map(|file| (name(&file.path), std::fs::read(&file.path).unwrap())).collect(),
        };
        Ok(Replayed { made, computed: last.computed, datasets })
    }
}

/// The types of a stage's inputs, of which one is a dataset.
pub(crate) fn inputs_of(stage: &dyn Stage, input: &TrajectorySchema) -> InputTypes {
    match stage.ports().inputs.first() {
        Some(port) if port.arity == Arity::Several => {
            let beside = vec![(port.name.to_owned(), ArtifactType::Dataset(input.clone()))];
            InputTypes::new(TrajectorySchema::empty(), beside)
        }
        _ => InputTypes::from(input),
    }
}

/// All that tells one artifact from another.
fn described(artifact: &Artifact) -> String {
    match artifact {
        Artifact::Dataset(dataset) => format!("{} rows {:?}", dataset.rows(), digests(dataset)),
        Artifact::Table(table) => format!("{} rows {}", table.rows, table.digest),
        Artifact::Policy(policy) => policy.digest(),
    }
}

fn job<'a>(
    name: &'a str,
    options: &'a str,
    stage: &'a dyn Stage,
    inputs: Vec<usize>,
    contract: Contract,
    output: TrajectorySchema,
    cache: bool,
) -> Job<'a> {
    let failure = FailurePolicy::default();
    let inputs = inputs.into_iter().map(JobInput::data).collect();
    Job {
        name,
        uses: name,
        kind: name,
        version: 1,
        options,
        stage,
        inputs,
        contract,
        output,
        cache,
        failure,
        turn: None,
    }
}

/// For each shard a digest for each column of the dataset, in its order.
pub(crate) fn digests(dataset: &Dataset) -> Vec<Vec<String>> {
    let paths = dataset.schema.paths();
    let of =
        |shard: &sternlight_engine::dataset::Shard| paths.iter().map(|path| shard.digest_of(path).unwrap()).collect();
    dataset.shards.iter().map(of).collect()
}

/// All rows with all columns; `None` if there are none.
pub(crate) fn rows(dataset: &Dataset) -> Option<RecordBatch> {
    let paths = dataset.schema.paths();
    let read = |shard| dataset.read(shard, &paths, BatchLimit::default()).unwrap();
    let batches = dataset.shards.iter().flat_map(read).map(|batch| batch.unwrap().record_batch().clone());
    let batches: Vec<RecordBatch> = batches.collect();
    Some(concat_batches(&batches.first()?.schema(), &batches).unwrap())
}
