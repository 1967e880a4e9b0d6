//! Whether a task goes on: looked at between batches, for an interruption and for the time that a part may take. A
//! single call of a stage is not ended by either. And how far it has come, which is told now and then.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::stage::{Progress, StageError};

/// Takes how far a task has come.
pub(crate) type Tell<'a> = dyn Fn(Progress) -> Result<(), StageError> + Sync + 'a;

/// Watches over a task.
pub(crate) struct Watch<'a> {
    tell: Option<&'a Tell<'a>>,
    /// When it was last told how far the task has come.
    told: Mutex<Option<Instant>>,
    interrupted: &'a AtomicBool,
    timeout: Option<Duration>,
    part: Mutex<(String, Instant)>,
}

impl<'a> Watch<'a> {
    /// A task begins, each part of which may take so long. `label`: its first part, for people.
    pub(crate) fn new(interrupted: &'a AtomicBool, timeout: Option<Duration>, label: String) -> Self {
        let part = Mutex::new((label, Instant::now()));
        Self { tell: None, told: Mutex::new(None), interrupted, timeout, part }
    }

    /// The same, with somebody to be told how far the task has come.
    pub(crate) fn telling(self, tell: &'a Tell<'a>) -> Self {
        Self { tell: Some(tell), ..self }
    }

    /// Tells how far the task has come, unless that was done a moment ago; the last step is always told.
    pub(crate) fn tell(&self, progress: Progress) -> Result<(), StageError> {
        let Some(tell) = self.tell else { return Ok(()) };
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_last = progress.of == Some(progress.step);
        if !is_last && told.is_some_and(|told| told.elapsed() < BETWEEN) {
            return Ok(());
        }
        *told = Some(Instant::now());
        tell(progress)
    }

    /// Counts from now on: what the task had to wait for is there.
    pub(crate) fn begin(&self) {
        self.part.lock().unwrap_or_else(PoisonError::into_inner).1 = Instant::now();
    }

    /// Says which part of the task is at hand.
    pub(crate) fn name_part(&self, label: &str) {
        label.clone_into(&mut self.part.lock().unwrap_or_else(PoisonError::into_inner).0);
    }

    /// An error if somebody wants the run to stop, or the time is over. The latter may pass.
    pub(crate) fn check(&self) -> Result<(), StageError> {
        if self.interrupted.load(Ordering::Relaxed) {
            return Err(StageError::interrupted());
        }
        let Some(timeout) = self.timeout else { return Ok(()) };
        let part = self.part.lock().unwrap_or_else(PoisonError::into_inner);
        let (label, begun) = &*part;
        if begun.elapsed() <= timeout {
            return Ok(());
        }
        Err(StageError::new(format!("took longer than its `timeout` of {}", spelled(timeout)))
            .place(label)
            .help("raise the stage's `timeout`, or let `retries` try again what took too long once")
            .may_pass())
    }

    /// Waits, unless somebody wants the run to stop.
    pub(crate) fn wait(&self, wait: Duration) -> Result<(), StageError> {
        let end = Instant::now() + wait;
        loop {
            if self.interrupted.load(Ordering::Relaxed) {
                return Err(StageError::interrupted());
            }
            match end.checked_duration_since(Instant::now()) {
                Some(left) if !left.is_zero() => std::thread::sleep(left.min(LOOK)),
                _ => return Ok(()),
            }
        }
    }
}

/// How often it is told how far a task has come.
const BETWEEN: Duration = Duration::from_millis(200);

/// How often a wait looks whether somebody wants the run to stop.
const LOOK: Duration = Duration::from_millis(20);

/// As pipelines spell it.
fn spelled(duration: Duration) -> String {
    match duration.as_millis() {
        ms if ms % 1000 > 0 => format!("{ms}ms"),
        ms if ms % 3_600_000 == 0 => format!("{}h", ms / 3_600_000),
        ms if ms % 60_000 == 0 => format!("{}m", ms / 60_000),
        ms => format!("{}s", ms / 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_too_long_says_so_and_may_pass() {
        let interrupted = AtomicBool::new(false);
        let watch = Watch::new(&interrupted, Some(Duration::from_millis(20)), "a.jsonl".to_owned());
        std::thread::sleep(Duration::from_millis(25));
        let error = watch.check().unwrap_err();
        insta::assert_snapshot!(error, @"a.jsonl: took longer than its `timeout` of 20ms");
        assert!(error.may_pass);
        watch.begin();
        assert_eq!(watch.check(), Ok(()));
        assert_eq!(Watch::new(&interrupted, None, String::new()).check(), Ok(()));
        assert_eq!([90, 300, 7200].map(|seconds| spelled(Duration::from_secs(seconds))), ["90s", "5m", "2h"]);
    }

    #[test]
    fn an_interruption_ends_waits() {
        let interrupted = AtomicBool::new(true);
        let watch = Watch::new(&interrupted, None, String::new());
        assert_eq!(watch.wait(Duration::from_secs(3600)), Err(StageError::interrupted()));
        assert_eq!(watch.check(), Err(StageError::interrupted()));
    }
}
