//! Episodes as τ-bench writes them: one element a run in a JSON array.

use serde::Serialize;
use serde_json::{Map, json};

use super::Result;
use super::episode::Message;
use super::task::{Action, Task};

/// A recorded run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Record {
    pub(crate) task_id: usize,
    pub(crate) reward: f64,
    pub(crate) info: Info,
    pub(crate) traj: Vec<Message>,
    pub(crate) trial: usize,
}

/// What a record says about its run.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Info {
    Finished { task: TaskInfo, source: &'static str, user_cost: f64, reward_info: Option<serde_json::Value> },
    Failed { error: &'static str, traceback: String },
}

/// The task within a record.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TaskInfo {
    user_id: String,
    actions: Vec<Action>,
    instruction: String,
    outputs: Vec<String>,
}

/// How a run was judged.
#[derive(Clone, Debug)]
pub(crate) struct Judgement {
    pub(crate) right_database: bool,
    /// Each text that the user had to be told, and whether it was.
    pub(crate) outputs: Vec<(String, bool)>,
}

impl Judgement {
    pub(crate) fn success(&self) -> bool {
        self.right_database && self.outputs.iter().all(|(_, told)| *told)
    }
}

impl Record {
    /// A run that came to an end; without a judgement, one that ran out of steps.
    pub(crate) fn finished(
        (task_id, trial): (usize, usize),
        task: &Task,
        traj: Vec<Message>,
        judgement: Option<&Judgement>,
    ) -> Result<Self> {
        let reward = f64::from(u8::from(judgement.is_some_and(Judgement::success)));
        let reward_info = judgement.map(|judgement| {
            let info = if judgement.right_database && !judgement.outputs.is_empty() {
                let told: f64 = f64::from(u8::from(judgement.success()));
                let outputs: Map<_, _> =
                    judgement.outputs.iter().map(|(text, told)| (text.clone(), json!(told))).collect();
                json!({ "r_outputs": told, "outputs": outputs })
            } else {
                json!({ "r_actions": f64::from(u8::from(judgement.right_database)) })
            };
            json!({ "reward": reward, "info": info, "actions": task.actions() })
        });
        let task = TaskInfo {
            user_id: task.customer.clone(),
            actions: task.actions(),
            instruction: task.instruction.clone(),
            outputs: task.outputs.clone(),
        };
        let info = Info::Finished { task, source: "user", user_cost: 0.0, reward_info };
        Ok(Self { task_id, reward, info, traj, trial })
    }

    /// A run that the harness lost.
    pub(crate) fn failed((task_id, trial): (usize, usize), error: &'static str) -> Self {
        let traceback =
            format!("desk harness, task {task_id}, trial {trial}\n  waiting for the agent's message\n{error}");
        Self { task_id, reward: 0.0, info: Info::Failed { error, traceback }, traj: Vec::new(), trial }
    }
}

/// The texts of `files` files that hold the records in order, as evenly as they go, one record a line.
pub(crate) fn file_texts(records: &[Record], files: usize) -> Result<Vec<String>> {
    let in_file = records.len().div_ceil(files.max(1)).max(1);
    records.chunks(in_file).map(file_text).collect()
}

fn file_text(records: &[Record]) -> Result<String> {
    let lines: Vec<String> = records.iter().map(serde_json::to_string).collect::<serde_json::Result<_>>()?;
    Ok(format!("[\n{}\n]\n", lines.join(",\n")))
}
