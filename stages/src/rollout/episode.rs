//! Episodes: acts in an environment, side by side, until each is over. Not concerned with where environments come from.

use sternlight_engine::metrics::Metrics;
use sternlight_engine::stage::{Environment, EnvironmentTask, EpisodeStep, StageError};
use sternlight_engine::trajectory::{Status, TrajectoryRow, TurnRow};

use super::script::Script;

/// Bytes of text after which an episode is given up: no agent could read it.
const EPISODE_BYTES: usize = 64 << 20;

/// Who acts, and for how long.
pub(super) struct Actor {
    pub(super) script: Script,
    pub(super) max_turns: u32,
    /// What draws follow from, besides task, sample and turn.
    pub(super) seed: blake3::Hash,
    /// The environment's name.
    pub(super) environment: String,
    /// The stage's name in the pipeline: rollouts whose episodes are joined differ in their names.
    pub(super) stage: String,
}

/// One attempt at a task.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub(super) task: &'a EnvironmentTask,
    /// Which of the task's attempts, from 0.
    pub(super) sample: u32,
}

/// An episode under way, or over.
struct Episode<'a> {
    attempt: Attempt<'a>,
    row: TrajectoryRow,
    /// What is seen; none once the episode is over.
    seen: Option<String>,
    /// Bytes of text so far.
    bytes: usize,
}

impl Actor {
    /// The name of an episode.
    pub(super) fn episode_id(&self, attempt: &Attempt<'_>) -> String {
        episode_id(&self.stage, &attempt.task.id, attempt.sample)
    }

    fn group_id(&self, attempt: &Attempt<'_>) -> String {
        group_id(&self.stage, &attempt.task.id)
    }

    /// Acts until every episode is over. `check` is asked once a turn.
    ///
    /// # Errors
    /// If the environment fails as a whole, which is of no use then, and what `check` says.
    pub(super) fn play(
        &self,
        environment: &mut dyn Environment,
        attempts: &[Attempt<'_>],
        check: &dyn Fn() -> Result<(), StageError>,
    ) -> Result<Vec<TrajectoryRow>, StageError> {
        let mut episodes = self.begun(environment, attempts)?;
        for turn in 0..self.max_turns {
            check()?;
            if !self.take_turn(environment, &mut episodes, turn)? {
                break;
            }
        }
        let numbers: Vec<u32> = (0..episodes.len() as u32).collect();
        environment.close(&numbers)?;
        Ok(episodes.into_iter().map(Episode::finished).collect())
    }

    fn begun<'a>(
        &self,
        environment: &mut dyn Environment,
        attempts: &[Attempt<'a>],
    ) -> Result<Vec<Episode<'a>>, StageError> {
        let numbered: Vec<(u32, &EnvironmentTask)> = (0..).zip(attempts.iter().map(|attempt| attempt.task)).collect();
        let starts = environment.reset(&numbered)?;
        check_count(starts.len(), attempts.len())?;
        let begun = attempts.iter().zip(starts).map(|(attempt, start)| {
            let task = attempt.task;
            let mut row = TrajectoryRow {
                trajectory_id: self.episode_id(attempt),
                group_id: self.group_id(attempt),
                task_id: Some(task.id.clone()),
                env: Some(self.environment.clone()),
                policy: Some("script".to_owned()),
                seed: Some(u64::from(task.seed)),
                ..TrajectoryRow::default()
            };
            let seen = match start {
                Ok(start) => {
                    row.prompt = Some(start.prompt);
                    Some(start.observation)
                }
                Err(reason) => {
                    fail(&mut row, format!("it could not begin: {reason}"));
                    None
                }
            };
            Episode { attempt: *attempt, row, seen, bytes: 0 }
        });
        Ok(begun.collect())
    }

