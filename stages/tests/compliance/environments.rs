//! An environment in place of a plugin: walks of so many steps, past texts that are hard.

use std::sync::Arc;

use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{
    Built, Environment, EnvironmentKind, EnvironmentTask, EpisodeStart, EpisodeStep, PluginLoader, PluginRequest,
    Registry, StageError,
};

use crate::hard::HOSTILE_TEXTS;

/// The built-in stages, with this environment for any address.
pub(crate) fn registry() -> Registry {
    sternlight_stages::registry().with_plugins(Arc::new(Walks))
}

/// Tasks that there are at most.
const TASKS: u32 = 40;

struct Walks;

impl PluginLoader for Walks {
    fn load(&self, request: &PluginRequest<'_>) -> Result<Built, Vec<Problem>> {
        Err(Problem::at(["uses"], format!("`{}` is an environment", request.address)).into())
    }

    fn environment(&self, _: &PluginRequest<'_>) -> Result<Arc<dyn EnvironmentKind>, Vec<Problem>> {
        Ok(Arc::new(Walk))
    }
}

struct Walk;

impl EnvironmentKind for Walk {
    fn name(&self) -> &str {
        "walks"
    }

    fn digest(&self) -> String {
        "00".to_owned()
    }

    fn start(&self) -> Result<Box<dyn Environment>, StageError> {
        Ok(Box::new(Walking { episodes: Vec::new() }))
    }
}

struct Walking {
    /// Number, and steps taken.
    episodes: Vec<(u32, usize)>,
}

impl Environment for Walking {
    fn tasks(&mut self, count: u32, seed: u32) -> Result<Vec<EnvironmentTask>, StageError> {
        let task = |index: u32| EnvironmentTask { id: format!("walk-{index}"), data: "{}".to_owned(), seed };
        Ok((0..count.min(TASKS)).map(task).collect())
    }

    fn reset(&mut self, episodes: &[(u32, &EnvironmentTask)]) -> Result<Vec<Result<EpisodeStart, String>>, StageError> {
        let begin = |(number, task): &(u32, &EnvironmentTask)| {
            if task.id == "walk-3" {
                return Err("there is no way".to_owned());
            }
            self.episodes.push((*number, 0));
            Ok(EpisodeStart { prompt: task.id.clone(), observation: HOSTILE_TEXTS[0].to_owned() })
        };
        Ok(episodes.iter().map(begin).collect())
    }

    fn step(&mut self, moves: &[(u32, &str)]) -> Result<Vec<Result<EpisodeStep, String>>, StageError> {
        let mut steps = Vec::new();
        for (number, action) in moves {
            let (_, taken) = self.episodes.iter_mut().find(|(known, _)| known == number).unwrap();
            *taken += 1;
            let done = *action == "stop" || *taken == HOSTILE_TEXTS.len();
            steps.push(match *action {
                "fall" => Err("one cannot fall here".to_owned()),
                _ => Ok(EpisodeStep {
                    observation: HOSTILE_TEXTS[*taken % HOSTILE_TEXTS.len()].to_owned(),
                    reward: 0.25,
                    done,
                    success: done.then_some(*action == "stop"),
                }),
            });
        }
        Ok(steps)
    }

    fn close(&mut self, episodes: &[u32]) -> Result<(), StageError> {
        self.episodes.retain(|(number, _)| !episodes.contains(number));
        assert!(self.episodes.is_empty());
        Ok(())
    }
}
