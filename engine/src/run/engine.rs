//! The engine: carries out jobs in order, each part of a job in parallel, and tells what happens as it happens.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::compose::{concatenated, context_of};
use super::executor::{Executor, ExecutorContext, Local};
use super::grouping::grouping;
use super::job::{Job, JobInput};
use super::keys::key_records;
use super::looping::{LoopControl, LoopRun};
use super::options::RunOptions;
use super::panics::caught;
use super::part::StageWork;
use super::quarantine::quarantine;
use super::report::{RunError, RunReport};
use super::scope::{MakingAgain, RunScope};
use super::shape::{Composed, Composing, Outputs};
use super::shapes::{compose, cut};
use super::stage_run::StageRun;
use super::task::Task;
use super::workers::workers;
use crate::artifact::{Artifact, ArtifactKind, Inputs};
use crate::contract::{DATA, OUT};
use crate::event::{Event, OutputResult, Record, RunStatus, StageName, StageResult};
use crate::metrics::Metrics;
use crate::pipeline::Cell;
use crate::stage::{Arity, Figure, LogLine, Stage, StageError};
use crate::store::{AsideRow, Commit, RunFolder, Store, StoreError};
use crate::targets::Surroundings;

/// Carries out the jobs of one pipeline on one store.
pub struct Engine<'a> {
    pub(crate) store: &'a Store,
    pub(crate) options: &'a RunOptions,
    pub(crate) executor: &'a dyn Executor,
    plan: Option<&'a str>,
    looping: Option<LoopControl<'a>>,
    cell: Option<String>,
    /// The run that results are computed for, if it is not the engine's own.
    pub(crate) run_id: Option<&'a str>,
    /// Whether sinks were sent into a store on purpose.
    is_redirected: bool,
}

impl<'a> Engine<'a> {
    /// An engine over a store, whose tasks this process carries out.
    pub fn new(store: &'a Store, options: &'a RunOptions) -> Self {
        Self {
            store,
            options,
            executor: &Local,
            plan: None,
            looping: None,
            cell: None,
            run_id: None,
            is_redirected: false,
        }
    }

    /// Has tasks carried out by somebody else.
    #[must_use]
    pub fn with_executor(self, executor: &'a dyn Executor) -> Self {
        Self { executor, ..self }
    }

    /// Carries out the loop that jobs belong to.
    #[must_use]
    pub fn with_loop(self, looping: Option<LoopControl<'a>>) -> Self {
        Self { looping, ..self }
    }

    /// Says which cell of the pipeline's matrix the jobs belong to.
    #[must_use]
    pub fn with_cell(self, cell: Option<&Cell>) -> Self {
        Self { cell: cell.map(ToString::to_string), ..self }
    }

    /// Keeps a plan in the run's folder: whatever other processes need to make the same jobs.
    #[must_use]
    pub fn with_plan(self, plan: &'a str) -> Self {
        Self { plan: Some(plan), ..self }
    }

    /// Computes what belongs to the run of this id: a part of it, or the same again elsewhere. Results that no other run may
    /// use are known by it.
    #[must_use]
    pub fn for_run(self, id: &'a str) -> Self {
        Self { run_id: Some(id), ..self }
    }

    /// For jobs whose exports were [redirected](crate::verify::Redirected): they may lie in a store.
    #[must_use]
    pub fn with_redirected_exports(self) -> Self {
        Self { is_redirected: true, ..self }
    }

