//! Environments: worlds in which agents act, several episodes side by side.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::reward::finite;
use crate::definition::{Definition, decode, schema};
use crate::error::{Error, Result};

/// A task of an environment.
#[derive(Clone, Debug, PartialEq)]
pub struct Task<D> {
    /// Its name, unique in the environment.
    pub id: String,
    /// The environment's own.
    pub data: D,
    /// What the episode's chance follows from.
    pub seed: u32,
}

/// How an episode begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// What the agent is told.
    pub prompt: String,
    /// What it sees first.
    pub observation: String,
}

/// What came of an action.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// What the agent sees next.
    pub observation: String,
    /// What the action was worth.
    pub reward: f32,
    /// Whether the episode is over.
    pub done: bool,
    /// Whether the agent reached its goal, once that is known.
    pub success: Option<bool>,
}

/// A world in which an agent acts; a value of it is one episode.
pub trait Environment: Sized + 'static {
    /// What the pipeline gives in `with`.
    type Config: DeserializeOwned + JsonSchema + 'static;
    /// What a task holds.
    type Data: Serialize + DeserializeOwned;

    /// The environment's tasks, as many as asked for, the same for the same seed.
    ///
    /// # Errors
    /// If there are none.
    fn tasks(count: u32, seed: u32, config: &Self::Config) -> Result<Vec<Task<Self::Data>>>;

    /// Begins an episode.
    ///
    /// # Errors
    /// If the task cannot be begun.
    fn reset(task: Task<Self::Data>, config: &Self::Config) -> Result<(Self, Start)>;

    /// Carries out an action. Not called after a step that was the last.
    ///
    /// # Errors
    /// If the episode cannot go on. What the agent did wrong is no error but an observation.
    fn step(&mut self, action: &str) -> Result<Step>;
}

/// A configured environment with the episodes under way.
pub trait Episodes {
    /// The tasks, their data as JSON.
    ///
    /// # Errors
    /// If the environment has none.
    fn tasks(&self, count: u32, seed: u32) -> Result<Vec<Task<String>>>;

    /// Begins an episode under a handle.
    ///
    /// # Errors
    /// If the environment cannot.
    fn reset(&mut self, handle: u32, task: Task<String>) -> Result<Start>;

    /// One step of an episode.
    ///
    /// # Errors
    /// If there is no such episode, or it is over, or the environment fails.
    fn step(&mut self, handle: u32, action: &str) -> Result<Step>;

    /// Forgets an episode.
    fn close(&mut self, handle: u32);
}

struct Running<E: Environment> {
    config: E::Config,
    /// `None`: over, but not closed.
    episodes: BTreeMap<u32, Option<E>>,
}

impl<E: Environment> Episodes for Running<E> {
    fn tasks(&self, count: u32, seed: u32) -> Result<Vec<Task<String>>> {
        let tasks = E::tasks(count, seed, &self.config)?.into_iter();
        tasks.map(|Task { id, data, seed }| Ok(Task { id, data: serde_json::to_string(&data)?, seed })).collect()
    }

    fn reset(&mut self, handle: u32, task: Task<String>) -> Result<Start> {
        let Task { id, data, seed } = task;
        let (episode, start) = E::reset(Task { id, data: serde_json::from_str(&data)?, seed }, &self.config)?;
        self.episodes.insert(handle, Some(episode));
        Ok(start)
    }

    fn step(&mut self, handle: u32, action: &str) -> Result<Step> {
        let place = self.episodes.get_mut(&handle);
        let place = place.ok_or_else(|| Error::new(format!("there is no episode {handle}")))?;
        let episode = place.as_mut().ok_or_else(|| Error::new(format!("episode {handle} is over")))?;
        let step = episode.step(action)?;
        finite(Some(step.reward), "the reward of a step")?;
        if step.done {
            *place = None;
        }
        Ok(step)
    }

    fn close(&mut self, handle: u32) {
        self.episodes.remove(&handle);
    }
}

/// An environment. Called by [`environment!`](crate::environment!).
pub fn environment<E: Environment>() -> Definition<dyn Episodes> {
    let configure = |config: &str| {
        let running = Running::<E> { config: decode(config)?, episodes: BTreeMap::new() };
        Ok(Box::new(running) as Box<dyn Episodes>)
    };
    Definition::new(&[], &[], schema::<E::Config>, Box::new(configure))
}
