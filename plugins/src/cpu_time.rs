//! Time that a thread has worked, which hardly depends on what else the machine does.

use std::time::{Duration, Instant};

/// A clock of the thread that started it.
pub(crate) struct Clock {
    started: Instant,
    worked: Option<Duration>,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { started: Instant::now(), worked: worked() }
    }

    /// What this thread has worked since; what has passed since where the system does not tell.
    pub(crate) fn elapsed(&self) -> Duration {
        match (self.worked, worked()) {
            // A kernel that does not count says 0 for ever.
            (Some(before), Some(now)) if !now.is_zero() => now.saturating_sub(before),
            _ => self.started.elapsed(),
        }
    }
}

/// What this thread has worked since it began, as the kernel counts it (`proc_pid_schedstat(5)`).
fn worked() -> Option<Duration> {
    // It counts at ticks, and when a thread lets others go first.
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split(' ').next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Until the kernel has counted something.
    fn work(clock: &Clock, before: Duration) {
        while clock.elapsed() <= before {
            assert!(clock.started.elapsed() < Duration::from_secs(30), "it has worked for nothing");
        }
    }

    #[test]
    fn a_thread_that_sleeps_does_not_work() {
        work(&Clock::start(), Duration::from_millis(20));
        let clock = Clock::start();
        std::thread::sleep(Duration::from_millis(50));
        let asleep = clock.elapsed();
        assert!(!cfg!(target_os = "linux") || asleep < Duration::from_millis(50), "{asleep:?}");
        work(&clock, asleep);
    }
}
