//! A component of world `environment`.

use super::{NOT_CONFIGURED, plugin_interface};
use crate::bindings::environment::exports::sternlight::plugin::environment_stage::{
    Guest, Move, Start, StepResult, Task,
};
use crate::kinds::{self, Episodes};

plugin_interface!(environment, dyn Episodes, CONFIGURED, Same);

/// Does something with the episodes, if there are any.
fn with<R>(work: impl FnOnce(&mut dyn Episodes) -> R) -> Result<R, String> {
    CONFIGURED.with_borrow_mut(|configured| match configured {
        Some((_, episodes)) => Ok(work(episodes.as_mut())),
        None => Err(NOT_CONFIGURED.to_owned()),
    })
}

impl<P: super::Defined<Stage = dyn Episodes>> Guest for Exported<P> {
    fn tasks(count: u32, seed: u32) -> Result<Vec<Task>, String> {
        let tasks = with(|episodes| episodes.tasks(count, seed))?.map_err(|error| error.to_string())?;
        Ok(tasks.into_iter().map(|kinds::Task { id, data, seed }| Task { id, data, seed }).collect())
    }

    fn reset(episodes: Vec<(u32, Task)>) -> Vec<Result<Start, String>> {
        let start = |(handle, Task { id, data, seed })| {
            let start = with(|episodes| episodes.reset(handle, kinds::Task { id, data, seed }))?;
            start
                .map(|kinds::Start { prompt, observation }| Start { prompt, observation })
                .map_err(|error| error.to_string())
        };
        episodes.into_iter().map(start).collect()
    }

    fn step(moves: Vec<Move>) -> Vec<Result<StepResult, String>> {
        let step = |Move { episode, action }| {
            let step = with(|episodes| episodes.step(episode, &action))?;
            step.map(|kinds::Step { observation, reward, done, success }| StepResult {
                observation,
                reward,
                done,
                success,
            })
            .map_err(|error| error.to_string())
        };
        moves.into_iter().map(step).collect()
    }

    fn close(episodes: Vec<u32>) {
        for handle in episodes {
            // Without a configuration there is nothing to close.
            let _ = with(|running| running.close(handle));
        }
    }
}
