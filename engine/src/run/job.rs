//! A stage of a checked pipeline, with all that the engine needs to carry it out.

use crate::artifact::ArtifactType;
use crate::column::ColumnPath;
use crate::condition::Condition;
use crate::contract::{AddedColumn, Contract, DATA, Effect, OUT};
use crate::failure::FailurePolicy;
use crate::stage::Stage;
use crate::trajectory::TrajectorySchema;

/// A stage ready to run.
pub struct Job<'a> {
    /// Its name in the pipeline.
    pub name: &'a str,
    /// What its `uses` says, for people.
    pub uses: &'a str,
    /// Its kind, as keys have it.
    pub kind: &'a str,
    /// The version of its kind.
    pub version: u32,
    /// Its options as canonical JSON.
    pub options: &'a str,
    /// The stage.
    pub stage: &'a dyn Stage,
    /// What it reads, in the order of its ports.
    pub inputs: Vec<JobInput>,
    /// What it promises.
    pub contract: Contract,
    /// The schema of its dataset `out`.
    pub output: TrajectorySchema,
    /// Whether a result of an earlier run may be used.
    pub cache: bool,
    /// What to do when it fails.
    pub failure: FailurePolicy,
    /// What a loop has to do with it, if it is repeated.
    pub turn: Option<LoopTurn<'a>>,
}

/// A stage's turn in a loop.
#[derive(Clone, Debug)]
pub struct LoopTurn<'a> {
    /// The stage's name in the pipeline; that of the job has the iteration with it.
    pub stage: &'a str,
    /// The iteration, from 0.
    pub iteration: u64,
    /// When it runs.
    pub when: Option<&'a Condition>,
    /// Which of its outputs the next iteration reads.
    pub carries: Vec<&'a str>,
}

/// What a job reads from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobInput {
    /// The port that takes it.
    pub port: String,
    /// The job that makes it: one before.
    pub job: usize,
    /// Which of that job's outputs.
    pub output: String,
}

impl JobInput {
    /// The dataset of another job, as most read it.
    pub fn data(job: usize) -> Self {
        Self { port: DATA.to_owned(), job, output: OUT.to_owned() }
    }
}

/// Those of some jobs that a stage needs, and its own, of whichever iteration; `None` if there is no such stage.
pub fn jobs_until<'a>(jobs: Vec<Job<'a>>, stage: &str) -> Option<Vec<Job<'a>>> {
    let is_its = |job: &Job<'_>| job.name == stage || job.turn.as_ref().is_some_and(|turn| turn.stage == stage);
    let mut needed: Vec<bool> = jobs.iter().map(is_its).collect();
    if !needed.contains(&true) {
        return None;
    }
    // Inputs come before those who take them.
    for index in (0..jobs.len()).rev().collect::<Vec<_>>() {
        if let Some(job) = jobs.get(index).filter(|_| needed.get(index) == Some(&true)) {
            job.inputs
                .iter()
                .for_each(|input| needed.iter_mut().skip(input.job).take(1).for_each(|place| *place = true));
        }
    }
    Some(only(jobs, &needed))
}

/// The jobs that have a result in an earlier run of theirs: what it left out, by `when` or because its loop had ended, is left
/// out again.
pub fn jobs_that_ran<'a>(jobs: Vec<Job<'a>>, has_result: impl Fn(&str) -> bool) -> Vec<Job<'a>> {
    let ran: Vec<bool> = jobs.iter().map(|job| has_result(job.name)).collect();
    only(jobs, &ran).into_iter().map(|job| Job { turn: None, ..job }).collect()
}

/// Some of the jobs, none of which reads another.
fn only<'a>(jobs: Vec<Job<'a>>, kept: &[bool]) -> Vec<Job<'a>> {
    let mut next = 0;
    let mut place = |kept: &bool| {
        let place = next;
        next += usize::from(*kept);
        place
    };
    let places: Vec<usize> = kept.iter().map(&mut place).collect();
    let moved = |input: JobInput| JobInput { job: places.get(input.job).copied().unwrap_or(input.job), ..input };
    let stay = jobs.into_iter().zip(kept).filter(|(_, kept)| **kept);
    stay.map(|(job, _)| Job { inputs: job.inputs.into_iter().map(moved).collect(), ..job }).collect()
}

impl Job<'_> {
    /// The schema of one of its datasets.
    pub(crate) fn dataset_type(&self, output: &str) -> Option<&TrajectorySchema> {
        let Effect::Whole(outputs) = &self.contract.effect else { return (output == OUT).then_some(&self.output) };
        outputs.iter().find(|(name, _)| name == output).and_then(|(_, artifact)| match artifact {
            ArtifactType::Dataset(schema) => Some(schema),
            _ => None,
        })
    }

    /// The columns that it adds.
    pub(crate) fn adds(&self) -> &[AddedColumn] {
        match &self.contract.effect {
            Effect::Columns { adds, .. } | Effect::Relabelled { adds, .. } => adds,
            _ => &[],
        }
    }

    /// The columns that reach the stage: those of the contract, and the turn counts where turns are added to, or copied.
    pub(crate) fn reads(&self) -> Vec<ColumnPath> {
        let mut reads = self.contract.reads.clone();
        let needs_turns = match &self.contract.effect {
            Effect::Columns { adds, .. } => adds.iter().any(|column| column.path.turn_name().is_some()),
            Effect::Relabelled { .. } => true,
            _ => false,
        };
        if needs_turns && !reads.iter().any(|path| path.turn_name().is_some() || path.is_turn_counts()) {
            reads.push(ColumnPath::from(crate::column::TURNS));
        }
        reads
    }

    /// The columns that decide the result: a copy has all that its original has.
    pub(crate) fn needs(&self, input: &TrajectorySchema) -> Vec<ColumnPath> {
        match &self.contract.effect {
            Effect::Relabelled { .. } => input.paths(),
            _ => self.reads(),
        }
    }
}
