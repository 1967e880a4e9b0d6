//! The memory that a run may use, counted in bytes: a task takes what it will need at most before it begins, and waits
//! if others hold too much.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Bytes that tasks share.
#[derive(Debug)]
pub(crate) struct Budget {
    all: u64,
    state: Mutex<State>,
    given_back: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes that tasks hold at the moment.
    taken: u64,
    /// Bytes of what is kept for several tasks.
    kept: u64,
}

/// Bytes that a task holds, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Taken<'a> {
    budget: &'a Budget,
    bytes: u64,
}

impl Budget {
    pub(crate) fn new(total: u64) -> Self {
        Self { all: total, state: Mutex::default(), given_back: Condvar::new() }
    }

    /// All that there is for tasks.
    pub(crate) fn total(&self) -> u64 {
        self.all.saturating_sub(self.state().kept)
    }

    /// Counts what is kept for several tasks: they have so much less.
    pub(crate) fn keep(&self, bytes: u64) {
        let mut state = self.state();
        state.kept = state.kept.saturating_add(bytes);
        // Who waits for more than there is now gets what there is.
        self.given_back.notify_all();
    }

    /// Undoes [`Self::keep`].
    pub(crate) fn release(&self, bytes: u64) {
        let mut state = self.state();
        state.kept = state.kept.saturating_sub(bytes);
        self.given_back.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until so many bytes are free and takes them. Whoever asks for more than there is gets everything, and so
    /// works alone: what cannot be done in less is bounded elsewhere.
    ///
    /// A task that holds bytes must not wait for another that has yet to take some.
    pub(crate) fn take(&self, bytes: u64) -> Taken<'_> {
        // As much as is asked for, or all that is not kept.
        let wanted = |state: &State| bytes.min(self.all.saturating_sub(state.kept));
        let is_short = |state: &mut State| state.taken > 0 && state.taken + wanted(state) + state.kept > self.all;
        let state = self.given_back.wait_while(self.state(), is_short);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        let bytes = wanted(&state);
        state.taken += bytes;
        Taken { budget: self, bytes }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.budget.state().taken -= self.bytes;
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
        assert_eq!(budget.state().taken, 0);
    }
}
