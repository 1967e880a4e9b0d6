//! Sources: rows come in from outside, shard by shard of what a survey found.

mod decoded;
mod in_place;
mod work;

use std::collections::HashMap;
use std::sync::OnceLock;

pub(crate) use self::in_place::with_state;
use self::work::SourceWork;
use super::compose::{dataset_of, unfitting};
use super::grouping::grouping;
use super::job::Job;
use super::limit::first_groups;
use super::part::{Draft, Part, StageWork};
use super::scope::RunScope;
use super::shape::{Composed, Composing, Cut, Cutting, Done, Execute, ShapeRun};
use super::task::{Step, Task};
use super::watch::Watch;
use crate::dataset::{FilesRead, Shard};
use crate::stage::{Memo, ShardContent, Source, SourceShard, StageError, Survey};
use crate::store::{Aside, Outcome, Store};

/// The store's memory for facts, for a survey that may use so much of the machine's.
struct Surveying<'a> {
    store: &'a Store,
    memory: u64,
}

impl Memo for Surveying<'_> {
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.store.get(key)
    }

    fn put(&self, key: &str, value: &[u8]) {
        self.store.put(key, value);
    }

    fn memory(&self) -> u64 {
        self.memory
    }
}

/// One part for each shard that the source's survey finds.
pub(crate) fn cut(source: &dyn Source, cutting: &Cutting<'_>) -> Result<Cut, StageError> {
    let survey = source.survey(&Surveying { store: cutting.store, memory: cutting.options.memory })?;
    let draft = |(index, shard): (usize, &SourceShard)| {
        let mut parts = cutting.common.clone();
        shard.key.iter().for_each(|(name, value)| parts.add(name.as_str(), value.as_str()));
        if let ShardContent::InPlace { path, .. } = &shard.content {
            // The result is a reference to this very file.
            parts.add("in place", path.to_string_lossy());
        }
        Draft { label: shard.label.clone(), shards: vec![index], parts }
    };
    let drafts = survey.shards.iter().enumerate().map(draft).collect();
    Ok(Cut { drafts, survey: Some(survey), ..Cut::default() })
}

/// A source that is surveyed.
pub(crate) struct SourceRun<'a> {
    scope: &'a RunScope<'a>,
    job: &'a Job<'a>,
    work: &'a StageWork,
    source: &'a dyn Source,
    streams: OnceLock<Streams>,
}

/// The parts that are missing, by the streams that they are read in.
struct Streams {
    /// Positions of the parts of each.
    tasks: Vec<Vec<usize>>,
    /// Which of them has a part.
    of_part: HashMap<usize, usize>,
}

impl Streams {
    fn of(survey: &Survey, parts: &[Part]) -> Self {
        let tasks = tasks(survey, parts);
        let numbered = tasks.iter().enumerate();
        let of_part = numbered.flat_map(|(task, parts)| parts.iter().map(move |part| (*part, task))).collect();
        Self { tasks, of_part }
    }

    /// All parts of the stream that a part is read in; `None` if it has its result.
    fn with(&self, part: usize) -> Option<&[usize]> {
        self.of_part.get(&part).and_then(|task| self.tasks.get(*task)).map(Vec::as_slice)
    }
}

/// Parts that are read in one call: those of one stream, or one alone. Positions in `parts`.
fn tasks(survey: &Survey, parts: &[Part]) -> Vec<Vec<usize>> {
    let mut tasks: Vec<(Option<usize>, Vec<usize>)> = Vec::new();
    for (position, part) in parts.iter().enumerate().filter(|(_, part)| part.commit.is_none()) {
        let stream = part.shards.first().and_then(|index| survey.shards.get(*index)).and_then(|shard| shard.stream);
        match tasks.last_mut() {
            Some((last, positions)) if stream.is_some() && *last == stream => positions.push(position),
            _ => tasks.push((stream, vec![position])),
        }
    }
    tasks.into_iter().map(|(_, positions)| positions).collect()
}

impl<'a> SourceRun<'a> {
    pub(crate) fn new(scope: &'a RunScope<'a>, job: &'a Job<'a>, work: &'a StageWork, source: &'a dyn Source) -> Self {
        Self { scope, job, work, source, streams: OnceLock::new() }
    }

