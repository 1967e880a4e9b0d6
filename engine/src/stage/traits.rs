//! The trait that every stage implements, and the four shapes of work behind it.

use std::path::{Path, PathBuf};

use arrow::array::{ArrayRef, BooleanArray};
use serde::{Deserialize, Serialize};

use super::context::Context;
use super::figure::Figure;
use super::input_file::InputFile;
use super::ports::{InputPort, Ports};
use super::source::Source;
use super::task::TaskContext;
use super::whole::Whole;
use crate::artifact::{ArtifactKind, Inputs};
use crate::contract::{Contract, InputTypes, OUT};
use crate::dataset::BatchLimit;
use crate::error::StageError;
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::trajectory::{Relabelled, TrajectoryBatch};

/// A configured stage: a pure function of its inputs, options and seed.
pub trait Stage: Send + Sync {
    /// What it takes and hands on, by name.
    fn ports(&self) -> Ports {
        self.work().usual_ports()
    }

    /// What it reads and adds, given what is known of its inputs. Called before anything runs.
    /// A source opens its inputs just far enough to know their columns. Columns listed as read need not be
    /// checked for presence: the engine does, and says which stage would provide them.
    ///
    /// # Errors
    /// Every way in which the inputs do not fit, beyond missing columns.
    fn contract(&self, inputs: &InputTypes) -> Result<Contract, Vec<Problem>>;

    /// Files whose contents are part of the key: all that the stage may open, a source's inputs apart.
    fn files(&self) -> Vec<InputFile> {
        Vec::new()
    }