    /// Runs jobs, which must be in topological order. `observe` sees every event, also those of an unhappy end.
    ///
    /// # Errors
    /// If a stage fails, somebody interrupts, or the store cannot be used. Everything committed until then is
    /// found again by the next run.
    pub fn run(
        &self,
        pipeline: &str,
        file: &Path,
        jobs: &[Job<'_>],
        observe: &(dyn Fn(&Record) + Sync),
    ) -> Result<RunReport, RunError> {
        let started = Instant::now();
        let pool = match rayon::current_thread_index() {
            Some(_) => None,
            None => Some(workers(self.options.threads)?),
        };
        let folder = RunFolder::create(self.store)?;
        self.plan.map_or(Ok(()), |plan| folder.keep_plan(plan))?;
        let plan_path = folder.plan_path();
        let folder = Mutex::new(folder);
        let (run, number) = {
            let folder = lock(&folder);
            (folder.id().to_owned(), folder.number())
        };
        let emit = |event: Event| -> Result<(), StoreError> {
            let record = Record::now(event);
            let recorded = lock(&folder).record(&record);
            observe(&record);
            recorded
        };
        emit(Event::RunStarted {
            run: run.clone(),
            number: Some(number),
            pipeline: pipeline.to_owned(),
            cell: self.cell.clone(),
            file: file.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            stages: jobs.iter().map(|job| StageName { name: job.name.to_owned(), uses: job.uses.to_owned() }).collect(),
        })?;
        let mut results = Vec::new();
        let scope = RunScope::new(self.store, self.options);
        let mut work = || self.run_jobs(jobs, &scope, (&plan_path, file), &folder, &emit, &mut results);
        let outcome = match &pool {
            Some(pool) => pool.install(work),
            None => work(),
        };
        let outcome = outcome.and_then(|()| Ok(scope.clear()?));
        let seconds = started.elapsed().as_secs_f64();
        let status = match &outcome {
            Ok(()) => RunStatus::Done,
            Err(RunError::Interrupted) => RunStatus::Interrupted,
            Err(_) => RunStatus::Failed,
        };
        let told = match &outcome {
            Err(RunError::Stage { stage, source }) => emit(Event::StageFailed {
                stage: stage.clone(),
                message: source.to_string(),
                help: source.help.clone(),
            }),
            Err(RunError::Store(error)) => {
                emit(Event::RunFailed { message: error.to_string(), help: Some(error.help().to_owned()) })
            }
            _ => Ok(()),
        };
        let stages_computed = results.iter().filter(|result| result.computed > 0).count();
        let finished = emit(Event::RunFinished {
            run: run.clone(),
            status,
            seconds,
            stages_cached: results.len() - stages_computed,
            stages_computed,
            datasets: results.iter().flat_map(StageResult::manifests).collect(),
        });
        // Why the run failed says more than that it could not be written down, which may have the same cause.
        outcome?;
        told.and(finished)?;
        Ok(RunReport { run, stages: results, seconds })
    }

    fn run_jobs(
        &self,
        jobs: &[Job<'_>],
        scope: &RunScope<'_>,
        (plan, file): (&Path, &Path),
        folder: &Mutex<RunFolder>,
        emit: &(dyn Fn(Event) -> Result<(), StoreError> + Sync),
        results: &mut Vec<StageResult>,
    ) -> Result<(), RunError> {
        let mut made: Vec<Option<Outputs>> = Vec::new();
        let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        let run_id = self.run_id.map_or_else(|| lock(folder).id().to_owned(), str::to_owned);
        let run_id = run_id.as_str();
        let mut looping = self.looping.map(LoopRun::new);
        for (index, job) in jobs.iter().enumerate() {
            // One of which no stage had its turn ends as well.
            while let Some(looping) = looping.as_mut().filter(|looping| looping.ends_before(job)) {
                if self.end_iteration(looping, (&made, run_id), emit)? {
                    return Ok(());
                }
            }
            let failed = |source: StageError| match self.options.interrupted.load(Ordering::Relaxed) {
                true => RunError::Interrupted,
                false => RunError::Stage { stage: job.name.to_owned(), source },
            };
            if let (Some(looping), Some(turn)) = (&mut looping, &job.turn)
                && !looping.has_turn(turn).map_err(failed)?
            {
                made.push(None);
                continue;
            }
            let started = Instant::now();
            let tell = |event| Ok(emit(event)?);
            let mut inputs = self.inputs_of(job, &made).map_err(failed)?;
            // Until it is written down that this run uses what it finds.
            let mut hold = self.store.hold()?;
            let look = |inputs| caught(LOOKING, || cut(job, inputs, (self.store, run_id), self.options));
            let mut work = look(inputs.clone()).map_err(failed)?;
            if !work.missing().is_empty() && inputs.has_released() {
                drop(hold);
                let again = MakingAgain { scope, plan, run_id, tell: &tell };
                self.make_again(jobs, index, &mut made, &again).map_err(failed)?;
                hold = self.store.hold()?;
                inputs = self.inputs_of(job, &made).map_err(failed)?;
                work = look(inputs).map_err(failed)?;
            }
            lock(folder).use_keys(key_records(job, &work.parts))?;
            drop(hold);
            let cached = work.parts.iter().filter(|part| part.commit.is_some()).count();
            emit(Event::StageStarted { stage: job.name.to_owned(), parts: work.parts.len(), cached })?;
            let run = StageRun::new(scope, job, &work);
            let context = ExecutorContext {
                plan,
                interrupted: &self.options.interrupted,
                carry_out: &|task| run.carry_out(task, &tell),
                tell: &tell,
            };
            if !self.is_redirected {
                // A stage of another iteration may write where this one does: after it.
                let is_beside = |other: &&Job<'_>| match (&other.turn, &job.turn) {
                    (Some(other), Some(turn)) => other.iteration == turn.iteration,
                    _ => true,
                };
                let beside: Vec<(&str, &dyn Stage)> =
                    jobs.iter().filter(is_beside).map(|job| (job.name, job.stage)).collect();
                let place = beside.iter().position(|(name, _)| *name == job.name).unwrap_or(index);
                let surroundings = Surroundings { stages: beside, file: &file, store: self.store.root() };
                run.may_begin(&surroundings, place).map_err(failed)?;
            }
            let commits = run.run(self.executor, &context);
            run.end();
            let commits = commits.map_err(failed)?;
            // Until an event names the manifest.
            let hold = self.store.hold()?;
            let finished = caught(ENDING, || self.finish(job, &work, &commits)).map_err(failed)?;
            let result = StageResult {
                cached,
                computed: work.parts.len() - cached,
                seconds: started.elapsed().as_secs_f64(),
                ..finished.result
            };
            for row in finished.put_aside {
                emit(Event::Quarantined {
                    stage: job.name.to_owned(),
                    trajectory: row.trajectory,
                    reason: row.reason,
                    place: row.place,
                })?;
            }
            for LogLine { level, message } in finished.log {
                emit(Event::Logged { stage: job.name.to_owned(), level, message })?;
            }
            emit(Event::StageFinished(result.clone()))?;
            drop(hold);
            if let (Some(looping), Some(turn)) = (&mut looping, &job.turn) {
                looping.finished((index, job), turn, &result);
            }
            results.push(result);
            made.push(Some(finished.outputs));
        }
        if let Some(looping) = &mut looping {
            self.end_iteration(looping, (&made, run_id), emit)?;
        }
        Ok(())
    }

    /// An iteration is done: what nobody needs any more goes. Whether it was the last.
    fn end_iteration(
        &self,
        looping: &mut LoopRun<'_>,
        (made, run_id): (&[Option<Outputs>], &str),
        emit: &(dyn Fn(Event) -> Result<(), StoreError> + Sync),
    ) -> Result<bool, RunError> {
        let (iteration, of) = looping.position();
        let failed = |source| RunError::Stage { stage: format!("iteration {iteration}"), source };
        let last = looping.is_last().map_err(failed)?;
        for policy in looping.had_their_use(made) {
            self.store.release(&policy, run_id)?;
        }
        emit(Event::IterationFinished { iteration, of, last })?;
        looping.go_on();
        Ok(last)
    }

    /// What a job reads of what the jobs before it made: the datasets that its port `data` joins, one after the other, and
    /// what comes in beside them.
    pub(crate) fn inputs_of(&self, job: &Job<'_>, made: &[Option<Outputs>]) -> Result<Inputs, StageError> {
        let ports = job.stage.ports();
        let is_joined = |name: &str| ports.inputs.iter().any(|port| port.name == name && port.arity == Arity::Joined);
        let (mut joined, mut beside) = (Vec::new(), Vec::new());
        for JobInput { port, job: from, output } in &job.inputs {
            let outputs = made.get(*from).and_then(Option::as_ref);
            let found = outputs.and_then(|outputs| outputs.iter().find(|(name, _)| name == output));
            let (_, artifact) =
                found.ok_or_else(|| StageError::new(format!("nothing was made for its input `{port}`")))?;
            match artifact {
                Artifact::Dataset(dataset) if port == DATA && is_joined(DATA) => joined.push(Arc::clone(dataset)),
                artifact => beside.push((port.clone(), artifact.clone())),
            }
        }
        let data = match (joined.as_slice(), concatenated(&joined)) {
            ([only], _) => Arc::clone(only),
            (_, None) => Inputs::nothing(self.store.root()).data,
            (_, Some(mut all)) => {
                all.facts = grouping(&all, self.store, self.options.memory)?.facts;
                Arc::new(all)
            }
        };
        Ok(Inputs { data, beside })
    }

    /// Carries out one task of a run whose jobs these are; the stages above the task's must have their results.
    ///
    /// # Errors
    /// Whatever keeps the task from its result, or if there is no such task.
    pub fn carry_out(&self, jobs: &[Job<'_>], task: &Task, observe: &(dyn Fn(&Record) + Sync)) -> Result<(), RunError> {
        let wanted = jobs.iter().position(|job| job.name == task.stage);
        let wanted = wanted.ok_or_else(|| RunError::Stage {
            stage: task.stage.clone(),
            source: StageError::new("the pipeline has no such stage"),
        })?;
        let mut needed = BTreeSet::from([wanted]);
        for index in (0..=wanted).rev() {
            if needed.contains(&index) {
                needed.extend(jobs[index].inputs.iter().map(|input| input.job));
            }
        }
        let mut made: Vec<Option<Outputs>> = jobs.iter().map(|_| None).collect();
        for index in needed {
            let job = &jobs[index];
            let failed = |source| RunError::Stage { stage: job.name.to_owned(), source };
            let inputs = self.inputs_of(job, &made).map_err(failed)?;
            let work = cut(job, inputs, (self.store, self.run_id.unwrap_or_default()), self.options).map_err(failed)?;
            if index == wanted {
                let scope = RunScope::new(self.store, self.options);
                let tell = |event| {
                    observe(&Record::now(event));
                    Ok(())
                };
                return StageRun::new(&scope, job, &work).carry_out(task, &tell).map_err(failed);
            }
            let commits = work.commits().ok_or_else(|| {
                failed(StageError::new(format!("stage `{}` needs its result, which is not there yet", task.stage)))
            })?;
            made[index] = Some(self.finish(job, &work, &commits).map_err(failed)?.outputs);
        }
        Ok(())
    }

    /// What a stage made whose parts are all there, and what to tell about it.
    pub(crate) fn finish(
        &self,
        job: &Job<'_>,
        work: &StageWork,
        commits: &[Arc<Commit>],
    ) -> Result<Finished, StageError> {
        let context = context_of(commits);
        let (metrics, store, options) = (&context.metrics, self.store, self.options);
        let Composed { outputs, warnings, exported } =
            compose(&Composing { job, work, commits, metrics, store, options })?;
        let warnings = context.warnings.into_iter().chain(job.stage.warnings(metrics)).chain(warnings).collect();
        let (mut dataset, mut others) = (None, Vec::new());
        for (name, artifact) in &outputs {
            let manifest = self.store.publish_artifact(artifact)?;
            match artifact.kind() {
                ArtifactKind::Dataset if name == OUT => dataset = Some(manifest),
                kind => others.push(OutputResult { name: name.clone(), kind, manifest, rows: artifact.rows() }),
            }
        }
        let of_output = |(_, artifact): &(String, Artifact)| artifact.rows();
        let rows = match exported {
            Some(_) => work.inputs.rows(),
            None => outputs.iter().filter(|(name, _)| name == OUT).chain(&outputs).find_map(of_output).unwrap_or(0),
        };
        let put_aside = quarantine(job, work, commits)?;
        let quarantine = put_aside.as_ref().map(|aside| self.store.publish(&aside.dataset)).transpose()?;
        let result = StageResult {
            stage: job.name.to_owned(),
            uses: job.uses.to_owned(),
            rows,
            figures: figures_of(job, &context.metrics),
            metrics: context.metrics.told(),
            highlights: context.highlights,
            warnings,
            dataset,
            outputs: others,
            target: exported.as_ref().map(|exported| exported.target.clone()),
            files: exported.map(|exported| exported.files).unwrap_or_default(),
            quarantined: put_aside.as_ref().map_or(0, |aside| aside.rows),
            quarantine,
            not_reproducible: job.stage.not_reproducible(),
            sample: self.options.results.limit,
            ..StageResult::default()
        };
        let put_aside = put_aside.map(|aside| aside.told).unwrap_or_default();
        Ok(Finished { outputs, result, put_aside, log: context.log })
    }
}

/// What of that which a stage counted is read by name.
fn figures_of(job: &Job<'_>, metrics: &Metrics) -> BTreeMap<String, f64> {
    let figures = job.stage.figures();
    let value = |figure: &Figure| figure.value(metrics).filter(|value| value.is_finite());
    figures.iter().filter_map(|figure| Some((figure.name.to_owned(), value(figure)?))).collect()
}

/// What a stage does beside its parts, for people.
const LOOKING: &str = "seeing what there is to do";
const ENDING: &str = "bringing its parts together";

/// What a stage made and its result, times and counts of parts left out.
pub(crate) struct Finished {
    pub(crate) outputs: Outputs,
    pub(crate) result: StageResult,
    /// The first of the rows that it put aside.
    pub(crate) put_aside: Vec<AsideRow>,
    /// What it said.
    pub(crate) log: Vec<LogLine>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
