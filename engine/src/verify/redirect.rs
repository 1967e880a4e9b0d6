//! A sink that writes elsewhere: what it would put at its target goes into a directory, under the same names.

use std::path::{Path, PathBuf};

use crate::artifact::Inputs;
use crate::contract::{Contract, InputTypes};
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::stage::{Context, Figure, InputFile, Ports, Sink, Stage, StageError, Staging, Target, Work};

/// A stage whose export is kept from its target.
pub struct Redirected<'a> {
    /// The stage.
    pub stage: &'a dyn Stage,
    /// Where it writes instead. Nothing else may lie there.
    pub directory: PathBuf,
}

/// The export of such a stage.
struct RedirectedSink<'a> {
    sink: Box<dyn Sink + 'a>,
    directory: &'a Path,
}

impl Stage for Redirected<'_> {
    fn ports(&self) -> Ports {
        self.stage.ports()
    }

    fn contract(&self, inputs: &InputTypes) -> Result<Contract, Vec<Problem>> {
        self.stage.contract(inputs)
    }

    fn files(&self) -> Vec<InputFile> {
        self.stage.files()
    }

    fn inputs(&self) -> Vec<PathBuf> {
        self.stage.inputs()
    }

    fn would_read(&self, place: &Path) -> bool {
        self.stage.would_read(place)
    }

    fn figures(&self) -> Vec<Figure> {
        self.stage.figures()
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
            let (path, beside, within) = (self.directory.clone(), Vec::new(), Vec::new());
            return Target { path, beside, within, is_directory: true, overwrite: false };
        };
        redirected(sink.target(), &self.directory)
    }

    fn sample(&self, groups: u64) -> Box<dyn Sink + '_> {
        match self.stage.work() {
            Work::Sink(sink) => Box::new(RedirectedSink { sink: sink.sample(groups), directory: &self.directory }),
            _ => Box::new(Redirected { stage: self.stage, directory: self.directory.clone() }),
        }
    }

    fn export(&self, inputs: &Inputs, staging: &mut dyn Staging, context: &mut Context) -> Result<(), StageError> {
        match self.stage.work() {
            Work::Sink(sink) => sink.export(inputs, staging, context),
            _ => Err(StageError::new("the stage does not export")),
        }
    }
}

impl Sink for RedirectedSink<'_> {
    fn target(&self) -> Target {
        redirected(self.sink.target(), self.directory)
    }

    fn sample(&self, groups: u64) -> Box<dyn Sink + '_> {
        Box::new(RedirectedSink { sink: self.sink.sample(groups), directory: self.directory })
    }

    fn export(&self, inputs: &Inputs, staging: &mut dyn Staging, context: &mut Context) -> Result<(), StageError> {
        self.sink.export(inputs, staging, context)
    }
}

fn redirected(target: Target, directory: &Path) -> Target {
    let name = target.path.file_name().map(PathBuf::from).unwrap_or_default();
    Target { path: directory.join(name), ..target }
}
