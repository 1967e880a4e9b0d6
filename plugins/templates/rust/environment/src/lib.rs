//! An environment: the agent is to find a number, and is told after each guess whether it is higher or lower.
//!
//! The right guess is worth 1. The episode is over with it, or without success after `max_steps` guesses.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sternlight_plugin::{Environment, Result, Start, Step, Task, environment};

/// What the pipeline gives in `with`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The highest number; the lowest is 1.
    #[schemars(range(min = 2))]
    pub highest: u32,
    /// Guesses before the episode ends.
    #[schemars(range(min = 1))]
    pub max_steps: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { highest: 100, max_steps: 10 }
    }
}

/// What a task holds.
#[derive(Debug, Deserialize, Serialize)]
pub struct Secret {
    number: u32,
}

/// One episode.
pub struct Guessing {
    number: u32,
    steps_left: u32,
}

impl Environment for Guessing {
    type Config = Config;
    type Data = Secret;

    fn tasks(count: u32, seed: u32, config: &Config) -> Result<Vec<Task<Secret>>> {
        let task = |index| {
            let number = 1 + mixed(seed, index) % config.highest;
            Task { id: format!("number-{seed}-{index}"), data: Secret { number }, seed }
        };
        Ok((0..count).map(task).collect())
    }

    fn reset(task: Task<Secret>, config: &Config) -> Result<(Self, Start)> {
        let prompt = format!("I think of a number from 1 to {}. Find it: say one number at a time.", config.highest);
        let episode = Self { number: task.data.number, steps_left: config.max_steps };
        Ok((episode, Start { prompt, observation: "Which number is it?".to_owned() }))
    }

    fn step(&mut self, action: &str) -> Result<Step> {
        self.steps_left -= 1;
        let guess = action.trim().parse::<u32>();
        let found = guess == Ok(self.number);
        let observation = match guess {
            Err(_) => "That is no number.",
            Ok(guess) if guess < self.number => "It is higher.",
            Ok(guess) if guess > self.number => "It is lower.",
            Ok(_) => "That is it.",
        };
        let done = found || self.steps_left == 0;
        let reward = if found { 1.0 } else { 0.0 };
        Ok(Step { observation: observation.to_owned(), reward, done, success: done.then_some(found) })
    }
}

environment!(Guessing);

/// A number that looks random and is the same for the same seed and index (the last steps of MurmurHash3).
fn mixed(seed: u32, index: u32) -> u32 {
    let mut hash = seed ^ index.wrapping_mul(0x9e37_79b1);
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use sternlight_plugin::testing::play;

    use super::*;

    #[test]
    fn every_number_is_found_by_halving() {
        for seed in 0..20 {
            let (mut low, mut high) = (1, 100);
            let mut guesses: Vec<String> = Vec::new();
            loop {
                guesses.push(((low + high) / 2).to_string());
                let guesses: Vec<&str> = guesses.iter().map(String::as_str).collect();
                let (_, steps) = play(&plugin(), &guesses, seed, "{}").unwrap();
                let last = steps.last().unwrap();
                match last.observation.as_str() {
                    "It is higher." => low = (low + high) / 2 + 1,
                    "It is lower." => high = (low + high) / 2 - 1,
                    _ => {
                        assert_eq!((last.reward, last.done, last.success), (1.0, true, Some(true)));
                        break;
                    }
                }
            }
        }
    }

    #[test]
    fn an_episode_ends_without_success_after_its_steps() {
        let (_, steps) = play(&plugin(), &["0", "seven"], 1, r#"{"max_steps": 2}"#).unwrap();
        assert_eq!(steps[0].observation, "It is higher.");
        assert_eq!(steps[1].observation, "That is no number.");
        assert_eq!((steps[0].success, steps[1].done, steps[1].success), (None, true, Some(false)));
    }
}