    fn survey(&self) -> Result<&'a Survey, StageError> {
        self.work.survey.as_ref().ok_or_else(|| StageError::new("nobody has surveyed the source's inputs"))
    }

    fn streams(&self) -> Result<&Streams, StageError> {
        let survey = self.survey()?;
        Ok(self.streams.get_or_init(|| Streams::of(survey, &self.work.parts)))
    }
}

impl ShapeRun for SourceRun<'_> {
    fn carry_out(&self, _: Vec<usize>, execute: &Execute<'_>) -> Result<(), StageError> {
        execute(Step::Map, self.streams()?.tasks.iter().filter_map(|parts| parts.first().copied()).collect())
    }

    /// A task stands for all parts of its stream.
    fn compute(&self, task: &Task, watch: &Watch<'_>, done: &mut Done<'_>) -> Result<(), StageError> {
        let (Step::Map, Some(_)) = (task.step, self.work.parts.get(task.part)) else { return Err(task.unknown()) };
        let Some(positions) = self.streams()?.with(task.part) else { return Ok(()) };
        // Some of them may have been committed before something went wrong.
        let mut missing = Vec::with_capacity(positions.len());
        for position in positions {
            let part = self.work.parts.get(*position).ok_or_else(|| task.unknown())?;
            if self.scope.store.committed(&part.key)?.is_none() {
                missing.push(*position);
            }
        }
        let work = SourceWork {
            stage: self.job.name,
            on_error: self.job.failure.on_error,
            built: self.job.stage,
            source: self.source,
            survey: self.survey()?,
            schema: &self.job.output,
            parts: &self.work.parts,
            inputs: &self.work.inputs,
            scope: self.scope,
            watch,
        };
        decoded::run_task(&work, &missing, done)
    }
}

/// The shards that were read, narrowed if only some groups are wanted.
pub(crate) fn compose(source: &dyn Source, composing: &Composing<'_>) -> Result<Composed, StageError> {
    came_to_something(composing)?;
    let Composing { job, work, commits, store, options, .. } = composing;
    let mut shards = Vec::with_capacity(commits.len());
    for (part, commit) in work.parts.iter().zip(*commits) {
        match &commit.outcome {
            Outcome::Shard(shard) => shards.push(as_surveyed(shard, work, part)),
            _ => return Err(unfitting()),
        }
    }
    let mut dataset = dataset_of(job, work, shards);
    let mut warnings: Vec<String> = work.survey.iter().flat_map(|survey| survey.warnings.iter().cloned()).collect();
    let found = grouping(&dataset, store, options.memory)?;
    dataset.facts = found.facts;
    if found.groups == found.rows && found.rows > 1 {
        let count = found.groups;
        let warning =
            format!("each of the {count} groups has one trajectory, so nothing can be compared within a group");
        warnings.push(match source.help_for_lone_groups() {
            Some(help) => format!("{warning}; {help}"),
            None => warning,
        });
    }
    if let Some(groups) = options.results.limit {
        let read = FilesRead::begin(&dataset.shards)?;
        dataset = first_groups(dataset, groups)?;
        read.unchanged()?;
    }
    Ok(Composed { warnings, ..Composed::of(dataset) })
}

/// An error if the source came to nothing; the next run then tries it again.
fn came_to_something(composing: &Composing<'_>) -> Result<(), StageError> {
    let Composing { job, work, commits, metrics, store, .. } = composing;
    let put_aside = commits.iter().flat_map(|commit| &commit.aside).map(Aside::count).sum();
    job.stage.outcome(metrics, put_aside).or_else(|error| {
        work.parts.iter().try_for_each(|part| store.forget(&part.key))?;
        Err(error)
    })
}

/// A shard; of one that lies elsewhere, with the state in which this run found the file.
fn as_surveyed(shard: &Shard, work: &StageWork, part: &Part) -> Shard {
    let shard = shard.clone();
    let surveyed = part.shards.first().and_then(|index| work.survey.as_ref()?.shards.get(*index));
    match surveyed.map(|surveyed| &surveyed.content) {
        Some(ShardContent::InPlace { stamp, content, .. }) => {
            Shard { files: with_state(shard.files, (stamp, content.as_ref()), work.memory), ..shard }
        }
        _ => shard,
    }
}
