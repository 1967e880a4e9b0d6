//! An executor that starts a process for every part, which needs nothing of this one but the run's plan and the store.

use std::io::{BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

use super::executor::{Executor, ExecutorContext};
use super::options::RunOptions;
use super::task::Task;
use crate::event::{Event, Record};
use crate::stage::StageError;

/// Runs a program again for each task.
pub struct Processes {
    program: PathBuf,
    at_once: usize,
    /// Bytes for all that run at once.
    memory: u64,
}

impl Processes {
    /// `program`: what is started with `part`, the plan, the task and `--memory`.
    pub fn new(program: PathBuf, options: &RunOptions) -> Self {
        let at_once = match options.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        Self { program, at_once, memory: options.memory }
    }

    fn carry_out(&self, task: &Task, memory: u64, run: &ExecutorContext<'_>) -> Result<(), StageError> {
        let unstartable = |error: std::io::Error| StageError::file("start", &self.program, &error);
        let mut process = Command::new(&self.program)
            .arg("part")
            .arg(run.plan)
            .arg(format!("{}:{}", task.stage, task.step))
            .arg(task.part.to_string())
            .arg("--memory")
            .arg(format!("{}KiB", memory >> 10))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(unstartable)?;
        let (told, mut said) = (process.stdout.take(), process.stderr.take());
        // Both are read at once: a pipe that is full keeps a process waiting.
        let (outcome, said) = thread::scope(|scope| {
            let said = scope.spawn(move || {
                let mut text = Vec::new();
                said.iter_mut().for_each(|said| {
                    let _ = said.read_to_end(&mut text);
                });
                text
            });
            let outcome = told.map_or(Ok(true), |told| told_by(BufReader::new(told), run));
            (outcome, said.join().unwrap_or_default())
        });
        let status = process.wait().map_err(unstartable)?;
        match outcome? {
            true if status.success() => Ok(()),
            _ => Err(unexpected(task, status, &said)),
        }
    }
}

/// Passes on what a process tells, as it tells it; whether all of it was understood.
fn told_by(lines: impl std::io::BufRead, run: &ExecutorContext<'_>) -> Result<bool, StageError> {
    let mut failed = None;
    let mut is_understood = true;
    for line in lines.split(b'\n') {
        let Ok(line) = line else { return Ok(false) };
        if line.is_empty() || failed.is_some() {
            continue;
        }
        match serde_json::from_slice::<Record>(&line).map(|record| record.event) {
            Ok(Event::StageFailed { message, help, .. }) => {
                failed = Some(StageError { help, ..StageError::new(message) });
            }
            Ok(event) => failed = run.tell(event).err(),
            Err(_) => is_understood = false,
        }
    }
    failed.map_or(Ok(is_understood), Err)
}

/// What a process that did not get to say why ended with.
fn unexpected(task: &Task, status: ExitStatus, said: &[u8]) -> StageError {
    let said = String::from_utf8_lossy(said);
    let said = said.trim();
    let said = if said.is_empty() { String::new() } else { format!(": {said}") };
    StageError::new(format!("the process for {} {} ended with {status}{said}", task.step, task.part))
        .help("if it was killed for the memory it took, lower `--threads` or raise `--memory`")
}

impl Executor for Processes {
    fn run(&self, tasks: &[Task], run: &ExecutorContext<'_>) -> Result<(), StageError> {
        let at_once = self.at_once.min(tasks.len()).max(1);
        let memory = (self.memory / at_once as u64).max(1 << 10);
        run.for_each(tasks, |task| self.carry_out(task, memory, run))
    }
}