    /// Where what it reads of the world outside lies, absolute or from the pipeline's own directory: files and directories.
    /// No sink of the pipeline may write over them. Called once the contract was asked for.
    fn inputs(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Whether a file at a place that has none yet would be among its inputs the next time.
    fn would_read(&self, _place: &Path) -> bool {
        false
    }

    /// The work itself.
    fn work(&self) -> Work<'_>;

    /// What its results depend on beyond their inputs, in a word each (`clock`, `state`), if the same inputs may give
    /// others: such results are kept as any, but no one can expect to see them again.
    fn not_reproducible(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether what its key was made of is still what it was: asked before a part's result is kept under that key, of
    /// transforms and of sources whose rows are decoded.
    ///
    /// # Errors
    /// What has changed.
    fn unchanged(&self) -> Result<(), StageError> {
        Ok(())
    }

    /// What of that which it counts people and conditions read by name.
    fn figures(&self) -> Vec<Figure> {
        Vec::new()
    }

    /// What looks wrong with the whole of its work, by what was counted over all parts: unlike a warning given while
    /// working, it cannot depend on how the input was cut. Called once the stage has its result, also if that was
    /// there already.
    fn warnings(&self, _metrics: &Metrics) -> Vec<String> {
        Vec::new()
    }

    /// Whether the whole of its work came to anything, by what was counted over all parts and by how many rows or records
    /// were put aside. Called as [`Self::warnings`], of sources. What came to nothing is not kept.
    ///
    /// # Errors
    /// If there is nothing that could be handed on: then the stage has failed, and none below it runs.
    fn outcome(&self, _metrics: &Metrics, _put_aside: u64) -> Result<(), StageError> {
        Ok(())
    }
}

/// The shapes of work.
pub enum Work<'a> {
    /// Rows come in from outside.
    Source(&'a dyn Source),
    /// Batches are mapped to columns, to a choice of rows, or to copies of rows.
    Transform(&'a dyn Transform),
    /// Something is written somewhere outside.
    Sink(&'a dyn Sink),
    /// All inputs are seen at once, and all outputs filled.
    Whole(&'a dyn Whole),
}

impl Work<'_> {
    /// The ports of a stage that has no others than the shape of its work asks for.
    fn usual_ports(&self) -> Ports {
        let data = || Ports::default().input(InputPort::data());
        match self {
            Self::Source(_) => Ports::default().output(OUT, ArtifactKind::Dataset),
            Self::Transform(_) => data().output(OUT, ArtifactKind::Dataset),
            Self::Sink(_) => data(),
            Self::Whole(_) => Ports::default(),
        }
    }
}

/// What a transform returns for a batch.
#[derive(Clone, Debug)]
pub enum Output {
    /// One array for each column that the contract adds, in its order: one value a row, or one a turn for turn
    /// columns (flat, as the batch's own).
    Columns(Vec<ArrayRef>),
    /// For a subset: which rows stay. Null counts as no.
    Keep(BooleanArray),
    /// For a relabeller: the copies, in the order of the rows that they are copies of.
    Relabelled(Vec<Relabelled>),
}

/// Work on batches. With [`Scope::Trajectory`](crate::contract::Scope) any cut into batches must give the same
/// rows; with `Group` a batch holds whole groups in any order; with `Dataset` it holds everything.
pub trait Transform: Send + Sync {
    /// Begins work on the batches of a shard, in order, or on whole groups of a partition.
    ///
    /// # Errors
    /// Whatever keeps it from beginning.
    fn begin<'a>(&'a self, task: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError>;

    /// Maps one batch by itself, in a session of its own and without an engine.
    ///
    /// # Errors
    /// As [`Self::begin`] and [`Session::apply`].
    fn apply_once(&self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Output, StageError> {
        self.begin(&TaskContext::alone())?.apply(batch, context)
    }

    /// Bytes that a session holds besides batches, as far as is known. Taken from the run's memory for each part at work.
    fn held_bytes(&self) -> u64 {
        0
    }

    /// Whether it knows what to do with numbers that are none (NaN, infinities), which somebody's file may hold where the
    /// schema promises finite ones. Rows with such are at fault, for any other transform, before it sees them.
    fn takes_any_number(&self) -> bool {
        false
    }

    /// The stage has its result, or never will: what was kept from session to session can go.
    fn end(&self) {}

    /// Where batches of a shard end, whatever the run's limit, for a transform whose results could depend on it.
    fn batch_limit(&self) -> Option<BatchLimit> {
        None
    }
}

/// A transform at work on a part: called by one thread, so that it may keep something from batch to batch.
pub trait Session {
    /// Maps one batch, which has the columns that the contract reads.
    ///
    /// # Errors
    /// Naming the trajectory at fault, so that it alone can be put aside where the pipeline wants that. An error that may
    /// pass ([`StageError::may_pass`]) blames none. After an error the session may be called again for some of the rows.
    fn apply(&mut self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Output, StageError>;
}

/// For a transform that keeps nothing.
impl<F: FnMut(&TrajectoryBatch, &mut Context) -> Result<Output, StageError>> Session for F {
    fn apply(&mut self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Output, StageError> {
        self(batch, context)
    }
}

/// A file that a sink wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportedFile {
    /// Absolute path.
    pub path: PathBuf,
    /// Length in bytes.
    pub bytes: u64,
    /// blake3 of the contents, in hexadecimal.
    pub digest: String,
}

/// What a sink wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exported {
    /// What to tell people: the file or directory.
    pub target: PathBuf,
    /// Every file, so that a later run can tell whether they are as they were written.
    pub files: Vec<ExportedFile>,
}

/// Where a sink writes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The file or directory that people name, absolute: two sinks of a pipeline may not share it.
    pub path: PathBuf,
    /// Names of further files that are written beside it; they may not be shared either.
    pub beside: Vec<String>,
    /// Names of files that are written in it, if it is a directory: of many the first.
    pub within: Vec<String>,
    /// Whether it is a directory; else a file.
    pub is_directory: bool,
    /// Whether files that sternlight did not write may be replaced.
    pub overwrite: bool,
}

/// Hands out places to write to. Once a sink is done, the engine moves the files to their names all together; until
/// then, and if anything fails, nothing under a final name has changed.
pub trait Staging {
    /// Where to write the file of this name: inside of the target if that is a directory, else beside it.
    ///
    /// # Errors
    /// If the name cannot be used.
    fn place(&mut self, name: &str) -> Result<PathBuf, StageError>;
}

/// Work that writes a dataset, or what else its ports take, outside of the store.
pub trait Sink: Send + Sync {
    /// Where it will write to.
    fn target(&self) -> Target;

    /// The sink for a run over the first groups of each source only: it writes beside the target, under a name that says
    /// so, so that a try never takes the place of the whole.
    fn sample(&self, groups: u64) -> Box<dyn Sink + '_>;

    /// Writes what comes in into files that `staging` gives places for.
    ///
    /// # Errors
    /// If something cannot be written.
    fn export(&self, inputs: &Inputs, staging: &mut dyn Staging, context: &mut Context) -> Result<(), StageError>;
}
