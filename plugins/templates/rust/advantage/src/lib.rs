//! An advantage by rank: it matters which episodes of a group were better, not by how much.
//!
//! With n scored episodes in the group, an episode that beats b of the others and loses to w has (b − w) / (n − 1), times
//! `scale`, for each of its turns; one alone has 0. An episode without a reward has no advantage and is no rival.

use schemars::JsonSchema;
use serde::Deserialize;
use sternlight_plugin::{Advantages, Result, Trajectory, advantage};

/// What the pipeline gives in `with`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The advantage of an episode that beats all others.
    #[schemars(range(min = 0))]
    pub scale: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self { scale: 1.0 }
    }
}

/// For each episode of a group, a number a turn.
pub fn rank(group: &[Trajectory], config: &Config) -> Result<Advantages> {
    let rewards: Vec<f32> = group.iter().filter_map(Trajectory::reward).collect();
    let rivals = rewards.len().saturating_sub(1).max(1) as f32;
    let of_episode = |episode: &Trajectory| {
        let advantage = episode.reward().map(|reward| {
            let beaten = rewards.iter().filter(|other| **other < reward).count() as f32;
            let better = rewards.iter().filter(|other| **other > reward).count() as f32;
            config.scale * (beaten - better) / rivals
        });
        vec![advantage; episode.turns().len()]
    };
    Ok(group.iter().map(of_episode).collect())
}

advantage!(rank, reads: ["reward": "float32", "turns": ""]);

#[cfg(test)]
mod tests {
    use sternlight_plugin::testing::{Sample, SampleTurn, run};

    use super::*;

    fn episode(group: &str) -> Sample {
        Sample::new().with("group_id", group).turn(SampleTurn::new())
    }

    #[test]
    fn episodes_are_ranked_within_their_group() {
        let rewards = [0.5_f32, 100.0, 0.5, -3.0];
        let mut episodes: Vec<Sample> = rewards.map(|reward| episode("a").with("reward", reward)).into();
        episodes.push(episode("b").with("reward", 7.0_f32));
        let outcomes = run(&plugin(), &episodes, r#"{"scale": 3}"#).unwrap();
        assert_eq!(outcomes.numbers("turns.advantage"), [0.0, 3.0, 0.0, -3.0, 0.0].map(Some));
    }

    #[test]
    fn an_episode_without_a_reward_has_no_advantage() {
        let episodes = [episode("a").with("reward", 1.0_f32), episode("a")];
        let outcomes = run(&plugin(), &episodes, "{}").unwrap();
        assert_eq!(outcomes.numbers("turns.advantage"), [Some(0.0), None]);
    }
}
