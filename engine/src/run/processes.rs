//! An executor that starts a process for every part, which needs nothing of this one but the run's plan and the store.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use super::executor::{Executor, ExecutorContext};
use super::options::RunOptions;
use super::task::Task;
use crate::event::{Event, Record};
use crate::stage::StageError;

/// Runs a program again for each task.
pub struct Processes {
    program: PathBuf,
    /// Bytes for each of those that run at once.
    memory: u64,
}

impl Processes {
    /// `program`: what is started with `part`, the plan, the task and `--memory`.
    pub fn new(program: PathBuf, options: &RunOptions) -> Self {
        let at_once = match options.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        Self { program, memory: (options.memory / at_once as u64).max(1 << 10) }
    }

    fn carry_out(&self, task: &Task, run: &ExecutorContext<'_>) -> Result<(), StageError> {
        let output = Command::new(&self.program)
            .arg("part")
            .arg(run.plan)
            .arg(format!("{}:{}", task.stage, task.step))
            .arg(task.part.to_string())
            .arg("--memory")
            .arg(format!("{}KiB", self.memory >> 10))
            .stdin(Stdio::null())
            .output()
            .map_err(|error| StageError::file("start", &self.program, &error))?;
        for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice::<Record>(line).map(|record| record.event) {
                Ok(Event::StageFailed { message, help, .. }) => {
                    return Err(StageError { help, ..StageError::new(message) });
                }
                Ok(event) => run.tell(event)?,
                Err(_) => return Err(unexpected(task, &output)),
            }
        }
        match output.status.success() {
            true => Ok(()),
            false => Err(unexpected(task, &output)),
        }
    }
}

/// What a process that did not get to say why ended with.
fn unexpected(task: &Task, output: &Output) -> StageError {
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim();
    let said = if said.is_empty() { String::new() } else { format!(": {said}") };
    StageError::new(format!("the process for {} {} ended with {}{said}", task.step, task.part, output.status))
        .help("if it was killed for the memory it took, lower `--threads` or raise `--memory`")
}

impl Executor for Processes {
    fn run(&self, tasks: &[Task], run: &ExecutorContext<'_>) -> Result<(), StageError> {
        run.for_each(tasks, |task| self.carry_out(task, run))
    }
}
