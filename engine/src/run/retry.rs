//! Tries again what may pass, as often as the pipeline says, and waits longer each time. Not concerned with which errors
//! may pass: they say so themselves.

use std::time::Duration;

use super::watch::Watch;
use crate::failure::Retries;
use crate::stage::StageError;

/// A try that failed and is made again.
pub(crate) struct Retry<'a> {
    /// From 1.
    pub(crate) attempt: u32,
    /// Why the try before it failed.
    pub(crate) error: &'a StageError,
    /// How long it waits before.
    pub(crate) wait: Duration,
}

/// Does the work, again if need be. `tell` sees each retry before the wait.
pub(crate) fn with_retries<T>(
    retries: Retries,
    watch: &Watch<'_>,
    tell: &dyn Fn(Retry<'_>) -> Result<(), StageError>,
    mut work: impl FnMut() -> Result<T, StageError>,
) -> Result<T, StageError> {
    let mut attempt = 0;
    loop {
        match work() {
            Err(error) if error.may_pass && attempt < retries.times => {
                attempt += 1;
                let wait = retries.wait_before(attempt);
                tell(Retry { attempt, error: &error, wait })?;
                watch.wait(wait)?;
                watch.begin();
            }
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn attempts(times: u32, error: StageError) -> (u32, Vec<(u32, u128)>, Result<(), StageError>) {
        let interrupted = AtomicBool::new(false);
        let retries = Retries { times, wait: Duration::from_millis(1) };
        let (calls, told) = (Cell::new(0), RefCell::new(Vec::new()));
        let tell = |retry: Retry<'_>| {
            told.borrow_mut().push((retry.attempt, retry.wait.as_millis()));
            Ok(())
        };
        let outcome = with_retries(retries, &Watch::new(&interrupted, None, String::new()), &tell, || {
            calls.set(calls.get() + 1);
            if calls.get() == 4 { Ok(()) } else { Err(error.clone()) }
        });
        (calls.get(), told.into_inner(), outcome)
    }

    #[test]
    fn what_may_pass_is_tried_again_and_waits_double() {
        let error = StageError::new("no answer").may_pass();
        assert_eq!(attempts(9, error.clone()), (4, vec![(1, 1), (2, 2), (3, 4)], Ok(())));
        assert_eq!(attempts(2, error.clone()), (3, vec![(1, 1), (2, 2)], Err(error)));
    }

    #[test]
    fn what_will_not_pass_is_not_tried_again() {
        let error = StageError::new("not a number");
        assert_eq!(attempts(9, error.clone()), (1, Vec::new(), Err(error)));
    }

    #[test]
    fn an_interruption_ends_the_wait() {
        let interrupted = AtomicBool::new(false);
        let retries = Retries { times: 1, wait: Duration::from_secs(3600) };
        let interrupt = |_: Retry<'_>| {
            interrupted.store(true, Ordering::Relaxed);
            Ok(())
        };
        let work = || Err::<(), _>(StageError::new("no answer").may_pass());
        let outcome = with_retries(retries, &Watch::new(&interrupted, None, String::new()), &interrupt, work);
        assert_eq!(outcome, Err(StageError::interrupted()));
    }
}
