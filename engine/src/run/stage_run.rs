//! One stage of a run: which tasks are to do, in which order, and how each is carried out.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use super::budget::Budget;
use super::engine::RunOptions;
use super::executor::{Executor, ExecutorContext};
use super::gather::GatherWork;
use super::job::Job;
use super::panics::caught;
use super::parts::{Part, StageWork};
use super::retry::{Retry, with_retries};
use super::task::{Step, Task};
use super::transform::TransformWork;
use super::watch::Watch;
use super::{sink, source};
use crate::event::Event;
use crate::stage::{StageError, Survey, Transform, Work};
use crate::store::{Commit, Exchange, Store, StoreError};

/// What the stages of a run share.
pub(crate) struct RunScope<'a> {
    store: &'a Store,
    options: &'a RunOptions,
    budget: Budget,
    exchange: OnceLock<Exchange>,
}

impl<'a> RunScope<'a> {
    pub(crate) fn new(store: &'a Store, options: &'a RunOptions) -> Self {
        Self { store, options, budget: Budget::new(options.memory), exchange: OnceLock::new() }
    }

    /// Removes what was exchanged, which nobody needs once every stage has its result: by this run, or by one that did
    /// not come so far.
    pub(crate) fn clear(self) -> Result<(), StoreError> {
        self.exchange.into_inner().map_or_else(|| self.store.clear_exchange(), Exchange::clear)
    }

    fn exchange(&self) -> Result<&Store, StoreError> {
        let exchange = match self.exchange.get() {
            Some(exchange) => exchange,
            None => {
                let exchange = self.store.exchange()?;
                self.exchange.get_or_init(|| exchange)
            }
        };
        Ok(exchange.store())
    }
}

/// A stage whose work is planned.
pub(crate) struct StageRun<'a> {
    scope: &'a RunScope<'a>,
    job: &'a Job<'a>,
    work: &'a StageWork,
    gathering: OnceLock<GatherWork<'a>>,
    streams: OnceLock<Streams>,
}

/// The parts of a source that are missing, by the streams that they are read in.
struct Streams {
    /// Positions of the parts of each.
    tasks: Vec<Vec<usize>>,
    /// Which of them has a part.
    of_part: HashMap<usize, usize>,
}

impl Streams {
    fn of(survey: &Survey, parts: &[Part]) -> Self {
        let tasks = source::tasks(survey, parts);
        let numbered = tasks.iter().enumerate();
        let of_part = numbered.flat_map(|(task, parts)| parts.iter().map(move |part| (*part, task))).collect();
        Self { tasks, of_part }
    }

    /// All parts of the stream that a part is read in; `None` if it has its result.
    fn with(&self, part: usize) -> Option<&[usize]> {
        self.of_part.get(&part).and_then(|task| self.tasks.get(*task)).map(Vec::as_slice)
    }
}

impl<'a> StageRun<'a> {
    pub(crate) fn new(scope: &'a RunScope<'a>, job: &'a Job<'a>, work: &'a StageWork) -> Self {
        Self { scope, job, work, gathering: OnceLock::new(), streams: OnceLock::new() }
    }

