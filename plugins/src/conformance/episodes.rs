//! Whether an environment keeps the contract: the same tasks and episodes for the same seed, episodes that know nothing of
//! each other, and nothing that an agent says breaks it.

use std::sync::Arc;

use sternlight_engine::stage::{EnvironmentTask as Task, EpisodeStart as Start, EpisodeStep as Step};

use super::random::Random;
use super::report::{Check, counted};
use super::values::HUGE_BYTES;
use crate::environment::Environment;
use crate::limits::Limits;
use crate::plugin::Plugin;

/// Tasks that are asked for.
const TASKS: u32 = 4;

/// Steps of an episode.
const STEPS: usize = 12;

/// The seed of tasks and actions.
const SEED: u32 = 7;

const SAME: &str = "an episode may depend on its task, its seed and its actions only: draw randomness from the seed, and keep a \
                    state for each episode";

/// How to start the environment again and again.
pub(super) struct Stage<'a> {
    pub(super) plugin: &'a Arc<Plugin>,
    pub(super) options: &'a serde_json::Value,
    pub(super) limits: Limits,
}

/// What was seen in an episode.
#[derive(Clone, Debug, PartialEq)]
struct Episode {
    start: Result<Start, String>,
    /// Actions, and what came of each.
    steps: Vec<(String, Result<Step, String>)>,
}

impl Episode {
    fn beginning(&self) -> String {
        match &self.start {
            Ok(Start { observation, .. }) => format!("`{observation}`"),
            Err(reason) => format!("an error (`{reason}`)"),
        }
    }

    /// What came of a step, for people.
    fn came(&self, step: usize) -> String {
        match self.steps.get(step) {
            Some((_, Ok(Step { observation, reward, done, .. }))) => {
                format!("`{observation}` and {reward}{}", if *done { ", which is the end" } else { "" })
            }
            Some((_, Err(reason))) => format!("an error (`{reason}`)"),
            None => "nothing".to_owned(),
        }
    }
}

impl Stage<'_> {
    fn start(&self) -> Result<Environment, String> {
        Environment::configured(self.plugin, self.options, self.limits)
    }

    /// Every check of an environment.
    pub(super) fn checks(&self, each: &mut dyn FnMut(Check)) {
        let tasks = self.tasks(each);
        let Some(tasks) = tasks.filter(|tasks| !tasks.is_empty()) else {
            each(Check::skipped("episodes", "it has no tasks"));
            return;
        };
        each(self.checked(
            "episodes",
            format!("{} of {STEPS} steps, twice", counted(tasks.len(), "episode", "episodes")),
            SAME,
            |check| {
                for task in &tasks {
                    let [first, second] = [self.episode(task)?, self.episode(task)?];
                    compare(check, task, &first, &second, ["the first time", "the second time"]);
                }
                Ok(())
            },
        ));
        let did = format!("{} in one instance, against each alone", counted(2 * tasks.len(), "episode", "episodes"));
        each(self.checked("side by side", did, SAME, |check| self.side_by_side(&tasks, check)));
        let help = "an action is what an agent says, which may be anything: answer with an observation, or an error";
        let did = "unknown, empty, unicode and 1 MiB long; after the end; of an episode that is not there".to_owned();
        each(self.checked("actions", did, help, |check| self.odd_actions(&tasks, check)));
    }

    fn checked(
        &self,
        name: &'static str,
        did: String,
        help: &str,
        tried: impl FnOnce(&mut Check) -> Result<(), String>,
    ) -> Check {
        let mut check = Check::new(name, did);
        if let Err(reason) = tried(&mut check) {
            check.fail(reason, help);
        }
        check
    }

    fn tasks(&self, each: &mut dyn FnMut(Check)) -> Option<Vec<Task>> {
        let help = "`tasks` gives as many as asked for at most, under different names, the same for the same seed";
        let mut tasks = None;
        each(self.checked(
            "tasks",
            format!("{TASKS} of a seed, three times on two instances; none; and of another seed"),
            help,
            |check| {
                let mut one = self.start()?;
                let first = one.tasks(TASKS, SEED)?;
                let others = [
                    (one.tasks(TASKS, SEED)?, "when asked again"),
                    (self.start()?.tasks(TASKS, SEED)?, "on another instance"),
                ];
                for (other, when) in others {
                    if other != first {
                        check.fail(
                            format!("its tasks of seed {SEED} are {}, and {} {when}", ids(&first), ids(&other)),
                            help,
                        );
                    }
                }
                one.tasks(0, SEED)?;
                one.tasks(TASKS, SEED + 1)?;
                if first.is_empty() {
                    check.note("it has no tasks");
                }
                tasks = Some(first);
                Ok(())
            },
        ));
        tasks
    }

    /// An episode alone in its instance, with actions made of what is seen.
    fn episode(&self, task: &Task) -> Result<Episode, String> {
        let mut environment = self.start()?;
        let start = one(environment.reset(&[(1, task)])?)?;
        let mut episode = Episode { start, steps: Vec::new() };
        let Ok(Start { prompt, observation }) = episode.start.clone() else { return Ok(episode) };
        let mut words = Words::new(task.seed);
        words.see(&prompt);
        words.see(&observation);
        for _ in 0..STEPS {
            let action = words.action();
            let step = one(environment.step(&[(1, &action)])?)?;
            let is_over = step.as_ref().is_ok_and(|step| step.done);
            if let Ok(step) = &step {
                words.see(&step.observation);
            }
            episode.steps.push((action, step));
            if is_over {
                break;
            }
        }
        environment.close(&[1])?;
        Ok(episode)
    }

    /// Each task twice, one step each in turn, in one instance.
    fn side_by_side(&self, tasks: &[Task], check: &mut Check) -> Result<(), String> {
        let alone = tasks.iter().map(|task| self.episode(task)).collect::<Result<Vec<_>, _>>()?;
        let numbered: Vec<(u32, usize)> =
            (0..2 * tasks.len()).map(|index| (index as u32 * 3 + 5, index % tasks.len())).collect();
        let mut environment = self.start()?;
        let begun: Vec<(u32, &Task)> =
            numbered.iter().filter_map(|(number, task)| Some((*number, tasks.get(*task)?))).collect();
        let starts = environment.reset(&begun)?;
        let mut together: Vec<Episode> = starts.into_iter().map(|start| Episode { start, steps: Vec::new() }).collect();
        for step in 0..STEPS {
            let under_way: Vec<(usize, u32, &str)> = numbered
                .iter()
                .enumerate()
                .filter_map(|(index, (number, task))| {
                    let (action, _) = alone.get(*task)?.steps.get(step)?;
                    Some((index, *number, action.as_str()))
                })
                .collect();
            let moves: Vec<(u32, &str)> = under_way.iter().map(|(_, number, action)| (*number, *action)).collect();
            if moves.is_empty() {
                break;
            }
            for ((index, _, action), came) in under_way.iter().zip(environment.step(&moves)?) {
                if let Some(episode) = together.get_mut(*index) {
                    episode.steps.push(((*action).to_owned(), came));
                }
            }
        }
        for ((_, task), episode) in numbered.iter().zip(&together) {
            if let (Some(alone), Some(task)) = (alone.get(*task), tasks.get(*task)) {
                compare(check, task, alone, episode, ["alone", "beside others"]);
            }
        }
        Ok(())
    }

    fn odd_actions(&self, tasks: &[Task], check: &mut Check) -> Result<(), String> {
        let Some(task) = tasks.first() else { return Ok(()) };
        let mut environment = self.start()?;
        environment.reset(&[(1, task), (2, task)])?;
        let huge = "go north ".repeat(HUGE_BYTES / 9);
        let odd = [
            "no such action at all",
            "",
            " ",
            "日本語 👩‍👩‍👧‍👦 \u{202e}abc",
            "nul\0\u{1b}[31m",
            "{\"tool\": \"x\", \"arguments\": {",
            &huge,
        ];
        for action in odd {
            let came = one(environment.step(&[(1, action)])?)?;
            if let Ok(Step { done: true, .. }) = came {
                // What is over may be acted in by mistake.
                let _ = environment.step(&[(1, action)])?;
                environment.reset(&[(1, task)])?;
            }
        }
        let unknown = one(environment.step(&[(77, "look")])?)?;
        if unknown.is_ok() {
            check.note("an action in an episode that was never begun has a result, and no error");
        }
        environment.close(&[1, 2, 77])?;
        let closed = one(environment.step(&[(2, "look")])?)?;
        if closed.is_ok() {
            check.note("an action in an episode that was closed has a result, and no error");
        }
        Ok(())
    }
}

