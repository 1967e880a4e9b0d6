//! What the engine does for a task: passes on whether it is to stop and how far it has come, gives it memory, room on disk
//! and its checkpoints, and keeps what was loaded.

use std::any::Any;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use tempfile::TempDir;

use super::scope::RunScope;
use super::watch::Watch;
use crate::stage::{Checkpoint, Host, Load, Progress, StageError, WriteFiles};
use crate::store::Key;

/// The engine, as a task sees it.
pub(crate) struct TaskHost<'a> {
    scope: &'a RunScope<'a>,
    watch: &'a Watch<'a>,
    /// Of the part that is computed, whose checkpoints lie under it.
    key: Option<&'a Key>,
    scratch: OnceLock<TempDir>,
}

impl<'a> TaskHost<'a> {
    /// For a task that computes the part of a key, if it is one that can be gone on with.
    pub(crate) fn new(scope: &'a RunScope<'a>, watch: &'a Watch<'a>, key: Option<&'a Key>) -> Self {
        Self { scope, watch, key, scratch: OnceLock::new() }
    }
}

impl Host for TaskHost<'_> {
    fn check(&self) -> Result<(), StageError> {
        self.watch.check()
    }

    fn memory(&self) -> u64 {
        self.scope.budget.total()
    }

    fn progress(&self, mut progress: Progress) -> Result<(), StageError> {
        self.watch.check()?;
        // JSON has no other numbers: a loss that is none is left out.
        progress.figures.retain(|_, value| value.is_finite());
        self.watch.tell(progress)
    }

    fn scratch(&self) -> Result<PathBuf, StageError> {
        if let Some(known) = self.scratch.get() {
            return Ok(known.path().to_owned());
        }
        let made = self.scope.store.scratch()?;
        Ok(self.scratch.get_or_init(|| made).path().to_owned())
    }

    fn checkpoint(&self) -> Result<Option<Checkpoint>, StageError> {
        let Some(key) = self.key else { return Ok(None) };
        Ok(self.scope.store.checkpoint(key)?.map(|(step, directory)| Checkpoint { step, directory }))
    }

    fn save_checkpoint(&self, step: u64, write: &mut WriteFiles<'_>) -> Result<(), StageError> {
        self.watch.check()?;
        match self.key {
            Some(key) => self.scope.store.save_checkpoint(key, step, write),
            None => Ok(()),
        }
    }

    fn loaded(&self, digest: &str, load: &mut Load<'_>) -> Result<Arc<dyn Any + Send + Sync>, StageError> {
        self.scope.loaded.get(digest, &self.scope.budget, load)
    }
}
