//! One stage of a run: what is missing is carried out, again if what went wrong may pass. Not concerned with the shape of
//! its work.

use std::sync::Arc;
use std::time::Instant;

use super::executor::{Executor, ExecutorContext};
use super::job::Job;
use super::panics::caught;
use super::part::StageWork;
use super::retry::{Retry, with_retries};
use super::scope::RunScope;
use super::shape::ShapeRun;
use super::shapes;
use super::task::{Step, Task};
use super::watch::Watch;
use crate::event::Event;
use crate::stage::{Progress, StageError};
use crate::store::Commit;
use crate::targets::Surroundings;

/// A stage whose work is cut.
pub(crate) struct StageRun<'a> {
    scope: &'a RunScope<'a>,
    job: &'a Job<'a>,
    work: &'a StageWork,
    shape: Box<dyn ShapeRun + 'a>,
}

impl<'a> StageRun<'a> {
    pub(crate) fn new(scope: &'a RunScope<'a>, job: &'a Job<'a>, work: &'a StageWork) -> Self {
        Self { scope, job, work, shape: shapes::begin(scope, job, work) }
    }

    /// Whether it may still begin, if there is anything to do. `index`: of the stage among its surroundings.
    pub(crate) fn may_begin(&self, surroundings: &Surroundings<'_>, index: usize) -> Result<(), StageError> {
        match self.work.missing().is_empty() {
            true => Ok(()),
            false => self.shape.may_begin(surroundings, index),
        }
    }

    /// Has everything computed that is missing; the commits of all parts, in order.
    pub(crate) fn run(
        &self,
        executor: &dyn Executor,
        context: &ExecutorContext<'_>,
    ) -> Result<Vec<Arc<Commit>>, StageError> {
        let missing = self.work.missing();
        if !missing.is_empty() {
            let outcome = self.shape.carry_out(missing, &|step, parts| {
                let task = |part| Task { stage: self.job.name.to_owned(), step, part };
                executor.run(&parts.into_iter().map(task).collect::<Vec<_>>(), context)
            });
            outcome?;
        }
        let mut commits: Vec<Arc<Commit>> = Vec::with_capacity(self.work.parts.len());
        for part in &self.work.parts {
            let commit = match &part.commit {
                Some(commit) => Some(Arc::clone(commit)),
                None => part.committed(self.scope.store, commits.last())?,
            };
            commits.push(commit.ok_or_else(|| StageError::new(format!("`{}` has no result", part.label)))?);
        }
        Ok(commits)
    }

    /// The stage has its result, or never will.
    pub(crate) fn end(&self) {
        self.shape.end();
    }

    /// Carries out a task, again if what went wrong may pass. One whose result is there already is done.
    pub(crate) fn carry_out(
        &self,
        task: &Task,
        tell: &(dyn Fn(Event) -> Result<(), StageError> + Sync),
    ) -> Result<(), StageError> {
        let label = self.label(task.step, task.part);
        let tell_progress = |Progress { step, of, figures }: Progress| {
            let (stage, part) = (self.job.name.to_owned(), task.part);
            tell(Event::Progressed { stage, part, step, of, figures })
        };
        let watch = Watch::new(&self.scope.options.interrupted, self.job.failure.timeout, label.clone());
        let watch = watch.telling(&tell_progress);
        let tell_retry = |Retry { attempt, error, wait }: Retry<'_>| {
            tell(Event::Retried {
                stage: self.job.name.to_owned(),
                step: task.step.name().to_owned(),
                part: task.part,
                label: label.clone(),
                attempt,
                reason: error.to_string(),
                wait: wait.as_secs_f64(),
            })
        };
        with_retries(self.job.failure.retries, &watch, &tell_retry, || {
            caught(&label, || self.compute(task, &watch, tell))
        })
    }

    fn compute(
        &self,
        task: &Task,
        watch: &Watch<'_>,
        tell: &(dyn Fn(Event) -> Result<(), StageError> + Sync),
    ) -> Result<(), StageError> {
        watch.check()?;
        let started = Instant::now();
        self.shape.compute(task, watch, &mut |position| {
            tell(Event::PartFinished {
                stage: self.job.name.to_owned(),
                step: task.step.name().to_owned(),
                part: position,
                label: self.label(task.step, position),
                seconds: started.elapsed().as_secs_f64(),
            })
        })
    }

    fn label(&self, step: Step, position: usize) -> String {
        match step {
            Step::Scatter => {
                self.work.inputs.data.shards.get(position).map(|shard| shard.label.clone()).unwrap_or_default()
            }
            Step::Group => format!("partition {position}"),
            Step::Map | Step::Gather => {
                self.work.parts.get(position).map(|part| part.label.clone()).unwrap_or_default()
            }
        }
    }
}
