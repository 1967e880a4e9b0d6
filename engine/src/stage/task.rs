//! Everything that a task may want from the engine: its inputs, whether it is to stop, memory, room on disk, a way to tell
//! how far it has come, states from which it can go on, and things that were loaded before.

use std::any::Any;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use crate::artifact::Inputs;
use crate::error::StageError;

/// How far a long task has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Steps that are done.
    pub step: u64,
    /// Steps that there are, if that is known.
    pub of: Option<u64>,
    /// What it measures on the way (`loss`), by name. For people alone: what is to be kept goes into an output.
    pub figures: BTreeMap<String, f64>,
}

/// A state that a task can go on from, in a directory of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The step that it was made after.
    pub step: u64,
    /// Its files, exactly as they were written.
    pub directory: PathBuf,
}

/// Something that was loaded, and the bytes that it takes.
pub type Loaded = (Arc<dyn Any + Send + Sync>, u64);

/// Loads something.
pub type Load<'a> = dyn FnMut() -> Result<Loaded, StageError> + Send + 'a;

/// Writes files into a directory.
pub type WriteFiles<'a> = dyn FnMut(&Path) -> Result<(), StageError> + 'a;

/// What the engine does for a task. Who works without an engine, as tests do, gets by with what is given here.
pub trait Host: Sync {
    /// As [`TaskContext::check`].
    fn check(&self) -> Result<(), StageError> {
        Ok(())
    }

    /// As [`TaskContext::memory`].
    fn memory(&self) -> u64 {
        u64::MAX
    }

    /// As [`TaskContext::progress`].
    fn progress(&self, _progress: Progress) -> Result<(), StageError> {
        Ok(())
    }

    /// As [`TaskContext::scratch`].
    fn scratch(&self) -> Result<PathBuf, StageError> {
        Err(StageError::new("there is no engine to give room on disk"))
    }

    /// As [`TaskContext::checkpoint`].
    fn checkpoint(&self) -> Result<Option<Checkpoint>, StageError> {
        Ok(None)
    }

    /// As [`TaskContext::save_checkpoint`].
    fn save_checkpoint(&self, _step: u64, _write: &mut WriteFiles<'_>) -> Result<(), StageError> {
        Ok(())
    }

    /// As [`TaskContext::loaded`], of any type.
    fn loaded(&self, _digest: &str, load: &mut Load<'_>) -> Result<Arc<dyn Any + Send + Sync>, StageError> {
        Ok(load()?.0)
    }
}

/// No engine.
struct Alone;

impl Host for Alone {}

/// What a task works with.
#[derive(Clone, Copy)]
pub struct TaskContext<'a> {
    inputs: &'a Inputs,
    host: &'a dyn Host,
}

impl<'a> TaskContext<'a> {
    /// A task of an engine.
    pub fn new(inputs: &'a Inputs, host: &'a dyn Host) -> Self {
        Self { inputs, host }
    }

    /// A task without inputs and without an engine.
    pub fn alone() -> TaskContext<'static> {
        static NOTHING: LazyLock<Inputs> = LazyLock::new(|| Inputs::nothing(""));
        TaskContext { inputs: &NOTHING, host: &Alone }
    }

    /// All that comes in by the stage's ports.
    pub fn inputs(&self) -> &'a Inputs {
        self.inputs
    }

    /// To be asked now and then by whoever works long; what it says is returned as it is.
    ///
    /// # Errors
    /// If somebody stops the run, or the task's time is over.
    pub fn check(&self) -> Result<(), StageError> {
        self.host.check()
    }

    /// Bytes that the run may use: what takes more must be refused, with the place.
    pub fn memory(&self) -> u64 {
        self.host.memory()
    }

    /// Tells how far the task has come. May be called after every step: of many calls in a short time one is told.
    ///
    /// # Errors
    /// As [`Self::check`], and if the run's folder cannot be written.
    pub fn progress(&self, progress: Progress) -> Result<(), StageError> {
        self.host.progress(progress)
    }

    /// A directory for files that nobody needs once the task is over; the same one whenever it is asked for.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn scratch(&self) -> Result<PathBuf, StageError> {
        self.host.scratch()
    }

    /// The newest state that this very task, with these inputs and options, has saved: by an earlier try, or an earlier run
    /// that was stopped or killed. What a task comes to must not depend on whether there is one.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn checkpoint(&self) -> Result<Option<Checkpoint>, StageError> {
        self.host.checkpoint()
    }

    /// Keeps what `write` puts into a directory as the state after a step. Of several the newest is kept, and none once the
    /// task has its result. A step that was saved before is not written again.
    ///
    /// # Errors
    /// What `write` says, and if the store cannot be written.
    pub fn save_checkpoint(&self, step: u64, write: &mut WriteFiles<'_>) -> Result<(), StageError> {
        self.host.save_checkpoint(step, write)
    }

    /// Something that several tasks of this process use, loaded once: the weights of a policy, by the policy's digest. What
    /// it takes is charged to the run's memory as long as it is kept. `load` returns it with the bytes that it takes, and is
    /// called on a thread of its own.
    ///
    /// # Errors
    /// What `load` says, or if something of another type was loaded under this digest.
    pub fn loaded<T: Any + Send + Sync>(
        &self,
        digest: &str,
        mut load: impl FnMut() -> Result<(T, u64), StageError> + Send,
    ) -> Result<Arc<T>, StageError> {
        let loaded = self.host.loaded(digest, &mut || {
            let (value, bytes) = load()?;
            Ok((Arc::new(value) as Arc<dyn Any + Send + Sync>, bytes))
        })?;
        loaded.downcast().map_err(|_| {
            StageError::new(format!("what was loaded under `{digest}` is something else"))
                .help("this is a fault of the stages: each kind of thing must have digests of its own")
        })
    }
}
