//! The stage: tasks of the environment, a few to a shard, and their episodes.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;
use sternlight_engine::contract::{Contract, Effect, InputTypes, Scope};
use sternlight_engine::metrics::Metrics;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{
    BuildContext, BuiltIn, Context, Environment, EnvironmentKind, EnvironmentTask, FaultyRecord, InputFile, Memo,
    PluginRequest, Receiver, ShardContent, Source, SourceShard, Stage, StageError, Survey, TaskContext, Work,
};
use sternlight_engine::trajectory::{TrajectoryBuilder, TrajectoryRow, imported_schema};

use super::episode::{Actor, Attempt, count};
use super::options::RolloutOptions;
use super::script::Script;

/// Episodes of a shard, unless a single group has more. An instance of the environment lives for one shard.
const SHARD_EPISODES: u32 = 64;

/// Episodes of a large group that are played side by side.
const SIDE_BY_SIDE: usize = 256;

/// Rows that are handed over at once, in bytes.
const BATCH_BYTES: usize = 16 << 20;

/// The `rollout` stage.
pub struct Rollout {
    environment: Arc<dyn EnvironmentKind>,
    actor: Actor,
    /// As the pipeline names the environment.
    address: String,
    /// Where the environment, and what it may read, lie.
    inputs: Vec<PathBuf>,
    tasks: u32,
    group_size: u32,
}

impl BuiltIn for Rollout {
    type Options = RolloutOptions;

    const NAME: &'static str = "rollout";
    const SUMMARY: &'static str = "Acts in an environment and records the episodes";
    const DOCUMENTATION: &'static str = include_str!("rollout.md");
    const VERSION: u32 = 2;

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
        let (stage, name) = (context.stage.to_owned(), environment.name().to_owned());
        let actor = Actor { script, max_turns: options.max_turns, seed, environment: name, stage };
        let RolloutOptions { env, tasks, group_size, .. } = options;
        let inputs = PluginRequest::inputs_of(&env.uses, &env.allow, context.directory);
        Ok(Self { environment, actor, address: env.uses, inputs, tasks, group_size })
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
    fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
        Ok(Contract { reads: Vec::new(), scope: Scope::Trajectory, effect: Effect::Source(imported_schema()) })
    }

    fn files(&self) -> Vec<InputFile> {
        // What it is, wherever it lies.
        vec![InputFile { name: "environment".to_owned(), digest: self.environment.digest() }]
    }

    fn inputs(&self) -> Vec<PathBuf> {
        self.inputs.clone()
    }

    fn not_reproducible(&self) -> Vec<String> {
        self.environment.not_reproducible()
    }

    fn unchanged(&self) -> Result<(), StageError> {
        self.environment.unchanged()
    }

    fn work(&self) -> Work<'_> {
        Work::Source(self)
    }

    fn warnings(&self, metrics: &Metrics) -> Vec<String> {
        let (failed, all) = (metrics.counted(FAILED_EPISODES), metrics.counted("trajectories"));
        let some =
            (failed > 0).then(|| format!("{failed} of {all} episodes failed, and have no reward{}", first(metrics)));
        some.into_iter().collect()
    }

    fn outcome(&self, metrics: &Metrics, put_aside: u64) -> Result<(), StageError> {
        let (failed, played) = (metrics.counted(FAILED_EPISODES), metrics.counted("trajectories"));
        let all = played + put_aside;
        if all == 0 || failed < played {
            return Ok(());
        }
        let all = if all == 1 { "the only episode".to_owned() } else { format!("all {all} episodes") };
        Err(StageError::new(format!("{all} failed{}", first(metrics)))
            .help("nothing of them is kept: see to the environment or the script, then run again"))
    }
}

const FAILED_EPISODES: &str = "status.failed";

/// Why an episode failed, behind the number of its shard. For warnings alone.
const FIRST_ERROR: &str = ".first error ";

/// The longest error that is told.
const LONGEST_ERROR: usize = 200;

/// The first error of an episode, in words.
fn first(metrics: &Metrics) -> String {
    let errors = metrics.iter().filter_map(|(name, _)| name.strip_prefix(FIRST_ERROR)?.split_once(' '));
    errors.map(|(_, error)| format!("; the first: {error}")).next().unwrap_or_default()
}

impl Source for Rollout {
    fn help_for_lone_groups(&self) -> Option<&'static str> {
        Some("raise `group_size`")
    }

    fn held_bytes(&self, _: &Survey, _: &[usize]) -> u64 {
        self.environment.held_bytes()
    }

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

    fn read(
        &self,
        survey: &Survey,
        shards: &[usize],
        task: &TaskContext<'_>,
        receiver: &mut dyn Receiver,
    ) -> Result<(), StageError> {
        for shard in shards {
            let content = survey.shards.get(*shard).map(|shard| &shard.content);
            let Some(ShardContent::Decoded(tasks)) = content else { continue };
            let Some(tasks) = tasks.downcast_ref::<Vec<EnvironmentTask>>() else { continue };
            let attempts =
                tasks.iter().flat_map(|task| (0..self.group_size).map(move |sample| Attempt { task, sample }));
            let attempts: Vec<Attempt<'_>> = attempts.collect();
            let mut environment = None;
            for attempts in attempts.chunks(SIDE_BY_SIDE) {
                self.play(&mut environment, attempts, *shard, (task, receiver))?;
            }
        }
        Ok(())
    }
}

