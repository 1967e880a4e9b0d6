//! A pipeline as the engine works with it: every name resolved, every option decoded. Made by `load` alone, so
//! that one that exists is one without errors.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use super::diagnostic::Diagnostic;
use super::index::Document;
use super::matrix::Cell;
use crate::condition::Condition;
use crate::failure::FailurePolicy;
use crate::stage::Stage;

/// A loaded pipeline.
#[derive(Debug)]
pub struct Pipeline {
    /// Its `name`; else the file's name without its ending.
    pub name: String,
    /// The file, as it was named.
    pub file: PathBuf,
    /// Directory of the file: relative input paths begin here.
    pub directory: PathBuf,
    /// Where all randomness comes from.
    pub seed: u64,
    /// The parameters, `--set` applied.
    pub params: serde_yaml::Value,
    /// The stages, in the file's order.
    pub stages: Vec<StageNode>,
    /// Indices of the stages, inputs before those who take them; else in the file's order.
    pub order: Vec<usize>,
    /// The cell of its matrix that it was loaded for, if it has one.
    pub cell: Option<Cell>,
    /// How many cells there are.
    pub cells: usize,
    /// What is repeated, if anything is.
    pub repeat: Option<Looping>,
    pub(super) unsupported: Vec<Diagnostic>,
    pub(super) document: Document,
    /// For every column that built-in stages add, their names.
    pub(super) providers: BTreeMap<&'static str, Vec<&'static str>>,
}

impl Pipeline {
    /// What the file asks for, rightly, and this version cannot carry out; each a warning at its place. A
    /// pipeline with any of these must not be run.
    pub fn unsupported(&self) -> &[Diagnostic] {
        &self.unsupported
    }

    /// The stage of this name, with its index.
    pub fn stage(&self, name: &str) -> Option<(usize, &StageNode)> {
        self.stages.iter().enumerate().find(|(_, stage)| stage.name == name)
    }

    /// An error about a stage, marked at its `uses`: for what is found only when inputs are read.
    pub fn stage_error(&self, stage: usize, message: impl Into<String>) -> Diagnostic {
        let node = self.stages.get(stage);
        let span = node.map_or(0..0, |node| node.uses_span.clone());
        let diagnostic = self.document.error(span, message);
        match node {
            Some(node) => diagnostic.stage(&node.name),
            None => diagnostic,
        }
    }
}

/// A stage of a pipeline.
#[derive(Debug)]
pub struct StageNode {
    /// Its key under `stages`.
    pub name: String,
    /// Its kind, or the address of a plugin.
    pub uses: String,
    /// Where its inputs come from, in the order of its ports.
    pub inputs: Vec<InputReference>,
    /// Its options as written, `${…}` replaced.
    pub with: serde_yaml::Value,
    /// The stage itself. `None` only where [`Pipeline::unsupported`] says why.
    pub built: Option<BuiltStage>,
    /// Whether results are kept and used again.
    pub cache: bool,
    /// When it runs; `None`: always.
    pub when: Option<Condition>,
    /// What to do when it fails.
    pub failure: FailurePolicy,
    pub(super) uses_span: Range<usize>,
}

/// A stage built from its options.
pub struct BuiltStage {
    /// Its kind, as keys have it: the name of a built-in one.
    pub kind: String,
    /// The version of its kind.
    pub version: u32,
    /// The stage.
    pub stage: Box<dyn Stage>,
    /// Its options as canonical JSON, defaults filled in.
    pub options: String,
}

impl fmt::Debug for BuiltStage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("BuiltStage").field("kind", &self.kind).field("options", &self.options).finish()
    }
}

/// What a stage takes by a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputReference {
    /// The output that it takes: in the first iteration, if `carried`. `None`: only what is carried.
    pub first: Option<OutputReference>,
    /// The output of the iteration before that it takes from the second on.
    pub carried: Option<OutputReference>,
    /// The port that takes it.
    pub port: String,
    pub(super) span: Range<usize>,
}

/// An output of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputReference {
    /// Index of the stage in [`Pipeline::stages`].
    pub stage: usize,
    /// Which of its outputs.
    pub output: String,
}

/// A loop, checked.
#[derive(Clone, Debug)]
pub struct Looping {
    /// Iterations, at most.
    pub times: u64,
    /// The stages that are repeated, inputs before those who take them; those that wait for `last` come last.
    pub stages: Vec<usize>,
    /// The outputs that are carried.
    pub carried: Vec<OutputReference>,
    /// Ends the loop after an iteration for which it holds.
    pub until: Option<Condition>,
    /// How many of the policies that were carried stay in the store, besides the last.
    pub keep: u64,
    /// The figure whose greatest value tells which one stays besides.
    pub keep_best: Option<Figured>,
}

/// A figure of a stage: `evaluate.success`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figured {
    /// The stage's name.
    pub stage: String,
    /// The figure's.
    pub figure: String,
}
