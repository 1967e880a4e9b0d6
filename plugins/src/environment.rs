//! An environment that is a plugin: tasks, and episodes side by side in one instance. Who acts in it is not its concern;
//! no stage does yet.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use sternlight_engine::stage::PluginLimits;

use crate::bindings::exports::sternlight::plugin::environment_stage::{self, Move, TaskParam};
use crate::fault::Fault;
use crate::guest::Guest;
use crate::limits::Limits;
use crate::loader::Plugins;
use crate::options::{problems, validator};
use crate::plugin::Plugin;
use crate::text;
use crate::world::World;

/// Something to do in an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its name, unlike that of any other task.
    pub id: String,
    /// JSON, the environment's own.
    pub data: String,
    /// Where its randomness comes from.
    pub seed: u32,
}

/// How an episode begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// What is to be done.
    pub prompt: String,
    /// What is seen first.
    pub observation: String,
}

/// What came of an action.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What is seen next.
    pub observation: String,
    /// The immediate reward, finite.
    pub reward: f32,
    /// Whether the episode is over.
    pub done: bool,
    /// Whether the task is done, once that is known.
    pub success: Option<bool>,
}

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
        let plugin = plugins.open(path, limits)?;
        let title = plugin.title();
        if plugin.world != World::Environment {
            return Err(format!("{title} is of the world `{}`, expected `environment`", plugin.world));
        }
        let schema = &plugin.description.schema;
        if let Some(problem) = problems(&validator(schema)?, schema, options).first() {
            return Err(format!("{title}: {}", problem.message));
        }
        let told = |fault: Fault| format!("{title}: {fault}");
        let mut guest = Guest::start(&plugin, limits).map_err(told)?;
        match guest.configure(&options.to_string()).map_err(told)? {
            Ok(_) => Ok(Self { guest, plugin }),
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
        let start = |start: Result<_, String>| match start {
            Ok(start) => Ok(Start::from(start)),
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
        let step = |step: Result<_, String>| match step.map(Step::from) {
            Ok(step) if step.reward.is_finite() => Ok(step),
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

impl From<environment_stage::Start> for Start {
    fn from(start: environment_stage::Start) -> Self {
        Self { prompt: start.prompt, observation: start.observation }
    }
}

impl From<environment_stage::StepResult> for Step {
    fn from(step: environment_stage::StepResult) -> Self {
        Self { observation: step.observation, reward: step.reward, done: step.done, success: step.success }
    }
}
