//! Waiting for a lock: said after a moment, so that nobody wonders what a command is doing.

use std::fs::{File, TryLockError};
use std::io;
use std::thread;
use std::time::{Duration, Instant};

/// What is not worth a word.
const MOMENT: Duration = Duration::from_secs(1);

/// How often it is tried until then.
const PAUSE: Duration = Duration::from_millis(2);

/// How a lock is held.
#[derive(Clone, Copy, Debug)]
pub(super) enum How {
    Alone,
    Shared,
}

/// Takes the lock of a file as soon as it is free. `whom` says who waits for whom.
pub(super) fn take(file: &File, how: How, whom: impl FnOnce() -> String) -> io::Result<()> {
    let begun = Instant::now();
    loop {
        let tried = match how {
            How::Alone => file.try_lock(),
            How::Shared => file.try_lock_shared(),
        };
        match tried {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if begun.elapsed() < MOMENT => thread::sleep(PAUSE),
            Err(TryLockError::WouldBlock) => break,
        }
    }
    tracing::warn!("{}", whom());
    match how {
        How::Alone => file.lock(),
        How::Shared => file.lock_shared(),
    }
}
