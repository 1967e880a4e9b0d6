//! The engine: carries out jobs in order, each part of a job in parallel, and tells what happens as it happens.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rayon::prelude::*;

use super::commits::{compose, concatenated, context_of, nothing};
use super::grouping::grouping;
use super::job::Job;
use super::limit::first_groups;
use super::parts::{Part, StageWork, plan_stage};
use super::{sink, source, transform};
use crate::dataset::{BatchLimit, Dataset};
use crate::event::{Event, Record, RunStatus, StageName, StageResult};
use crate::stage::{StageError, Work};
use crate::store::{Commit, KeyRecord, Outcome, RunFolder, Store, StoreError};

/// How to carry out a pipeline. Nothing here is part of a key, `limit` apart.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Worker threads; 0: as many as the machine has.
    pub threads: usize,
    /// How large batches may get.
    pub batch_limit: BatchLimit,
    /// How many bytes a stage may gather that must see scattered groups at once.
    pub gather_bytes: usize,
    /// Only the first groups of each source.
    pub limit: Option<u64>,
    /// Set by whoever wants the run to stop.
    pub interrupted: Arc<AtomicBool>,
    /// Different for every run: the key part of stages that must not be cached.
    pub nonce: String,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            threads: 0,
            batch_limit: BatchLimit::default(),
            gather_bytes: i32::MAX as usize,
            limit: None,
            interrupted: Arc::default(),
            nonce: jiff::Timestamp::now().as_nanosecond().to_string(),
        }
    }
}

impl RunOptions {
    pub(crate) fn stop_if_interrupted(&self) -> Result<(), StageError> {
        match self.interrupted.load(Ordering::Relaxed) {
            true => Err(StageError::new("interrupted")),
            false => Ok(()),
        }
    }
}

/// Why a run did not end well.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A stage could not finish.
    #[error("stage `{stage}`: {source}")]
    Stage {
        /// Its name.
        stage: String,
        /// Why.
        #[source]
        source: StageError,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Somebody stopped it. What was committed stays.
    #[error("interrupted")]
    Interrupted,
    /// The worker threads could not be started.
    #[error("cannot start worker threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// The run's name.
    pub run: String,
    /// Its stages' results, in the order in which they ran.
    pub stages: Vec<StageResult>,
    /// Seconds it took.
    pub seconds: f64,
}

/// Carries out the jobs of one pipeline on one store.
pub struct Engine<'a> {
    pub(crate) store: &'a Store,
    pub(crate) options: &'a RunOptions,
}

