//! An environment that is a plugin: tasks, and episodes side by side in one instance. Who acts in it is not its concern.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sternlight_engine::stage::{
    self, Context, EnvironmentKind, EnvironmentTask as Task, EpisodeStart as Start, EpisodeStep as Step, PluginLimits,
    StageError,
};

use crate::bindings::exports::sternlight::plugin::environment_stage::{self, Move, TaskParam};
use crate::fault::Fault;
use crate::figures::Figures;
use crate::guest::Guest;
use crate::limits::Limits;
use crate::loader::Plugins;
use crate::options::problems;
use crate::plugin::Plugin;
use crate::said;
use crate::text;
use crate::world::World;

/// Longer names of tasks are no names.
const ID_BYTES: usize = 256;

/// A running environment. After an error it is of no use: its episodes are lost.
pub struct Environment {
    guest: Guest,
    plugin: Arc<Plugin>,
    /// For messages: the stage that acts.
    stage: String,
    figures: Figures,
    /// What it said and counted, until somebody asks.
    said: Context,
    /// What to do about the fault that ended it.
    help: Option<String>,
    /// The most memory that an instance had.
    held: Arc<AtomicU64>,
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
        if let Some(problem) = problems(schema, options)?.first() {
            return Err(format!("{title}: {}", problem.message));
        }
        let (plugin, options, held) = (Arc::clone(plugin), options.to_string(), Arc::default());
        let stage = plugin.description.name.clone();
        let not_reproducible = Vec::new();
        let kind = EnvironmentPlugin { plugin, options, limits, digest: String::new(), not_reproducible, stage, held };
        kind.instance().map_err(|error| error.message)
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
        let is_name = |id: &str| !id.is_empty() && id.len() <= ID_BYTES && !id.chars().any(char::is_control);
        if let Some(task) = tasks.iter().find(|task| !is_name(&task.id)) {
            let id = text::printable_name(&task.id);
            return Err(self.told(&format!("`{id}` is no name of a task: expected a short text that can be printed")));
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

    fn error(&mut self, fault: &Fault) -> String {
        self.help = fault.help();
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
    /// The stage that acts.
    pub(crate) stage: String,
    /// The most memory that an instance had, in bytes.
    pub(crate) held: Arc<AtomicU64>,
}

impl EnvironmentPlugin {
    fn instance(&self) -> Result<Environment, StageError> {
        let title = self.plugin.title();
        let told = |fault: Fault| {
            let error = StageError::new(format!("{title}: {fault}"));
            StageError { help: fault.help(), ..error }
        };
        let mut guest = Guest::start(&self.plugin, self.limits).map_err(told)?;
        guest
            .configure(&self.options)
            .map_err(told)?
            .map_err(|reason| StageError::new(format!("{title}: {}", text::reason(&reason))))?;
        Ok(Environment {
            guest,
            plugin: Arc::clone(&self.plugin),
            stage: self.stage.clone(),
            figures: Figures::default(),
            said: Context::default(),
            help: None,
            held: Arc::clone(&self.held),
        })
    }
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

    fn unchanged(&self) -> Result<(), StageError> {
        self.plugin.grants.unchanged()
    }

    fn start(&self) -> Result<Box<dyn stage::Environment>, StageError> {
        Ok(Box::new(self.instance()?))
    }

    fn held_bytes(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }
}

/// What a stage that acts counts itself.
fn is_own(name: &str) -> bool {
    ["trajectories", "turns", "reward", "success"].contains(&name) || name.starts_with("status.")
}

impl Environment {
    /// What came of a call, for a stage.
    fn heard<T>(&mut self, came: Result<T, String>) -> Result<T, StageError> {
        let plugin = self.plugin.description.name.as_str();
        said::pass_on(self.guest.state(), &self.stage, plugin, (&mut self.figures, &is_own), &mut self.said);
        self.held.fetch_max(self.guest.state().memory(), Ordering::Relaxed);
        came.map_err(|message| StageError { help: self.help.take(), ..StageError::new(message) })
    }
}

impl stage::Environment for Environment {
    fn tasks(&mut self, count: u32, seed: u32) -> Result<Vec<Task>, StageError> {
        let came = self.tasks(count, seed);
        self.heard(came)
    }

    fn reset(&mut self, episodes: &[(u32, &Task)]) -> Result<Vec<Result<Start, String>>, StageError> {
        let came = self.reset(episodes);
        self.heard(came)
    }

    fn step(&mut self, moves: &[(u32, &str)]) -> Result<Vec<Result<Step, String>>, StageError> {
        let came = self.step(moves);
        self.heard(came)
    }

    fn close(&mut self, episodes: &[u32]) -> Result<(), StageError> {
        let came = self.close(episodes);
        self.heard(came)
    }

    fn said(&mut self) -> Context {
        std::mem::take(&mut self.said)
    }
}
