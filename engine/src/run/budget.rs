//! The memory that a run may use, counted in bytes: a task takes what it will need at most before it begins, and waits
//! if others hold too much.

use std::sync::{Condvar, Mutex, PoisonError};

/// Bytes that tasks share.
#[derive(Debug)]
pub(crate) struct Budget {
    total: u64,
    free: Mutex<u64>,
    given_back: Condvar,
}

/// Bytes that a task holds, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Taken<'a> {
    budget: &'a Budget,
    bytes: u64,
}

impl Budget {
    pub(crate) fn new(total: u64) -> Self {
        Self { total, free: Mutex::new(total), given_back: Condvar::new() }
    }

    /// All that there is.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Waits until so many bytes are free and takes them. Whoever asks for more than there is gets everything, and so
    /// works alone: what cannot be done in less is bounded elsewhere.
    ///
    /// A task that holds bytes must not wait for another that has yet to take some.
    pub(crate) fn take(&self, bytes: u64) -> Taken<'_> {
        let bytes = bytes.min(self.total);
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.given_back.wait_while(free, |free| *free < bytes).unwrap_or_else(PoisonError::into_inner);
        *free -= bytes;
        Taken { budget: self, bytes }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *self.budget.free.lock().unwrap_or_else(PoisonError::into_inner) += self.bytes;
        self.budget.given_back.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn no_more_is_held_than_there_is() {
        let (budget, held, most) = (Budget::new(100), AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for task in 0..32_u64 {
                let (budget, held, most) = (&budget, &held, &most);
                scope.spawn(move || {
                    let wanted = 10 + 7 * task;
                    let _taken = budget.take(wanted);
                    let now = held.fetch_add(wanted.min(100), Ordering::SeqCst) + wanted.min(100);
                    most.fetch_max(now, Ordering::SeqCst);
                    std::thread::yield_now();
                    held.fetch_sub(wanted.min(100), Ordering::SeqCst);
                });
            }
        });
        assert!((60..=100).contains(&most.load(Ordering::SeqCst)), "{most:?}");
        assert_eq!(*budget.free.lock().unwrap(), 100);
    }
}