impl<'a> Engine<'a> {
    /// An engine over a store.
    pub fn new(store: &'a Store, options: &'a RunOptions) -> Self {
        Self { store, options }
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
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.options.threads).build()?;
        let folder = Mutex::new(RunFolder::create(self.store)?);
        let run = lock(&folder).id().to_owned();
        let emit = |event: Event| -> Result<(), StoreError> {
            let record = Record::now(event);
            let recorded = lock(&folder).record(&record);
            observe(&record);
            recorded
        };
        emit(Event::RunStarted {
            run: run.clone(),
            pipeline: pipeline.to_owned(),
            file: file.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            stages: jobs.iter().map(|job| StageName { name: job.name.to_owned(), uses: job.uses.to_owned() }).collect(),
        })?;
        let mut results = Vec::new();
        let outcome = pool.install(|| self.run_jobs(jobs, &folder, &emit, &mut results));
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
            datasets: results
                .iter()
                .filter_map(|result| Some((result.stage.clone(), result.dataset.clone()?)))
                .collect(),
        });
        // Why the run failed says more than that it could not be written down, which may have the same cause.
        outcome?;
        told.and(finished)?;
        Ok(RunReport { run, stages: results, seconds })
    }

    fn run_jobs(
        &self,
        jobs: &[Job<'_>],
        folder: &Mutex<RunFolder>,
        emit: &(dyn Fn(Event) -> Result<(), StoreError> + Sync),
        results: &mut Vec<StageResult>,
    ) -> Result<(), RunError> {
        let mut datasets: Vec<Arc<Dataset>> = Vec::new();
        for job in jobs {
            let failed = |source: StageError| match self.options.interrupted.load(Ordering::Relaxed) {
                true => RunError::Interrupted,
                false => RunError::Stage { stage: job.name.to_owned(), source },
            };
            let started = Instant::now();
            let input = self.input_of(job, &datasets).map_err(failed)?;
            // Until it is written down that this run uses what it finds.
            let hold = self.store.hold()?;
            let work = plan_stage(job, input, self.store, self.options).map_err(failed)?;
            lock(folder).use_keys(&key_records(job, &work.parts))?;
            drop(hold);
            let cached = work.parts.iter().filter(|part| part.commit.is_some()).count();
            emit(Event::StageStarted { stage: job.name.to_owned(), parts: work.parts.len(), cached })?;
            let commits = self.run_parts(job, &work, emit).map_err(failed)?;
            // Until an event names the manifest.
            let hold = self.store.hold()?;
            let finished = self.finish(job, &work, &commits).map_err(failed)?;
            let result = StageResult {
                cached,
                computed: work.parts.len() - cached,
                seconds: started.elapsed().as_secs_f64(),
                ..finished.result
            };
            emit(Event::StageFinished(result.clone()))?;
            drop(hold);
            results.push(result);
            datasets.push(finished.dataset);
        }
        Ok(())
    }

    /// What a job reads: the datasets of its inputs, one after the other.
    pub(crate) fn input_of(&self, job: &Job<'_>, datasets: &[Arc<Dataset>]) -> Result<Arc<Dataset>, StageError> {
        let inputs: Vec<Arc<Dataset>> =
            job.inputs.iter().filter_map(|index| datasets.get(*index)).map(Arc::clone).collect();
        if let [only] = inputs.as_slice() {
            return Ok(Arc::clone(only));
        }
        match concatenated(&inputs) {
            None => Ok(Arc::new(nothing(self.store.root()))),
            Some(mut all) => {
                all.facts = grouping(&all, self.store)?.facts;
                Ok(Arc::new(all))
            }
        }
    }

    /// Computes what is missing; the commits of all parts, in order.
    fn run_parts(
        &self,
        job: &Job<'_>,
        work: &StageWork,
        emit: &(dyn Fn(Event) -> Result<(), StoreError> + Sync),
    ) -> Result<Vec<Commit>, StageError> {
        let computed: Mutex<Vec<Option<Commit>>> =
            Mutex::new(work.parts.iter().map(|part| part.commit.clone()).collect());
        let failed = AtomicBool::new(false);
        let done = |position: usize, commit: Commit, seconds: f64| -> Result<(), StageError> {
            if let Some(place) = lock(&computed).get_mut(position) {
                *place = Some(commit);
            }
            let label = work.parts[position].label.clone();
            Ok(emit(Event::PartFinished { stage: job.name.to_owned(), part: position, label, seconds })?)
        };
        let missing: Vec<usize> =
            (0..work.parts.len()).filter(|position| work.parts[*position].commit.is_none()).collect();
        let tasks = match &work.survey {
            Some(survey) => source::tasks(survey, &work.parts),
            None => missing.into_iter().map(|position| vec![position]).collect(),
        };
        let run_task = |positions: &Vec<usize>| -> Result<(), StageError> {
            // One failure is enough: what others have begun is completed and kept, nothing new is begun.
            if failed.load(Ordering::Relaxed) {
                return Ok(());
            }
            self.options.stop_if_interrupted()?;
            let mut started = Instant::now();
            let outcome = match (job.stage.work(), &work.survey) {
                (Work::Source(source), Some(survey)) => {
                    let mut commit = |position: usize, commit: Commit| {
                        let seconds = started.elapsed().as_secs_f64();
                        started = Instant::now();
                        done(position, commit, seconds)
                    };
                    let work = source::SourceWork {
                        source,
                        survey,
                        schema: &job.output,
                        parts: &work.parts,
                        store: self.store,
                        options: self.options,
                    };
                    source::run_task(&work, positions, &mut commit)
                }
                (Work::Transform(transform), _) => positions.iter().try_for_each(|position| {
                    let part = &work.parts[*position];
                    let commit = transform::run_part(job, transform, &work.input, part, self.store, self.options)?;
                    done(*position, commit, started.elapsed().as_secs_f64())
                }),
                (Work::Sink(sink), _) => positions.iter().try_for_each(|position| {
                    let commit = sink::run_part(sink, &work.input, &work.parts[*position], self.store, self.options)?;
                    done(*position, commit, started.elapsed().as_secs_f64())
                }),
                (Work::Source(_), None) => Ok(()),
            };
            if outcome.is_err() {
                failed.store(true, Ordering::Relaxed);
            }
            outcome
        };
        // The error of the first task in order is reported, whichever failed first.
        let outcomes: Vec<Result<(), StageError>> = tasks.par_iter().map(run_task).collect();
        outcomes.into_iter().collect::<Result<(), _>>()?;
        let commits = computed.into_inner().unwrap_or_else(PoisonError::into_inner);
        commits
            .into_iter()
            .zip(&work.parts)
            .map(|(commit, part)| commit.ok_or_else(|| StageError::new(format!("`{}` has no result", part.label))))
            .collect()
    }

    /// The dataset of a stage whose parts are all there, and what to tell about it.
    pub(crate) fn finish(&self, job: &Job<'_>, work: &StageWork, commits: &[Commit]) -> Result<Finished, StageError> {
        let context = context_of(commits);
        let mut dataset = compose(job, work, commits)?;
        let mut warnings = context.warnings;
        warnings.extend(job.stage.warnings(&context.metrics));
        if let Some(survey) = &work.survey {
            warnings.extend(survey.warnings.iter().cloned());
            let found = grouping(&dataset, self.store)?;
            dataset.facts = found.facts;
            if found.groups == found.rows && found.rows > 1 {
                warnings.push(format!(
                    "each of the {} groups has one trajectory, so nothing can be compared within a group; name the `policy` \
                     that acted, set `group_by: task`, or, for chats that name no task, `task_from: first_user`",
                    found.groups
                ));
            }
            if let Some(groups) = self.options.limit {
                dataset = first_groups(dataset, groups)?;
            }
        }
        let exported = commits.iter().find_map(|commit| match &commit.outcome {
            Outcome::Exported(exported) => Some(exported.clone()),
            _ => None,
        });
        let rows = if exported.is_some() { work.input.rows() } else { dataset.rows() };
        let manifest: Option<PathBuf> = match exported {
            Some(_) => None,
            None => Some(self.store.publish(&dataset)?),
        };
        let result = StageResult {
            stage: job.name.to_owned(),
            uses: job.uses.to_owned(),
            rows,
            metrics: context.metrics,
            highlights: context.highlights,
            warnings,
            dataset: manifest,
            target: exported.as_ref().map(|exported| exported.target.clone()),
            files: exported.map(|exported| exported.files).unwrap_or_default(),
            ..StageResult::default()
        };
        Ok(Finished { dataset: Arc::new(dataset), result })
    }
}

/// A stage's dataset and its result, times and counts of parts left out.
pub(crate) struct Finished {
    pub(crate) dataset: Arc<Dataset>,
    pub(crate) result: StageResult,
}

pub(crate) fn key_records(job: &Job<'_>, parts: &[Part]) -> Vec<KeyRecord> {
    parts
        .iter()
        .map(|part| KeyRecord {
            stage: job.name.to_owned(),
            label: part.label.clone(),
            key: part.key.clone(),
            parts: part.parts.clone(),
        })
        .collect()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
