//! From a seed to the records: every task in every trial, each judged by the database it leaves behind.

use std::collections::BTreeMap;

use super::Result;
use super::agent::Agent;
use super::database::Database;
use super::draws::{Draws, Role};
use super::episode::{Conversation, Ended};
use super::mistake::Mistake;
use super::record::{Judgement, Record};
use super::task::Task;
use super::tools::Desk;
use super::user::User;

/// What goes wrong in one of a hundred runs through no fault of the agent.
const HARNESS_ERRORS: &[&str] = &[
    "TimeoutError: the model did not answer within 120 seconds",
    "ConnectionError: the connection was closed while the model was answering",
    "ServiceError: the model is overloaded, tried 5 times",
];

/// What to generate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) seed: u64,
    /// The first this many tasks.
    pub(crate) tasks: usize,
    pub(crate) trials: usize,
    /// The agent's skill: percent of an unskilled agent's mistakes that it avoids.
    pub(crate) skill: u64,
}

/// The records in τ-bench's order (every task of the first trial, then of the second, …), and how often the agent erred.
#[derive(Clone, Debug)]
pub(crate) struct Generated {
    pub(crate) records: Vec<Record>,
    /// The number of episodes with each kind of mistake.
    pub(crate) mistakes: BTreeMap<Mistake, usize>,
}

/// Generates all episodes.
pub(crate) fn generate(options: &Options) -> Result<Generated> {
    let shop = Database::shop()?;
    let tasks = Task::load(&shop)?;
    let mut generated = Generated { records: Vec::new(), mistakes: BTreeMap::new() };
    for trial in 0..options.trials {
        for (task_id, task) in tasks.iter().enumerate().take(options.tasks) {
            let (record, mistakes) = episode(options, &shop, (task_id, trial), task)?;
            generated.records.push(record);
            for mistake in mistakes {
                *generated.mistakes.entry(mistake).or_default() += 1;
            }
        }
    }
    Ok(generated)
}

fn episode(
    options: &Options,
    shop: &Database,
    (task_id, trial): (usize, usize),
    task: &Task,
) -> Result<(Record, Vec<Mistake>)> {
    let draws = |role| Draws::new(options.seed, task_id, trial, role);
    let mut harness = draws(Role::Harness);
    if harness.percent(1) {
        let error = harness.pick(HARNESS_ERRORS).copied().unwrap_or_default();
        return Ok((Record::failed((task_id, trial), error), Vec::new()));
    }
    let user = User::new(task, shop, draws(Role::User));
    let mut conversation = Conversation::new(Desk::new(shop.clone())?, user, harness);
    let (ended, mistakes) = Agent::new(task, &mut conversation, draws(Role::Agent), options.skill).run();
    let judgement = (ended != Ended::StepLimit).then(|| Judgement {
        right_database: *conversation.database() == task.gold,
        outputs: task.outputs.iter().map(|output| (output.clone(), conversation.told(output))).collect(),
    });
    let record = Record::finished((task_id, trial), task, conversation.into_messages(), judgement.as_ref())?;
    Ok((record, mistakes.into_iter().collect()))
}
