//! Episodes: acts in an environment, side by side, until each is over. Not concerned with where environments come from.

use sternlight_engine::metrics::Metrics;
use sternlight_engine::stage::{Environment, EnvironmentTask, EpisodeStep, StageError};
use sternlight_engine::trajectory::{Status, TrajectoryRow, TurnRow};

use super::script::Script;

/// Episodes that one call moves on: what a call may take is limited.
const SIDE_BY_SIDE: usize = 256;

/// Who acts, and for how long.
pub(super) struct Actor {
    pub(super) script: Script,
    pub(super) max_turns: u32,
    /// What draws follow from, besides task, sample and turn.
    pub(super) seed: blake3::Hash,
    /// The environment's name.
    pub(super) environment: String,
}

/// One attempt at a task.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub(super) task: &'a EnvironmentTask,
    /// Which of the task's attempts, from 0.
    pub(super) sample: u32,
}

impl Attempt<'_> {
    pub(super) fn id(&self) -> String {
        format!("{}/{}", self.task.id, self.sample)
    }
}

/// An episode under way, or over.
struct Episode<'a> {
    attempt: Attempt<'a>,
    row: TrajectoryRow,
    /// What is seen; none once the episode is over.
    seen: Option<String>,
}

impl Actor {
    /// Acts until every episode is over.
    ///
    /// # Errors
    /// If the environment fails as a whole: it is of no use then.
    pub(super) fn play(
        &self,
        environment: &mut dyn Environment,
        attempts: &[Attempt<'_>],
    ) -> Result<Vec<TrajectoryRow>, StageError> {
        let mut rows = Vec::with_capacity(attempts.len());
        for attempts in attempts.chunks(SIDE_BY_SIDE) {
            let mut episodes = self.begun(environment, attempts)?;
            for turn in 0..self.max_turns {
                if !self.take_turn(environment, &mut episodes, turn)? {
                    break;
                }
            }
            let numbers: Vec<u32> = (0..episodes.len() as u32).collect();
            environment.close(&numbers)?;
            rows.extend(episodes.into_iter().map(Episode::finished));
        }
        Ok(rows)
    }

    fn begun<'a>(
        &self,
        environment: &mut dyn Environment,
        attempts: &[Attempt<'a>],
    ) -> Result<Vec<Episode<'a>>, StageError> {
        let numbered: Vec<(u32, &EnvironmentTask)> = (0..).zip(attempts.iter().map(|attempt| attempt.task)).collect();
        let starts = environment.reset(&numbered)?;
        let begun = attempts.iter().zip(starts).map(|(attempt, start)| {
            let task = attempt.task;
            let mut row = TrajectoryRow {
                trajectory_id: attempt.id(),
                group_id: task.id.clone(),
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
            Episode { attempt: *attempt, row, seen }
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
                Some(action) => moves.push((number, action)),
                None => episode.give_up(),
            }
        }
        if moves.is_empty() {
            return Ok(false);
        }
        let told: Vec<(u32, &str)> = moves.iter().map(|(number, action)| (*number, action.as_str())).collect();
        let steps = environment.step(&told)?;
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
        let mut turn = TurnRow { observation, action, ..TurnRow::default() };
        match step {
            Ok(step) => {
                turn.reward = Some(step.reward);
                self.row.success = step.success;
                match step.done {
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
    fn give_up(&mut self) {
        self.row.final_observation = self.seen.take();
        let index = self.row.turns.len();
        fail(&mut self.row, format!("turn {index}: no rule of the script applies to what is seen"));
    }

    fn finished(mut self) -> TrajectoryRow {
        if let Some(seen) = self.seen {
            self.row.final_observation = Some(seen);
            self.row.status = Status::Truncated;
        }
        if self.row.status != Status::Failed {
            self.row.reward = Some(self.row.turns.iter().filter_map(|turn| turn.reward).sum());
        }
        self.row
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
