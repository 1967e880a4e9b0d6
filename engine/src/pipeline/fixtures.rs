//! A few small stages for the tests of this folder: a source, transforms, a sink. They do no work.

use std::path::PathBuf;

use arrow::datatypes::DataType;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{LoadOptions, Pipeline, PipelineErrors, load};
use crate::artifact::Inputs;
use crate::contract::{AddedColumn, Contract, Effect, InputTypes, Scope};
use crate::problem::Problem;
use crate::stage::{
    BuildContext, BuiltIn, Context, Memo, Output, Receiver, Registry, Session, Sink, Source, Stage, StageError,
    StageKind, Staging, Survey, Target, TaskContext, Transform, Work,
};
use crate::trajectory::{TrajectoryBatch, imported_schema};

/// Loads a pipeline over the stages of this file; the environment has `HOME`.
pub(super) fn loaded(text: &str, set: &[&str]) -> Result<Pipeline, PipelineErrors> {
    let set: Vec<String> = set.iter().map(|one| (*one).to_owned()).collect();
    let environment = |name: &str| (name == "HOME").then(|| "/home/me".to_owned());
    let here = PathBuf::from("/here");
    let options = LoadOptions {
        set: &set,
        environment: &environment,
        directory: &here,
        current_directory: &here,
        iteration: 0,
        only: None,
    };
    load(text, "demo.yaml".as_ref(), &options, &registry())
}

/// The stages of this file.
pub(super) fn registry() -> Registry {
    Registry::new([
        StageKind::of::<Read>(),
        StageKind::of::<Score>(),
        StageKind::of::<Credit>(),
        StageKind::of::<Write>(),
    ])
}

/// Brings trajectories in.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadOptions {
    /// Where they are.
    files: String,
    /// How they are written.
    #[serde(default)]
    format: Format,
    /// How many at most.
    limit: Option<u32>,
    /// Whether they have rewards.
    #[serde(default)]
    scored: bool,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Format {
    /// One by one.
    #[default]
    TauBench,
    /// All together.
    OpenaiChat,
}

pub(super) struct Read(ReadOptions);

impl BuiltIn for Read {
    type Options = ReadOptions;
    const NAME: &'static str = "read";
    const SUMMARY: &'static str = "Brings trajectories in.";
    const DOCUMENTATION: &'static str = "";
    const VERSION: u32 = 1;

    fn build(options: ReadOptions, _: &BuildContext<'_>) -> Result<Self, Vec<Problem>> {
        if let Some(at) = options.files.find('?') {
            let problem = Problem::at(["files"], "a glob of one file").within(at..at + 1);
            return Err(vec![problem.clone(), problem.within(0..at)]);
        }
        Ok(Self(options))
    }
}

impl Stage for Read {
    fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let schema = imported_schema();
        let schema = if self.0.scored { schema } else { schema.without(&"reward".into()) };
        Ok(Contract { reads: Vec::new(), scope: Scope::Trajectory, effect: Effect::Source(schema) })
    }

    fn work(&self) -> Work<'_> {
        Work::Source(self)
    }
}

impl Source for Read {
    fn survey(&self, _: &dyn Memo) -> Result<Survey, StageError> {
        Ok(Survey::default())
    }

    fn read(&self, _: &Survey, _: &[usize], _: &TaskContext<'_>, _: &mut dyn Receiver) -> Result<(), StageError> {
        Ok(())
    }
}

/// Adds a reward.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ScoreOptions {
    /// What each rule adds.
    #[serde(default)]
    weights: Vec<f64>,
}

pub(super) struct Score;

impl BuiltIn for Score {
    type Options = ScoreOptions;
    const NAME: &'static str = "score";
    const SUMMARY: &'static str = "Adds a reward.";
    const DOCUMENTATION: &'static str = "";
    const VERSION: u32 = 1;
    const PROVIDES: &'static [&'static str] = &["reward"];

    fn build(_: ScoreOptions, _: &BuildContext<'_>) -> Result<Self, Vec<Problem>> {
        Ok(Self)
    }
}

impl Stage for Score {
    fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let adds = vec![AddedColumn::new("reward", DataType::Float32)];
        let effect = Effect::Columns { adds, drops: Vec::new() };
        Ok(Contract { reads: vec!["turns".into()], scope: Scope::Trajectory, effect })
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }
}

impl Score {
    fn apply(&self, _: &TrajectoryBatch, _: &mut Context) -> Result<Output, StageError> {
        Ok(Output::Columns(Vec::new()))
    }
}

impl Transform for Score {
    fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
        Ok(Box::new(|batch: &TrajectoryBatch, context: &mut Context| self.apply(batch, context)))
    }
}

/// Adds an advantage.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreditOptions {}

pub(super) struct Credit;

impl BuiltIn for Credit {
    type Options = CreditOptions;
    const NAME: &'static str = "credit";
    const SUMMARY: &'static str = "Adds an advantage.";
    const DOCUMENTATION: &'static str = "";
    const VERSION: u32 = 1;
    const PROVIDES: &'static [&'static str] = &["turns.advantage"];

    fn build(_: CreditOptions, _: &BuildContext<'_>) -> Result<Self, Vec<Problem>> {
        Ok(Self)
    }
}

impl Stage for Credit {
    fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let adds = vec![AddedColumn::new("turns.advantage", DataType::Float32)];
        let effect = Effect::Columns { adds, drops: Vec::new() };
        Ok(Contract { reads: vec!["reward".into(), "turns".into()], scope: Scope::Group, effect })
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }
}

impl Credit {
    fn apply(&self, _: &TrajectoryBatch, _: &mut Context) -> Result<Output, StageError> {
        Ok(Output::Columns(Vec::new()))
    }
}

impl Transform for Credit {
    fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
        Ok(Box::new(|batch: &TrajectoryBatch, context: &mut Context| self.apply(batch, context)))
    }
}

/// Writes trajectories.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WriteOptions {
    /// Where to.
    to: String,
}

pub(super) struct Write(PathBuf);

impl BuiltIn for Write {
    type Options = WriteOptions;
    const NAME: &'static str = "write";
    const SUMMARY: &'static str = "Writes trajectories.";
    const DOCUMENTATION: &'static str = "";
    const VERSION: u32 = 1;

    fn build(options: WriteOptions, context: &BuildContext<'_>) -> Result<Self, Vec<Problem>> {
        Ok(Self(context.current_directory.join(options.to)))
    }
}

impl Stage for Write {
    fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
        Ok(Contract { reads: Vec::new(), scope: Scope::Trajectory, effect: Effect::Sink })
    }

    fn work(&self) -> Work<'_> {
        Work::Sink(self)
    }
}

impl Sink for Write {
    fn target(&self) -> Target {
        Target {
            path: self.0.clone(),
            beside: vec![format!("{}.card", self.0.file_stem().unwrap().display())],
            within: Vec::new(),
            is_directory: false,
            overwrite: false,
        }
    }

    fn sample(&self, _: u64) -> Box<dyn Sink + '_> {
        let name = format!("{}.sample", self.0.file_name().unwrap().display());
        Box::new(Self(self.0.with_file_name(name)))
    }

    fn export(&self, _: &Inputs, _: &mut dyn Staging, _: &mut Context) -> Result<(), StageError> {
        Err(StageError::new("a fixture writes nothing"))
    }
}
