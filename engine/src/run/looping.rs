//! A loop on its way: which iteration is the last, and which of the policies that were carried have had their use.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_yaml::Value;

use super::job::{Job, LoopTurn};
use super::shape::Outputs;
use crate::artifact::{Artifact, Policy};
use crate::condition::Scalar;
use crate::event::StageResult;
use crate::pipeline::{Looping, find_scalar};
use crate::stage::StageError;

/// How a loop is to be carried out.
#[derive(Clone, Copy, Debug)]
pub struct LoopControl<'a> {
    /// The loop.
    pub looping: &'a Looping,
    /// The pipeline's parameters, for conditions.
    pub params: &'a Value,
}

/// An output that an iteration handed to the next.
struct Handed {
    /// The stage that made it.
    stage: String,
    iteration: u64,
    /// The job that made it.
    job: usize,
    output: String,
}

impl Handed {
    /// The policy that it is, wherever it lies now: it may have been made again.
    fn policy<'a>(&self, made: &'a [Option<Outputs>]) -> Option<&'a Arc<Policy>> {
        let outputs = made.get(self.job)?.as_ref()?;
        match outputs.iter().find(|(name, _)| *name == self.output) {
            Some((_, Artifact::Policy(policy))) => Some(policy),
            _ => None,
        }
    }
}

/// The result with the greatest figure.
struct Best {
    iteration: u64,
    figure: f64,
    /// What it was found of: jobs, and which of their outputs.
    reads: Vec<(usize, String)>,
}

/// A loop on its way.
pub(crate) struct LoopRun<'a> {
    control: LoopControl<'a>,
    /// Figures of stages, each of its newest result.
    figures: BTreeMap<String, BTreeMap<String, f64>>,
    /// The iteration at hand.
    iteration: u64,
    /// Whether the one at hand was found to be the last, once that was asked.
    is_last: Option<bool>,
    handed: Vec<Handed>,
    /// The result with the greatest figure of `keep_best`.
    best: Option<Best>,
}

impl<'a> LoopRun<'a> {
    pub(crate) fn new(control: LoopControl<'a>) -> Self {
        Self { control, figures: BTreeMap::new(), iteration: 0, is_last: None, handed: Vec::new(), best: None }
    }

    /// Whether a stage has its turn. What an iteration before has left is to be ended first: see [`Self::ends_before`].
    pub(crate) fn has_turn(&mut self, turn: &LoopTurn<'_>) -> Result<bool, StageError> {
        let Some(when) = turn.when else { return Ok(true) };
        let is_last = when.names().contains(&"last") && self.is_last()?;
        let value_of = |name: &str| match name {
            "iteration" => Scalar::Number(turn.iteration as f64),
            "last" => Scalar::Truth(is_last),
            other => find_scalar(self.control.params, other).unwrap_or(Scalar::Null),
        };
        when.holds(&value_of).map_err(|problem| StageError::new(problem.message))
    }

    /// Whether a job comes after the iteration at hand.
    pub(crate) fn ends_before(&self, job: &Job<'_>) -> bool {
        job.turn.as_ref().is_some_and(|turn| turn.iteration > self.iteration)
    }

    /// Whether the iteration at hand is the last: by number, or because `until` holds for what its stages have come to.
    pub(crate) fn is_last(&mut self) -> Result<bool, StageError> {
        if let Some(known) = self.is_last {
            return Ok(known);
        }
        let Looping { times, until, .. } = self.control.looping;
        let value_of = |name: &str| match name {
            "iteration" => Scalar::Number(self.iteration as f64),
            other => find_scalar(self.control.params, other).unwrap_or_else(|| {
                let figure = other.split_once('.').and_then(|(stage, figure)| self.figures.get(stage)?.get(figure));
                figure.map_or(Scalar::Null, |value| Scalar::Number(*value))
            }),
        };
        let holds = until.as_ref().map_or(Ok(false), |until| until.holds(&value_of));
        let holds = holds.map_err(|problem| StageError::new(format!("`until`: {}", problem.message)))?;
        let is_last = holds || self.iteration + 1 >= *times;
        self.is_last = Some(is_last);
        Ok(is_last)
    }

    /// The iteration at hand, and how many there are at most.
    pub(crate) fn position(&self) -> (u64, u64) {
        (self.iteration, self.control.looping.times)
    }

    /// Goes on to the next iteration.
    pub(crate) fn go_on(&mut self) {
        self.iteration += 1;
        self.is_last = None;
    }

    /// The stage of a job has its result.
    pub(crate) fn finished(&mut self, (index, job): (usize, &Job<'_>), turn: &LoopTurn<'_>, result: &StageResult) {
        if let Some(best) = self.control.looping.keep_best.as_ref().filter(|best| best.stage == turn.stage)
            && let Some(value) = result.figures.get(&best.figure)
            && self.best.as_ref().is_none_or(|best| *value > best.figure)
        {
            let reads = job.inputs.iter().map(|input| (input.job, input.output.clone())).collect();
            self.best = Some(Best { iteration: turn.iteration, figure: *value, reads });
        }
        self.figures.insert(turn.stage.to_owned(), result.figures.clone());
        let iteration = turn.iteration;
        self.handed.extend(turn.carries.iter().map(|output| Handed {
            stage: turn.stage.to_owned(),
            iteration,
            job: index,
            output: (*output).to_owned(),
        }));
    }

    /// The policies that nobody needs once the iteration at hand is done: the newest of each output that is carried, so many
    /// before it, and the best stay.
    pub(crate) fn had_their_use(&mut self, made: &[Option<Outputs>]) -> Vec<Arc<Policy>> {
        let keep = usize::try_from(self.control.looping.keep).unwrap_or(usize::MAX);
        let handed = std::mem::take(&mut self.handed);
        // What was judged; else what was made in the iteration of the judgement.
        let is_judged = |one: &Handed| {
            let reads = self.best.iter().flat_map(|best| &best.reads);
            reads.into_iter().any(|(job, output)| (*job, output) == (one.job, &one.output))
        };
        let any_judged = handed.iter().any(is_judged);
        let best = self.best.as_ref().map(|best| best.iteration);
        let is_best = |one: &Handed| if any_judged { is_judged(one) } else { Some(one.iteration) == best };
        let newer = |one: &Handed| {
            let of_same = |other: &&Handed| {
                (&other.stage, &other.output) == (&one.stage, &one.output) && other.iteration > one.iteration
            };
            handed.iter().filter(of_same).count()
        };
        let stays: Vec<bool> = handed.iter().map(|one| newer(one) <= keep || is_best(one)).collect();
        let (stay, gone): (Vec<_>, Vec<_>) = handed.into_iter().zip(stays).partition(|(_, stays)| *stays);
        let stay: Vec<Handed> = stay.into_iter().map(|(one, _)| one).collect();
        let gone: Vec<Handed> = gone.into_iter().map(|(one, _)| one).collect();
        // Two iterations may have made one result.
        let places: Vec<PathBuf> = stay.iter().filter_map(|handed| Some(handed.policy(made)?.directory())).collect();
        self.handed = stay;
        let policies = gone.iter().filter_map(|handed| handed.policy(made));
        policies.filter(|policy| !places.contains(&policy.directory())).cloned().collect()
    }
}
