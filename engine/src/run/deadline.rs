//! The time that a part of a stage may take. Cooperative: looked at between batches, where an interruption is.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::stage::StageError;

/// When to give up on the part at hand.
#[derive(Debug)]
pub struct Deadline {
    timeout: Duration,
    begun: Mutex<Instant>,
}

impl Deadline {
    /// So long from now.
    pub(crate) fn new(timeout: Duration) -> Self {
        Self { timeout, begun: Mutex::new(Instant::now()) }
    }

    /// The next part begins.
    pub(crate) fn begin_anew(&self) {
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// An error, which may pass, once the time is over.
    pub(crate) fn check(&self) -> Result<(), StageError> {
        let begun = *self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = begun.elapsed();
        if elapsed <= self.timeout {
            return Ok(());
        }
        let (taken, timeout) = (seconds(elapsed), seconds(self.timeout));
        Err(StageError::new(format!("it was not done after {taken}, and its `timeout` is {timeout}"))
            .help("raise the stage's `timeout`; `retries` tries again what took too long once")
            .may_pass())
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_too_long_says_so_and_may_be_tried_again() {
        let deadline = Deadline::new(Duration::from_secs(3600));
        assert_eq!(deadline.check(), Ok(()));
        let deadline = Deadline::new(Duration::ZERO);
        std::thread::sleep(Duration::from_millis(2));
        let error = deadline.check().unwrap_err();
        insta::assert_snapshot!(error, @"it was not done after 0.0 s, and its `timeout` is 0.0 s");
        assert!(error.may_pass);
    }
}
