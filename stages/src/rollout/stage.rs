//! The stage: tasks of the environment, a few to a shard, and their episodes.

use std::sync::Arc;

use serde_json::json;
use sternlight_engine::contract::{Contract, Effect, Scope};
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{
    BuildContext, BuiltIn, Context, EnvironmentKind, EnvironmentTask, FaultyRecord, InputFile, Memo, PluginRequest,
    Receiver, ShardContent, Source, SourceShard, Stage, StageError, Survey, Work,
};
use sternlight_engine::trajectory::{TrajectoryBuilder, TrajectoryRow, TrajectorySchema, imported_schema};

use super::episode::{Actor, Attempt, count};
use super::options::RolloutOptions;
use super::script::Script;

/// Episodes of a shard, unless a single group has more. An instance of the environment lives for one shard.
const SHARD_EPISODES: u32 = 64;

/// The `rollout` stage.
pub struct Rollout {
    environment: Arc<dyn EnvironmentKind>,
    actor: Actor,
    /// As the pipeline names the environment.
    address: String,
    tasks: u32,
    group_size: u32,
}

impl BuiltIn for Rollout {
    type Options = RolloutOptions;

    const NAME: &'static str = "rollout";
    const SUMMARY: &'static str = "Acts in an environment and records the episodes";
    const DOCUMENTATION: &'static str = include_str!("rollout.md");
    const VERSION: u32 = 1;

    fn build(options: Self::Options, context: &BuildContext<'_>) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let numbers = [("tasks", options.tasks), ("group_size", options.group_size), ("max_turns", options.max_turns)];
        for (name, _) in numbers.into_iter().filter(|(_, number)| *number == 0) {
            problems.push(Problem::at([name], format!("`{name}` is 0, expected at least 1")));
        }
        let environment = environment(&options, context).map_err(|found| problems.extend(found)).ok();
        let script = Script::new(options.script).map_err(|found| problems.extend(found)).ok();
        let (Some(environment), Some(script), true) = (environment, script, problems.is_empty()) else {
            return Err(problems);
        };
        // No two stages of a pipeline draw the same numbers.
        let seed = blake3::hash(format!("rollout {} {}", context.seed, context.stage).as_bytes());
        let actor = Actor { script, max_turns: options.max_turns, seed, environment: environment.name().to_owned() };
        let RolloutOptions { env, tasks, group_size, .. } = options;
        Ok(Self { environment, actor, address: env.uses, tasks, group_size })
    }
}

fn environment(options: &RolloutOptions, context: &BuildContext<'_>) -> Result<Arc<dyn EnvironmentKind>, Vec<Problem>> {
    let env = &options.env;
    let Some(plugins) = context.plugins else {
        let problem = Problem::at(["env", "uses"], "environments are plugins, and this program was built without them");
        return Err(problem.help("build it with the feature `plugins`").into());
    };
    let request = PluginRequest {
        stage: context.stage,
        address: &env.uses,
        with: &env.with(),
        sha256: env.sha256.as_deref(),
        keep: None,
        limits: env.limits(),
        allow: &env.allow,
        seed: context.seed,
        directory: context.directory,
    };
    plugins.environment(&request).map_err(|mut problems| {
        problems.iter_mut().for_each(|problem| problem.path.insert(0, "env".into()));
        problems
    })
}

impl Stage for Rollout {
    fn contract(&self, _: &TrajectorySchema) -> Result<Contract, Vec<Problem>> {
        Ok(Contract { reads: Vec::new(), scope: Scope::Trajectory, effect: Effect::Source(imported_schema()) })
    }

    fn files(&self) -> Vec<InputFile> {
        // What it is, wherever it lies.
        vec![InputFile { name: "environment".to_owned(), digest: self.environment.digest() }]
    }

    fn not_reproducible(&self) -> Vec<String> {
        self.environment.not_reproducible()
    }

    fn work(&self) -> Work<'_> {
        Work::Source(self)
    }
}

impl Source for Rollout {
    fn survey(&self, _: &dyn Memo) -> Result<Survey, StageError> {
        let [a, b, c, d, ..] = *self.actor.seed.as_bytes();
        let tasks = self.environment.start()?.tasks(self.tasks, u32::from_le_bytes([a, b, c, d]))?;
        let mut warnings = Vec::new();
        if tasks.len() < self.tasks as usize {
            warnings.push(format!("`{}` has {} of the {} tasks asked for", self.address, tasks.len(), self.tasks));
        }
        let of_a_shard = (SHARD_EPISODES / self.group_size).max(1) as usize;
        let mut first = 0;
        let shards = tasks.chunks(of_a_shard).map(|tasks| {
            let last = first + tasks.len() - 1;
            let label = match tasks.len() {
                1 => format!("task {first}"),
                _ => format!("tasks {first}-{last}"),
            };
            first = last + 1;
            let mut digest = blake3::Hasher::new();
            for EnvironmentTask { id, data, seed } in tasks {
                digest.update(json!([id, data, seed]).to_string().as_bytes()).update(b"\n");
            }
            let key = vec![
                ("tasks".to_owned(), digest.finalize().to_hex().to_string()),
                ("seed".to_owned(), self.actor.seed.to_hex().to_string()),
            ];
            SourceShard { label, key, stream: None, content: ShardContent::Decoded(Arc::new(tasks.to_vec())) }
        });
        Ok(Survey { shards: shards.collect(), warnings })
    }

    fn read(&self, survey: &Survey, shards: &[usize], receiver: &mut dyn Receiver) -> Result<(), StageError> {
        for shard in shards {
            let content = survey.shards.get(*shard).map(|shard| &shard.content);
            let Some(ShardContent::Decoded(tasks)) = content else { continue };
            let Some(tasks) = tasks.downcast_ref::<Vec<EnvironmentTask>>() else { continue };
            let attempts =
                tasks.iter().flat_map(|task| (0..self.group_size).map(move |sample| Attempt { task, sample }));
            self.play(&attempts.collect::<Vec<_>>(), *shard, receiver)?;
        }
        Ok(())
    }
}

impl Rollout {
    /// Hands over the rows of some attempts. What the environment fails over is found by halves, each on a fresh
    /// instance, so that the other episodes are not lost with it.
    fn play(&self, attempts: &[Attempt<'_>], shard: usize, receiver: &mut dyn Receiver) -> Result<(), StageError> {
        let played = self.environment.start().and_then(|mut environment| self.actor.play(&mut *environment, attempts));
        match (played, attempts) {
            (Ok(rows), _) => hand_over(&rows, shard, receiver),
            (Err(error), [attempt]) => {
                let EnvironmentTask { id, data, seed } = attempt.task;
                let raw = json!({ "task": id, "data": data, "seed": seed, "sample": attempt.sample }).to_string();
                let error = error.trajectory(attempt.id());
                receiver.faulty(shard, FaultyRecord { error, place: format!("task {id}"), raw })
            }
            (Err(_), attempts) => {
                let (left, right) = attempts.split_at(attempts.len() / 2);
                self.play(left, shard, receiver)?;
                self.play(right, shard, receiver)
            }
        }
    }
}

fn hand_over(rows: &[TrajectoryRow], shard: usize, receiver: &mut dyn Receiver) -> Result<(), StageError> {
    let (mut builder, mut context) = (TrajectoryBuilder::new(), Context::default());
    for row in rows {
        builder.push(row);
        count(row, &mut context.metrics);
    }
    receiver.rows(shard, builder.finish()?, context)
}