    /// Has everything computed that is missing; the commits of all parts, in order.
    pub(crate) fn run(
        &self,
        executor: &dyn Executor,
        context: &ExecutorContext<'_>,
    ) -> Result<Vec<Arc<Commit>>, StageError> {
        let missing: Vec<usize> =
            (0..self.work.parts.len()).filter(|position| self.work.parts[*position].commit.is_none()).collect();
        if !missing.is_empty() {
            let execute = |step: Step, parts: Vec<usize>| {
                let task = |part| Task { stage: self.job.name.to_owned(), step, part };
                executor.run(&parts.into_iter().map(task).collect::<Vec<_>>(), context)
            };
            if let (Work::Transform(transform), true) = (self.job.stage.work(), self.work.is_gathered) {
                let partitions = self.gathering(transform)?.partitions();
                execute(Step::Scatter, (0..self.work.input.shards.len()).collect())?;
                execute(Step::Group, (0..partitions).collect())?;
                execute(Step::Gather, missing)?;
            } else {
                let first_of_each =
                    |streams: &Streams| streams.tasks.iter().filter_map(|parts| parts.first().copied()).collect();
                execute(Step::Map, self.streams().map_or(missing, first_of_each))?;
            }
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

    /// Carries out a task, again if what went wrong may pass. One whose result is there already is done.
    pub(crate) fn carry_out(
        &self,
        task: &Task,
        tell: &(dyn Fn(Event) -> Result<(), StageError> + Sync),
    ) -> Result<(), StageError> {
        let watch = Watch::new(self.options(), self.job.failure.timeout, self.label(task.step, task.part));
        let tell_retry = |Retry { attempt, error, wait }: Retry<'_>| {
            tell(Event::Retried {
                stage: self.job.name.to_owned(),
                step: task.step.name().to_owned(),
                part: task.part,
                label: self.label(task.step, task.part),
                attempt,
                reason: error.to_string(),
                wait: wait.as_secs_f64(),
            })
        };
        with_retries(self.job.failure.retries, &watch, &tell_retry, || {
            caught(&self.label(task.step, task.part), || self.compute(task, &watch, tell))
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
        let done = |position: usize| {
            tell(Event::PartFinished {
                stage: self.job.name.to_owned(),
                step: task.step.name().to_owned(),
                part: position,
                label: self.label(task.step, position),
                seconds: started.elapsed().as_secs_f64(),
            })
        };
        match (self.job.stage.work(), task.step) {
            (Work::Source(source), Step::Map) => {
                let Some(survey) = &self.work.survey else { return Err(unknown(task)) };
                let Some(positions) = self.streams().and_then(|streams| streams.with(task.part)) else {
                    return self.part(task).map(|_| ());
                };
                // Some of them may have been committed before something went wrong.
                let mut missing = Vec::with_capacity(positions.len());
                for position in positions {
                    let part = self.work.parts.get(*position).ok_or_else(|| unknown(task))?;
                    if self.scope.store.committed(&part.key)?.is_none() {
                        missing.push(*position);
                    }
                }
                let work = source::SourceWork {
                    stage: self.job.name,
                    on_error: self.job.failure.on_error,
                    built: self.job.stage,
                    source,
                    survey,
                    schema: &self.job.output,
                    parts: &self.work.parts,
                    store: self.scope.store,
                    budget: &self.scope.budget,
                    watch,
                };
                source::run_task(&work, &missing, &mut |position| done(position))
            }
            (Work::Transform(transform), Step::Map) if !self.work.is_gathered => {
                self.if_missing(task, |part| self.transform_work(transform).map(part, watch))?;
                done(task.part)
            }
            (Work::Sink(whole), Step::Map) => {
                let limit = self.options().limit;
                let sample = limit.map(|groups| whole.sample(groups));
                let sink = sample.as_deref().unwrap_or(whole);
                self.if_missing(task, |part| {
                    sink::run_part(sink, limit, &self.work.input, part, self.scope.store, watch)
                })?;
                done(task.part)
            }
            (Work::Transform(transform), step @ (Step::Scatter | Step::Group | Step::Gather))
                if self.work.is_gathered =>
            {
                let gathering = self.gathering(transform)?;
                match step {
                    Step::Scatter if task.part < self.work.input.shards.len() => gathering.scatter(task.part, watch)?,
                    Step::Group if task.part < gathering.partitions() => gathering.group(task.part, watch)?,
                    Step::Gather => self.if_missing(task, |part| gathering.gather(part, task.part == 0, watch))?,
                    _ => return Err(unknown(task)),
                }
                done(task.part)
            }
            _ => Err(unknown(task)),
        }
    }

    fn options(&self) -> &'a RunOptions {
        self.scope.options
    }

    fn part(&self, task: &Task) -> Result<&'a Part, StageError> {
        self.work.parts.get(task.part).ok_or_else(|| unknown(task))
    }

    fn if_missing(&self, task: &Task, work: impl FnOnce(&Part) -> Result<(), StageError>) -> Result<(), StageError> {
        let part = self.part(task)?;
        match part.commit {
            Some(_) => Ok(()),
            None => work(part),
        }
    }

    fn transform_work(&self, transform: &'a dyn Transform) -> TransformWork<'a> {
        TransformWork {
            job: self.job,
            transform,
            input: &self.work.input,
            store: self.scope.store,
            budget: &self.scope.budget,
            options: self.options(),
        }
    }

    /// Of a source.
    fn streams(&self) -> Option<&Streams> {
        let survey = self.work.survey.as_ref()?;
        Some(self.streams.get_or_init(|| Streams::of(survey, &self.work.parts)))
    }

    fn gathering(&self, transform: &'a dyn Transform) -> Result<&GatherWork<'a>, StageError> {
        if let Some(known) = self.gathering.get() {
            return Ok(known);
        }
        let exchange = self.scope.exchange()?;
        let gathering = GatherWork::new(self.transform_work(transform), &self.work.common, exchange)?;
        Ok(self.gathering.get_or_init(|| gathering))
    }

    fn label(&self, step: Step, position: usize) -> String {
        let of_shard = || self.work.input.shards.get(position).map(|shard| shard.label.clone());
        match step {
            Step::Scatter => of_shard().unwrap_or_default(),
            Step::Group => format!("partition {position}"),
            Step::Map | Step::Gather => {
                self.work.parts.get(position).map(|part| part.label.clone()).unwrap_or_default()
            }
        }
    }
}

fn unknown(task: &Task) -> StageError {
    StageError::new(format!("there is nothing to {} with number {}", task.step, task.part))
}
