//! A sink that writes elsewhere: what it would put at its target goes into a directory, under the same names.

use std::path::PathBuf;

use crate::contract::Contract;
use crate::dataset::Dataset;
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::stage::{Context, InputFile, Sink, Stage, StageError, Staging, Target, Work};
use crate::trajectory::TrajectorySchema;

/// A stage whose export is kept from its target.
pub struct Redirected<'a> {
    /// The stage.
    pub stage: &'a dyn Stage,
    /// Where it writes instead. Nothing else may lie there.
    pub directory: PathBuf,
}

impl Stage for Redirected<'_> {
    fn contract(&self, input: &TrajectorySchema) -> Result<Contract, Vec<Problem>> {
        self.stage.contract(input)
    }

    fn files(&self) -> Vec<InputFile> {
        self.stage.files()
    }

    fn not_reproducible(&self) -> Vec<String> {
        self.stage.not_reproducible()
    }

    fn unchanged(&self) -> Result<(), StageError> {
        self.stage.unchanged()
    }

    fn warnings(&self, metrics: &Metrics) -> Vec<String> {
        self.stage.warnings(metrics)
    }

    fn outcome(&self, metrics: &Metrics, put_aside: u64) -> Result<(), StageError> {
        self.stage.outcome(metrics, put_aside)
    }

    fn work(&self) -> Work<'_> {
        match self.stage.work() {
            Work::Sink(_) => Work::Sink(self),
            other => other,
        }
    }
}

impl Sink for Redirected<'_> {
    fn target(&self) -> Target {
        let Work::Sink(sink) = self.stage.work() else {
            return Target { path: self.directory.clone(), beside: Vec::new(), is_directory: true, overwrite: false };
        };
        let target = sink.target();
        let name = target.path.file_name().map(PathBuf::from).unwrap_or_default();
        Target { path: self.directory.join(name), ..target }
    }

    fn export(&self, dataset: &Dataset, staging: &mut dyn Staging, context: &mut Context) -> Result<(), StageError> {
        match self.stage.work() {
            Work::Sink(sink) => sink.export(dataset, staging, context),
            _ => Err(StageError::new("the stage does not export")),
        }
    }
}
