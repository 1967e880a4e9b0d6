//! An environment that is a plugin: tasks, and episodes side by side in one instance. Who acts in it is not its concern.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use sternlight_engine::stage::{
    self, EnvironmentKind, EnvironmentTask as Task, EpisodeStart as Start, EpisodeStep as Step, PluginLimits,
    StageError,
};

use crate::bindings::exports::sternlight::plugin::environment_stage::{self, Move, TaskParam};
use crate::fault::Fault;
use crate::guest::Guest;
use crate::limits::Limits;
use crate::loader::Plugins;
use crate::options::{problems, validator};
use crate::plugin::Plugin;
use crate::text;
use crate::world::World;

/// A running environment. After an error it is of no use: its episodes are lost.
pub struct Environment {
    guest: Guest,
    plugin: Arc<Plugin>,
}

impl Environment {
    /// Starts the environment in a file, with its options.
    ///
    /// # Errors
    /// If it is no environment, or cannot take the options.
    pub fn start(
        plugins: &Plugins,
        path: &Path,
        options: &serde_json::Value,
        limits: PluginLimits,
    ) -> Result<Self, String> {
        let limits = Limits::from(limits);
        Self::configured(&plugins.open(path, limits)?, options, limits)
    }

    /// Starts the environment of a plugin, with its options.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub(crate) fn configured(
        plugin: &Arc<Plugin>,
        options: &serde_json::Value,
        limits: Limits,
    ) -> Result<Self, String> {
        let title = plugin.title();
        if plugin.world != World::Environment {
            return Err(format!("{title} is of the world `{}`, expected `environment`", plugin.world));
        }
        let schema = &plugin.description.schema;
        if let Some(problem) = problems(&validator(schema)?, schema, options).first() {
            return Err(format!("{title}: {}", problem.message));
        }
        Self::instance(plugin, &options.to_string(), limits)
    }

    /// A fresh instance, with options that are JSON.
    fn instance(plugin: &Arc<Plugin>, options: &str, limits: Limits) -> Result<Self, String> {
        let title = plugin.title();
        let told = |fault: Fault| format!("{title}: {fault}");
        let mut guest = Guest::start(plugin, limits).map_err(told)?;
        match guest.configure(options).map_err(told)? {
            Ok(_) => Ok(Self { guest, plugin: Arc::clone(plugin) }),
            Err(reason) => Err(format!("{title}: {}", text::reason(&reason))),
        }
    }

    /// Its tasks, as many as asked for at most; the same for the same seed.
    ///
    /// # Errors
    /// If it has none, or two of one name.
    pub fn tasks(&mut self, count: u32, seed: u32) -> Result<Vec<Task>, String> {
        let told = self.guest.tasks(count, seed).map_err(|fault| self.error(&fault))?;
        let tasks = told.map_err(|reason| self.told(&text::reason(&reason)))?;
        if tasks.len() > count as usize {
            return Err(self.told(&format!("it gave {} tasks, asked for {count}", tasks.len())));
        }
        let mut ids = BTreeSet::new();
        if let Some(task) = tasks.iter().find(|task| !ids.insert(task.id.as_str())) {
            return Err(self.told(&format!("two of its tasks are called `{}`", text::printable_name(&task.id))));
        }
        Ok(tasks.into_iter().map(|task| Task { id: task.id, data: task.data, seed: task.seed }).collect())
    }

    /// Begins episodes, each under a number of the caller's: how each begins, or why it cannot.
    ///
    /// # Errors
    /// If the plugin fails as a whole.
    pub fn reset(&mut self, episodes: &[(u32, &Task)]) -> Result<Vec<Result<Start, String>>, String> {
        let tasks: Vec<(u32, TaskParam<'_>)> = episodes
            .iter()
            .map(|(episode, Task { id, data, seed })| (*episode, TaskParam { id, data, seed: *seed }))
            .collect();
        let starts = self.guest.reset(&tasks).map_err(|fault| self.error(&fault))?;
        self.check_count(starts.len(), episodes.len())?;
        let start = |start: Result<environment_stage::Start, String>| match start {
            Ok(start) => Ok(Start { prompt: start.prompt, observation: start.observation }),
            Err(reason) => Err(text::reason(&reason)),
        };
        Ok(starts.into_iter().map(start).collect())
    }

    /// One action in each of some episodes: what came of it, or why nothing did.
    ///
    /// # Errors
    /// If the plugin fails as a whole.
    pub fn step(&mut self, moves: &[(u32, &str)]) -> Result<Vec<Result<Step, String>>, String> {
        let moves: Vec<Move<'_>> = moves.iter().map(|(episode, action)| Move { episode: *episode, action }).collect();
        let steps = self.guest.step(&moves).map_err(|fault| self.error(&fault))?;
        self.check_count(steps.len(), moves.len())?;
        let step = |step: Result<environment_stage::StepResult, String>| match step {
            Ok(environment_stage::StepResult { observation, reward, done, success }) if reward.is_finite() => {
                Ok(Step { observation, reward, done, success })
            }
            Ok(step) => Err(format!("the reward is {}, expected a finite number", step.reward)),
            Err(reason) => Err(text::reason(&reason)),
        };
        Ok(steps.into_iter().map(step).collect())
    }

    /// Ends episodes: the environment forgets them.
    ///
    /// # Errors
    /// If the plugin fails.
    pub fn close(&mut self, episodes: &[u32]) -> Result<(), String> {
        self.guest.close(episodes).map_err(|fault| self.error(&fault))
    }

    fn check_count(&self, found: usize, expected: usize) -> Result<(), String> {
        match found == expected {
            true => Ok(()),
            false => Err(self.told(&format!("it returned {found} results for {expected} episodes"))),
        }
    }

    fn error(&self, fault: &Fault) -> String {
        self.told(&fault.to_string())
    }

    fn told(&self, text: &str) -> String {
        format!("{}: {text}", self.plugin.title())
    }
}

/// A configured environment, for stages.
pub(crate) struct EnvironmentPlugin {
    pub(crate) plugin: Arc<Plugin>,
    /// Its options, as JSON.
    pub(crate) options: String,
    pub(crate) limits: Limits,
    pub(crate) digest: String,
    pub(crate) not_reproducible: Vec<String>,
}

impl EnvironmentKind for EnvironmentPlugin {
    fn name(&self) -> &str {
        &self.plugin.description.name
    }

    fn digest(&self) -> String {
        self.digest.clone()
    }

    fn not_reproducible(&self) -> Vec<String> {
        self.not_reproducible.clone()
    }

    fn start(&self) -> Result<Box<dyn stage::Environment>, StageError> {
        let instance = Environment::instance(&self.plugin, &self.options, self.limits).map_err(StageError::new)?;
        Ok(Box::new(instance))
    }
}

impl stage::Environment for Environment {
    fn tasks(&mut self, count: u32, seed: u32) -> Result<Vec<Task>, StageError> {
        self.tasks(count, seed).map_err(StageError::new)
    }

    fn reset(&mut self, episodes: &[(u32, &Task)]) -> Result<Vec<Result<Start, String>>, StageError> {
        self.reset(episodes).map_err(StageError::new)
    }

    fn step(&mut self, moves: &[(u32, &str)]) -> Result<Vec<Result<Step, String>>, StageError> {
        self.step(moves).map_err(StageError::new)
    }

    fn close(&mut self, episodes: &[u32]) -> Result<(), StageError> {
        self.close(episodes).map_err(StageError::new)
    }
}
