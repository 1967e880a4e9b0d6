//! Which stages of a run can be expected to come out again. What depends on the world outside is not computed again, nor is
//! what comes after it: other results would show nothing, and computing might cost or change something out there.

use crate::run::{Job, JobInput};

/// A stage that is not computed again.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct NotRepeated {
    /// The stage.
    pub stage: String,
    /// What of the world outside its results depend on; nothing for a stage that comes after such a one.
    pub because: Vec<String>,
}

/// The jobs, which must be in topological order, that can be expected to come out again; and the others.
pub fn repeatable(jobs: Vec<Job<'_>>) -> (Vec<Job<'_>>, Vec<NotRepeated>) {
    let mut kept = Vec::with_capacity(jobs.len());
    let mut left = Vec::new();
    // For each job, its place among those that are kept.
    let mut places: Vec<Option<usize>> = Vec::with_capacity(jobs.len());
    for job in jobs {
        let because = job.stage.not_reproducible();
        let kept_input = |input: &JobInput| {
            let job = places.get(input.job).copied().flatten()?;
            Some(JobInput { job, ..input.clone() })
        };
        let inputs: Option<Vec<JobInput>> = job.inputs.iter().map(kept_input).collect();
        match inputs {
            Some(inputs) if because.is_empty() => {
                places.push(Some(kept.len()));
                kept.push(Job { inputs, ..job });
            }
            _ => {
                places.push(None);
                left.push(NotRepeated { stage: job.name.to_owned(), because });
            }
        }
    }
    (kept, left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Contract, Effect, InputTypes, Scope};
    use crate::failure::FailurePolicy;
    use crate::problem::Problem;
    use crate::stage::{Context, Output, Session, Stage, StageError, TaskContext, Transform, Work};
    use crate::trajectory::{TrajectoryBatch, TrajectorySchema};

    struct Looking(&'static [&'static str]);

    impl Stage for Looking {
        fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
            Ok(Contract { reads: Vec::new(), scope: Scope::Trajectory, effect: Effect::Subset })
        }

        fn work(&self) -> Work<'_> {
            Work::Transform(self)
        }

        fn not_reproducible(&self) -> Vec<String> {
            self.0.iter().map(|name| (*name).to_owned()).collect()
        }
    }

    impl Looking {
        fn apply(&self, _: &TrajectoryBatch, _: &mut Context) -> Result<Output, StageError> {
            Err(StageError::new("it is not called"))
        }
    }

    impl Transform for Looking {
        fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
            Ok(Box::new(|batch: &TrajectoryBatch, context: &mut Context| self.apply(batch, context)))
        }
    }

    fn job<'a>(name: &'a str, stage: &'a Looking, inputs: &[usize]) -> Job<'a> {
        let output = TrajectorySchema::empty();
        Job {
            name,
            uses: name,
            kind: name,
            version: 1,
            options: "{}",
            stage,
            inputs: inputs.iter().map(|job| JobInput::data(*job)).collect(),
            contract: stage.contract(&(&output).into()).unwrap(),
            output,
            cache: true,
            failure: FailurePolicy::default(),
            turn: None,
        }
    }

    #[test]
    fn what_comes_after_the_world_outside_is_left_out() {
        let (pure, timed) = (Looking(&[]), Looking(&["clock"]));
        let jobs = vec![
            job("import", &pure, &[]),
            job("timed", &timed, &[0]),
            job("after", &pure, &[1]),
            job("beside", &pure, &[0]),
            job("last", &pure, &[3, 0]),
        ];
        let (kept, left) = repeatable(jobs);
        let inputs = |job: &Job<'_>| job.inputs.iter().map(|input| input.job).collect::<Vec<_>>();
        let kept: Vec<_> = kept.iter().map(|job| (job.name, inputs(job))).collect();
        assert_eq!(kept, [("import", vec![]), ("beside", vec![0]), ("last", vec![1, 0])]);
        let left: Vec<_> = left.iter().map(|one| (one.stage.as_str(), one.because.join(","))).collect();
        assert_eq!(left, [("timed", "clock".to_owned()), ("after", String::new())]);
    }
}
