//! Environments that agents act in, wherever they come from: what a stage that makes episodes needs of one.

use super::context::Context;
use crate::error::StageError;

/// Something to do in an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentTask {
    /// Its name, unlike that of any other task.
    pub id: String,
    /// JSON, the environment's own.
    pub data: String,
    /// Where its randomness comes from.
    pub seed: u32,
}

/// How an episode begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpisodeStart {
    /// What is to be done.
    pub prompt: String,
    /// What is seen first.
    pub observation: String,
}

/// What came of an action.
#[derive(Clone, Debug, PartialEq)]
pub struct EpisodeStep {
    /// What is seen next.
    pub observation: String,
    /// The immediate reward, finite.
    pub reward: f32,
    /// Whether the episode is over.
    pub done: bool,
    /// Whether the task is done, once that is known.
    pub success: Option<bool>,
}

/// An environment that runs, with episodes side by side, each under a number of the caller's. What happens in one must
/// not depend on the others. Calls for several give one result for each, in order. After an error the instance is of no use, and its episodes are lost.
pub trait Environment: Send {
    /// Its tasks, as many as asked for at most; the same for the same seed.
    ///
    /// # Errors
    /// If it has none, or two of one name.
    fn tasks(&mut self, count: u32, seed: u32) -> Result<Vec<EnvironmentTask>, StageError>;

    /// Begins episodes: how each begins, or why it cannot.
    ///
    /// # Errors
    /// If the environment fails as a whole.
    fn reset(&mut self, episodes: &[(u32, &EnvironmentTask)]) -> Result<Vec<Result<EpisodeStart, String>>, StageError>;

    /// One action in each of some episodes: what came of it, or why nothing did.
    ///
    /// # Errors
    /// If the environment fails as a whole.
    fn step(&mut self, moves: &[(u32, &str)]) -> Result<Vec<Result<EpisodeStep, String>>, StageError>;

    /// What it said and counted since this was asked last.
    fn said(&mut self) -> Context {
        Context::default()
    }

    /// Ends episodes: the environment forgets them.
    ///
    /// # Errors
    /// If the environment fails.
    fn close(&mut self, episodes: &[u32]) -> Result<(), StageError>;
}

/// A configured environment, of which instances are started.
pub trait EnvironmentKind: Send + Sync {
    /// For the column `env`.
    fn name(&self) -> &str;

    /// All that decides what happens in it (its code, options and limits), in hexadecimal: part of keys.
    fn digest(&self) -> String;

    /// What of the world outside it depends on, as [`super::Stage::not_reproducible`].
    fn not_reproducible(&self) -> Vec<String> {
        Vec::new()
    }

    /// As [`super::Stage::unchanged`].
    ///
    /// # Errors
    /// What has changed.
    fn unchanged(&self) -> Result<(), StageError> {
        Ok(())
    }

    /// Bytes of memory that an instance holds, as far as is known.
    fn held_bytes(&self) -> u64 {
        0
    }

    /// A fresh instance.
    ///
    /// # Errors
    /// If it cannot start.
    fn start(&self) -> Result<Box<dyn Environment>, StageError>;
}
