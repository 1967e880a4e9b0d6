//! Who carries out the tasks of a run. The engine plans, and looks into the store for results; neither it nor the stages
//! know where tasks run.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use super::task::Task;
use crate::event::Event;
use crate::stage::StageError;

/// Carries out tasks.
pub trait Executor: Sync {
    /// Carries out tasks of one step, none of which needs the result of another, in any order and several at once. When
    /// it returns well the result of every task is committed in the store.
    ///
    /// # Errors
    /// That of the first task, in order, that failed. Tasks that were begun are completed, and their results kept.
    fn run(&self, tasks: &[Task], run: &ExecutorContext<'_>) -> Result<(), StageError>;
}

/// What an executor knows of the run that it works for.
pub struct ExecutorContext<'a> {
    /// The run's plan, as it lies in its folder: what another process needs besides the store.
    pub plan: &'a Path,
    pub(crate) interrupted: &'a AtomicBool,
    pub(crate) carry_out: &'a (dyn Fn(&Task) -> Result<(), StageError> + Sync),
    pub(crate) tell: &'a (dyn Fn(Event) -> Result<(), StageError> + Sync),
}

impl ExecutorContext<'_> {
    /// Carries out a task in this process, and tells of it.
    ///
    /// # Errors
    /// Whatever keeps the task from its result.
    pub fn carry_out(&self, task: &Task) -> Result<(), StageError> {
        (self.carry_out)(task)
    }

    /// Passes on what another process told of a task.
    ///
    /// # Errors
    /// If the run's folder cannot be written.
    pub fn tell(&self, event: Event) -> Result<(), StageError> {
        (self.tell)(event)
    }

    /// Does something for every task, as many at once as the run has threads. One failure is enough: what others have
    /// begun is completed, nothing new is begun.
    ///
    /// # Errors
    /// The error of the first task in order, whichever failed first.
    pub fn for_each(
        &self,
        tasks: &[Task],
        work: impl Fn(&Task) -> Result<(), StageError> + Sync,
    ) -> Result<(), StageError> {
        let failed = AtomicBool::new(false);
        let outcomes: Vec<Result<(), StageError>> = tasks
            .par_iter()
            .map(|task| {
                if failed.load(Ordering::Relaxed) {
                    return Ok(());
                }
                if self.interrupted.load(Ordering::Relaxed) {
                    return Err(StageError::interrupted());
                }
                work(task).inspect_err(|_| failed.store(true, Ordering::Relaxed))
            })
            .collect();
        outcomes.into_iter().collect()
    }
}

/// The threads of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Local;

impl Executor for Local {
    fn run(&self, tasks: &[Task], run: &ExecutorContext<'_>) -> Result<(), StageError> {
        run.for_each(tasks, |task| run.carry_out(task))
    }
}
