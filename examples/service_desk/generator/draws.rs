//! Random draws with a fixed mapping from ChaCha8's stream, so that the recordings depend on no library's distributions.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// Who draws: each has a stream of its own, so that a new phrase of the user changes nothing the agent does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    Harness = 0,
    User = 1,
    Agent = 2,
}

/// One role's stream of draws in one episode.
#[derive(Debug)]
pub(crate) struct Draws(ChaCha8Rng);

impl Draws {
    /// The stream's key is the four numbers, little-endian, one after the other.
    pub(crate) fn new(seed: u64, task: usize, trial: usize, role: Role) -> Self {
        let mut key = [0; 32];
        let numbers = [seed, task as u64, trial as u64, role as u64];
        for (place, number) in key.chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// A number below `bound`: the high half of the product of `bound` and the next 64 bits.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.0.next_u64()) * u128::from(bound);
        (product >> 64) as u64
    }

    /// True in `percent` of 100 draws.
    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of the items; `None` if there is none.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let index = self.below(items.len() as u64);
        items.get(index as usize)
    }
}