fn one<T>(mut results: Vec<T>) -> Result<T, String> {
    results.pop().ok_or_else(|| "it returned no result for an episode".to_owned())
}

fn ids(tasks: &[Task]) -> String {
    let ids: Vec<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
    if ids.is_empty() { "none".to_owned() } else { crate::text::printable(&ids.join(", ")) }
}

fn compare(check: &mut Check, task: &Task, left: &Episode, right: &Episode, [first, second]: [&str; 2]) {
    if left == right {
        return;
    }
    let title = format!("task `{}`", crate::text::printable_name(&task.id));
    let fault = match left.steps.iter().zip(&right.steps).position(|(left, right)| left != right) {
        _ if left.start != right.start => {
            format!("it begins with {} {first}, and with {} {second}", left.beginning(), right.beginning())
        }
        Some(step) => {
            let action = left.steps.get(step).map_or("", |(action, _)| action.as_str());
            format!(
                "step {}, `{action}`, gives {} {first}, and {} {second}",
                step + 1,
                left.came(step),
                right.came(step)
            )
        }
        None => format!("it has {} steps {first}, and {} {second}", left.steps.len(), right.steps.len()),
    };
    check.fail(format!("{title}: {}", crate::text::printable(&fault)), SAME);
}

/// Actions made of words that were seen: some of them are what the environment understands.
struct Words {
    random: Random,
    known: Vec<String>,
}

impl Words {
    fn new(seed: u32) -> Self {
        let known = ["look", "go north", "open", "take key", "wait"].map(str::to_owned).to_vec();
        Self { random: Random::new(u64::from(seed)), known }
    }

    fn see(&mut self, text: &str) {
        let words: Vec<&str> =
            text.split_whitespace().map(|word| word.trim_matches(|letter: char| !letter.is_alphanumeric())).collect();
        self.known.extend(words.iter().filter(|word| !word.is_empty()).map(|word| (*word).to_owned()));
        self.known.extend(words.windows(2).map(|pair| pair.join(" ")));
        self.known.truncate(512);
    }

    fn action(&mut self) -> String {
        self.random.choose(&self.known).cloned().unwrap_or_default()
    }
}
