//! Policies that a loop has released: their files are gone from the store, what is known of them stays. One that is needed
//! after all is made again, from what its result was made of.

use std::sync::Arc;

use super::engine::{Engine, Outputs};
use super::executor::ExecutorContext;
use super::job::Job;
use super::scope::RunScope;
use super::shapes::cut;
use super::stage_run::StageRun;
use crate::artifact::Artifact;
use crate::event::Event;
use crate::stage::StageError;

/// Tells what happens.
type Tell<'a> = dyn Fn(Event) -> Result<(), StageError> + Sync + 'a;

impl Engine<'_> {
    /// Makes policies that a job reads and that were released again, and what they need, first.
    pub(crate) fn make_again(
        &self,
        jobs: &[Job<'_>],
        job: &Job<'_>,
        made: &mut [Option<Outputs>],
        (scope, plan, tell): (&RunScope<'_>, &std::path::Path, &Tell<'_>),
    ) -> Result<(), StageError> {
        for input in &job.inputs {
            let outputs = made.get(input.job).and_then(Option::as_ref);
            let found = outputs.and_then(|outputs| outputs.iter().find(|(name, _)| *name == input.output));
            let Some((_, Artifact::Policy(policy))) = found else { continue };
            let policy = Arc::clone(policy);
            if !policy.is_released() {
                continue;
            }
            let producer = jobs.get(input.job).ok_or_else(|| StageError::new("nothing makes what a job reads"))?;
            self.make_again(jobs, producer, made, (scope, plan, tell))?;
            let inputs = self.inputs_of(producer, made)?;
            let run = self.run_id.unwrap_or_default();
            for part in cut(producer, inputs.clone(), (self.store, run), self.options)?.parts {
                self.store.forget(&part.key)?;
            }
            let work = cut(producer, inputs, (self.store, run), self.options)?;
            let stage_run = StageRun::new(scope, producer, &work);
            let context = ExecutorContext {
                plan,
                interrupted: &self.options.interrupted,
                carry_out: &|task| stage_run.carry_out(task, tell),
                tell,
            };
            let commits = stage_run.run(&super::executor::Local, &context);
            stage_run.end();
            let finished = self.finish(producer, &work, &commits?)?;
            let again = finished.outputs.iter().find(|(name, _)| *name == input.output);
            match again {
                Some((_, Artifact::Policy(again))) if again.digest() == policy.digest() => {
                    if let Some(place) = made.get_mut(input.job) {
                        *place = Some(finished.outputs);
                    }
                }
                _ => {
                    let message = format!(
                        "the policy of `{}`, which was released, came out otherwise when it was made again",
                        producer.name
                    );
                    return Err(StageError::new(message)
                        .help("a stage that trains must give the same bytes each time; raise `keep` so that it need not be asked twice"));
                }
            }
        }
        Ok(())
    }
}