    /// One turn of every episode that is not over; whether there was one.
    fn take_turn(
        &self,
        environment: &mut dyn Environment,
        episodes: &mut [Episode<'_>],
        turn: u32,
    ) -> Result<bool, StageError> {
        let mut moves: Vec<(u32, String)> = Vec::with_capacity(episodes.len());
        for (number, episode) in (0..).zip(episodes.iter_mut()) {
            let Some(seen) = episode.seen.as_deref() else { continue };
            match self.script.action(seen, |count| self.draw(&episode.attempt, turn, count)) {
                Ok(Some(action)) => moves.push((number, action)),
                Ok(None) => episode.give_up("no rule of the script applies to what is seen"),
                Err(too_long) => episode.give_up(&too_long.to_string()),
            }
        }
        if moves.is_empty() {
            return Ok(false);
        }
        let told: Vec<(u32, &str)> = moves.iter().map(|(number, action)| (*number, action.as_str())).collect();
        let steps = environment.step(&told)?;
        check_count(steps.len(), told.len())?;
        for ((number, action), step) in moves.into_iter().zip(steps) {
            if let Some(episode) = episodes.get_mut(number as usize) {
                episode.advance(action, step);
            }
        }
        Ok(true)
    }

    /// A number below `count`, which follows from the seed, the task, the attempt and the turn alone.
    fn draw(&self, attempt: &Attempt<'_>, turn: u32, count: usize) -> usize {
        let mut drawn = blake3::Hasher::new_keyed(self.seed.as_bytes());
        drawn.update(&attempt.sample.to_le_bytes()).update(&turn.to_le_bytes()).update(attempt.task.id.as_bytes());
        let [a, b, c, d, e, f, g, h, ..] = *drawn.finalize().as_bytes();
        (u64::from_le_bytes([a, b, c, d, e, f, g, h]) % count.max(1) as u64) as usize
    }
}

impl Episode<'_> {
    /// Takes what came of an action.
    fn advance(&mut self, action: String, step: Result<EpisodeStep, String>) {
        let Some(observation) = self.seen.take() else { return };
        self.bytes += observation.len() + action.len();
        let mut turn = TurnRow { observation, action, ..TurnRow::default() };
        match step {
            Ok(step) => {
                turn.reward = Some(step.reward);
                self.row.success = step.success.or(self.row.success);
                match step.done {
                    _ if self.bytes + step.observation.len() > EPISODE_BYTES => {
                        fail(&mut self.row, format!("its texts have more than {} MiB", EPISODE_BYTES >> 20));
                    }
                    true => self.row.final_observation = Some(step.observation),
                    false => self.seen = Some(step.observation),
                }
            }
            Err(reason) => {
                let index = self.row.turns.len();
                fail(&mut self.row, format!("turn {index}: {reason}"));
            }
        }
        self.row.turns.push(turn);
    }

    /// The script does not know what to do.
    fn give_up(&mut self, reason: &str) {
        self.row.final_observation = self.seen.take();
        let index = self.row.turns.len();
        fail(&mut self.row, format!("turn {index}: {reason}"));
    }

    fn finished(mut self) -> TrajectoryRow {
        if let Some(seen) = self.seen {
            self.row.final_observation = Some(seen);
            self.row.status = Status::Truncated;
        }
        if self.row.status != Status::Failed {
            let sum: f64 = self.row.turns.iter().filter_map(|turn| turn.reward).map(f64::from).sum();
            match sum as f32 {
                reward if reward.is_finite() => self.row.reward = Some(reward),
                _ => fail(&mut self.row, format!("the sum of its rewards is {sum:e}, which is no 32-bit number")),
            }
        }
        self.row
    }
}

/// The group of a task. The name of a stage has no `/`, so that the parts can be told whatever a task is called.
fn group_id(stage: &str, task: &str) -> String {
    format!("{stage}/{task}")
}

/// The name of an episode: its group and a number, which has no `/` either.
fn episode_id(stage: &str, task: &str, sample: u32) -> String {
    format!("{}/{sample}", group_id(stage, task))
}

fn check_count(found: usize, expected: usize) -> Result<(), StageError> {
    match found == expected {
        true => Ok(()),
        false => Err(StageError::new(format!("the environment gave {found} answers for {expected} episodes"))),
    }
}

fn fail(row: &mut TrajectoryRow, reason: String) {
    row.status = Status::Failed;
    row.error = Some(reason);
}

/// Counts an episode.
pub(super) fn count(row: &TrajectoryRow, metrics: &mut Metrics) {
    metrics.count("trajectories", 1);
    metrics.count(format!("status.{}", row.status.as_str()), 1);
    metrics.observe("turns", row.turns.len() as f64);
    if let Some(reward) = row.reward {
        metrics.observe("reward", f64::from(reward));
    }
    if let Some(success) = row.success {
        metrics.observe("success", f64::from(u8::from(success)));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    proptest::proptest! {
        #[test]
        fn episodes_and_groups_are_called_alike_only_if_they_are_the_same(
            names in proptest::collection::vec(("[ab-]{1,2}", "[ab/1-]{0,4}(/1)?", 0..3u32), 2..50),
        ) {
            let (mut episodes, mut groups) = (BTreeMap::new(), BTreeMap::new());
            for (stage, task, sample) in &names {
                let other = episodes.insert(episode_id(stage, task, *sample), (stage, task, sample));
                proptest::prop_assert!(other.is_none_or(|other| other == (stage, task, sample)));
                let other = groups.insert(group_id(stage, task), (stage, task));
                proptest::prop_assert!(other.is_none_or(|other| other == (stage, task)));
            }
        }
    }
}