impl Rollout {
    /// Hands over the rows of some attempts. What the environment fails over is found by halves, each on a fresh
    /// instance, so that the other episodes are not lost with it.
    fn play(
        &self,
        running: &mut Option<Box<dyn Environment>>,
        attempts: &[Attempt<'_>],
        shard: usize,
        (task, receiver): (&TaskContext<'_>, &mut dyn Receiver),
    ) -> Result<(), StageError> {
        let mut environment = match running.take() {
            Some(environment) => environment,
            None => self.environment.start()?,
        };
        let played = self.actor.play(&mut *environment, attempts, &|| task.check());
        match (played, attempts) {
            (Ok(rows), _) => {
                hand_over(rows, environment.said(), shard, receiver)?;
                *running = Some(environment);
                Ok(())
            }
            // Asked to stop, or the same may work later: no episode is to blame.
            (Err(error), _) if error.may_pass || task.check().is_err() => Err(error),
            (Err(error), [attempt]) => {
                let EnvironmentTask { id, data, seed } = attempt.task;
                let raw = json!({ "task": id, "data": data, "seed": seed, "sample": attempt.sample }).to_string();
                let episode = self.actor.episode_id(attempt);
                let place = format!("episode {episode}");
                receiver.faulty(shard, FaultyRecord { error: error.trajectory(episode), place, raw })
            }
            (Err(_), attempts) => {
                let (left, right) = attempts.split_at(attempts.len() / 2);
                self.play(running, left, shard, (task, &mut *receiver))?;
                // What one half did must not matter to the other.
                *running = None;
                self.play(running, right, shard, (task, receiver))
            }
        }
    }
}

/// Hands rows over in batches, the first with what the environment said.
fn hand_over(
    rows: Vec<TrajectoryRow>,
    said: Context,
    shard: usize,
    receiver: &mut dyn Receiver,
) -> Result<(), StageError> {
    let (mut builder, mut context) = (TrajectoryBuilder::new(), said);
    if let Some(error) = rows.iter().find_map(|row| row.error.as_deref()) {
        let error: String = error.chars().take(LONGEST_ERROR).collect();
        context.metrics.count(format!("{FIRST_ERROR}{shard:09} {error}"), 1);
    }
    for row in rows {
        count(&row, &mut context.metrics);
        builder.push(&row);
        if builder.bytes() >= BATCH_BYTES {
            receiver.rows(shard, builder.finish()?, std::mem::take(&mut context))?;
        }
    }
    match builder.rows() {
        0 => Ok(()),
        _ => receiver.rows(shard, builder.finish()?, context),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sternlight_engine::stage::{Built, EpisodeStart, EpisodeStep, PluginLoader, Registry, StageKind};
    use sternlight_engine::trajectory::TrajectoryBatch;

    use super::*;

    /// An environment of so many tasks, of which one breaks the whole instance.
    #[derive(Clone)]
    struct Fragile {
        breaks: &'static str,
    }

    impl Environment for Fragile {
        fn tasks(&mut self, count: u32, seed: u32) -> Result<Vec<EnvironmentTask>, StageError> {
            let task = |name: char| EnvironmentTask { id: name.to_string(), data: "{}".to_owned(), seed };
            Ok(('a'..='e').take(count as usize).map(task).collect())
        }

        fn reset(
            &mut self,
            episodes: &[(u32, &EnvironmentTask)],
        ) -> Result<Vec<Result<EpisodeStart, String>>, StageError> {
            match episodes.iter().any(|(_, task)| task.id == self.breaks) {
                true => Err(StageError::new("it fell apart")),
                false => {
                    Ok(vec![Ok(EpisodeStart { prompt: String::new(), observation: String::new() }); episodes.len()])
                }
            }
        }

        fn step(&mut self, moves: &[(u32, &str)]) -> Result<Vec<Result<EpisodeStep, String>>, StageError> {
            let step = EpisodeStep { observation: String::new(), reward: 1.0, done: false, success: None };
            Ok(vec![Ok(step); moves.len()])
        }

        fn close(&mut self, _: &[u32]) -> Result<(), StageError> {
            Ok(())
        }
    }

    impl EnvironmentKind for Fragile {
        fn name(&self) -> &str {
            "fragile"
        }

        fn digest(&self) -> String {
            String::new()
        }

        fn start(&self) -> Result<Box<dyn Environment>, StageError> {
            Ok(Box::new(self.clone()))
        }
    }

    impl PluginLoader for Fragile {
        fn load(&self, _: &PluginRequest<'_>) -> Result<Built, Vec<Problem>> {
            Err(Vec::new())
        }

        fn environment(&self, _: &PluginRequest<'_>) -> Result<Arc<dyn EnvironmentKind>, Vec<Problem>> {
            Ok(Arc::new(self.clone()))
        }
    }

    struct NoMemo;

    impl Memo for NoMemo {
        fn get(&self, _: &str) -> Option<Vec<u8>> {
            None
        }

        fn put(&self, _: &str, _: &[u8]) {}
    }

    /// What comes out: ids of rows, and what is said of each faulty record.
    #[derive(Default)]
    struct Found {
        rows: Vec<String>,
        faulty: Vec<String>,
    }

    impl Receiver for Found {
        fn rows(&mut self, _: usize, batch: TrajectoryBatch, _: Context) -> Result<(), StageError> {
            self.rows.extend((0..batch.rows()).map(|row| batch.name_of(row)));
            Ok(())
        }

        fn faulty(&mut self, _: usize, record: FaultyRecord) -> Result<(), StageError> {
            self.faulty.push(format!("{} ({}): {}", record.error, record.place, record.raw));
            Ok(())
        }
    }

    #[test]
    fn episodes_that_failed_are_told_and_all_of_them_are_an_error() {
        let registry = Registry::new([StageKind::of::<Rollout>()]).with_plugins(Arc::new(Fragile { breaks: "c" }));
        let here = Path::new("");
        let context = BuildContext { stage: "try", plugins: registry.plugins(), ..BuildContext::new(here, here) };
        let with = "{env: {uses: ./x.wasm}, script: [{act: [go]}], tasks: 9}";
        let stage =
            registry.get("rollout").unwrap().build(serde_yaml::from_str(with).unwrap(), &context).ok().unwrap().stage;
        let mut metrics = Metrics::default();
        let mut said = |counts: &[(&str, u64)], aside| {
            counts.iter().for_each(|(name, by)| metrics.count(name, *by));
            let outcome = stage.outcome(&metrics, aside).err().map(|error| error.to_string()).unwrap_or_default();
            format!("[{}] [{outcome}]", stage.warnings(&metrics).join(""))
        };
        insta::assert_snapshot!(said(&[], 0), @"[] []");
        insta::assert_snapshot!(said(&[], 3), @"[] [all 3 episodes failed]");
        insta::assert_snapshot!(
            said(&[("trajectories", 2), ("status.failed", 2), (".first error 000000001 turn 0: no", 1)], 0),
            @"[2 of 2 episodes failed, and have no reward; the first: turn 0: no] [all 2 episodes failed; the first: turn 0: no]"
        );
        insta::assert_snapshot!(
            said(&[("trajectories", 1), (".first error 000000000 it could not begin", 1)], 5),
            @"[2 of 3 episodes failed, and have no reward; the first: it could not begin] []"
        );
    }

    #[test]
    fn what_breaks_the_environment_is_found_and_the_rest_comes_through() {
        let registry = Registry::new([StageKind::of::<Rollout>()]).with_plugins(Arc::new(Fragile { breaks: "c" }));
        let here = Path::new("");
        let context = BuildContext { stage: "try", plugins: registry.plugins(), ..BuildContext::new(here, here) };
        let with = "{env: {uses: ./x.wasm}, script: [{act: [go]}], tasks: 9, group_size: 2, max_turns: 2}";
        let built = registry.get("rollout").unwrap().build(serde_yaml::from_str(with).unwrap(), &context).ok().unwrap();
        let Work::Source(source) = built.stage.work() else { panic!("a rollout is a source") };
        let survey = source.survey(&NoMemo).unwrap();
        assert_eq!(survey.warnings, ["`./x.wasm` has 5 of the 9 tasks asked for"]);
        let mut found = Found::default();
        source.read(&survey, &[0], &TaskContext::alone(), &mut found).unwrap();
        assert_eq!(
            found.rows,
            ["try/a/0", "try/a/1", "try/b/0", "try/b/1", "try/d/0", "try/d/1", "try/e/0", "try/e/1"]
        );
        let seed = found.faulty[0].split_once(r#""seed":"#).unwrap().1.split(',').next().unwrap().to_owned();
        let told = found.faulty.join("\n").replace(&seed, "SEED");
        insta::assert_snapshot!(told, @r#"
        trajectory `try/c/0`: it fell apart (episode try/c/0): {"task":"c","data":"{}","seed":SEED,"sample":0}
        trajectory `try/c/1`: it fell apart (episode try/c/1): {"task":"c","data":"{}","seed":SEED,"sample":1}
        "#);
    }
}
