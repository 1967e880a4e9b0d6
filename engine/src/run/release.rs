//! Policies that a loop has released: their files are gone from the store, what is known of them stays. One that is needed
//! after all is made again, from what its result was made of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::engine::Engine;
use super::executor::ExecutorContext;
use super::job::{Job, JobInput};
use super::scope::MakingAgain;
use super::shape::Outputs;
use super::shapes::cut;
use super::stage_run::StageRun;
use crate::artifact::{Artifact, Policy};
use crate::stage::StageError;

/// The policy that an input reads, if it is one.
fn policy_of<'a>(input: &JobInput, made: &'a [Option<Outputs>]) -> Option<&'a Arc<Policy>> {
    let outputs = made.get(input.job)?.as_ref()?;
    match outputs.iter().find(|(name, _)| *name == input.output) {
        Some((_, Artifact::Policy(policy))) => Some(policy),
        _ => None,
    }
}

impl Engine<'_> {
    /// Makes policies that a job reads and that were released again, after whatever they need themselves. Of those that were
    /// made on the way only, none stays longer than it is read.
    pub(crate) fn make_again(
        &self,
        jobs: &[Job<'_>],
        index: usize,
        made: &mut [Option<Outputs>],
        again: &MakingAgain<'_>,
    ) -> Result<(), StageError> {
        let Some(job) = jobs.get(index) else { return Ok(()) };
        let released = |job: &Job<'_>, made: &[Option<Outputs>]| -> Vec<usize> {
            let is_gone = |input: &&JobInput| policy_of(input, made).is_some_and(|policy| policy.is_released());
            job.inputs.iter().filter(is_gone).map(|input| input.job).collect()
        };
        let mut needed: BTreeSet<usize> = BTreeSet::new();
        let mut open = released(job, made);
        while let Some(producer) = open.pop() {
            if needed.insert(producer) {
                open.extend(jobs.get(producer).into_iter().flat_map(|job| released(job, made)));
            }
        }
        let last_reader: BTreeMap<usize, usize> = needed
            .iter()
            .flat_map(|reader| {
                jobs.get(*reader)
                    .into_iter()
                    .flat_map(move |job| job.inputs.iter().map(move |input| (input.job, *reader)))
            })
            .collect();
        // Jobs come behind those whose outputs they read.
        for producer in &needed {
            let Some(of) = jobs.get(*producer) else { continue };
            self.make_one_again(of, *producer, made, again)?;
            for input in of.inputs.iter().filter(|input| needed.contains(&input.job)) {
                let is_read_here = job.inputs.iter().any(|own| own.job == input.job);
                if last_reader.get(&input.job) == Some(producer)
                    && !is_read_here
                    && let Some(policy) = policy_of(input, made)
                {
                    self.store.release(policy, again.run_id)?;
                }
            }
        }
        Ok(())
    }

    fn make_one_again(
        &self,
        job: &Job<'_>,
        index: usize,
        made: &mut [Option<Outputs>],
        MakingAgain { scope, plan, run_id, tell }: &MakingAgain<'_>,
    ) -> Result<(), StageError> {
        let inputs = self.inputs_of(job, made)?;
        for part in cut(job, inputs.clone(), (self.store, run_id), self.options)?.parts {
            self.store.forget(&part.key)?;
        }
        let work = cut(job, inputs, (self.store, run_id), self.options)?;
        let stage_run = StageRun::new(scope, job, &work);
        let context = ExecutorContext {
            plan,
            interrupted: &self.options.interrupted,
            carry_out: &|task| stage_run.carry_out(task, *tell),
            tell: *tell,
        };
        let commits = stage_run.run(self.executor, &context);
        stage_run.end();
        let finished = self.finish(job, &work, &commits?)?;
        let digests = |outputs: &Outputs| -> Vec<(String, String)> {
            let policies = outputs.iter().filter_map(|(name, artifact)| match artifact {
                Artifact::Policy(policy) => Some((name.clone(), policy.digest())),
                _ => None,
            });
            policies.collect()
        };
        let place = made.get_mut(index);
        if place.as_ref().and_then(|place| place.as_ref()).map(digests) != Some(digests(&finished.outputs)) {
            let message =
                format!("the policy of `{}`, which was released, came out otherwise when it was made again", job.name);
            return Err(StageError::new(message).help(
                "a stage that trains must give the same bytes each time; raise `keep` so that it need not be asked twice",
            ));
        }
        place.into_iter().for_each(|place| *place = Some(finished.outputs.clone()));
        Ok(())
    }
}
