//! Random numbers of a plugin: the same for the same trajectories, wherever they are worked on.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use blake3::OutputReader;
use rand::TryRng;

/// Numbers that are drawn one after the other; a copy goes on where the others are.
#[derive(Clone)]
pub(super) struct Numbers {
    stage: blake3::Hash,
    drawn: Arc<Mutex<OutputReader>>,
}

impl Numbers {
    /// Of a stage.
    pub(super) fn new(stage: blake3::Hash) -> Self {
        Self { stage, drawn: Arc::new(Mutex::new(reader(&stage, b""))) }
    }

    /// Those that belong to a call for trajectories of which this one is the first.
    pub(super) fn restart(&self, trajectory: &str) {
        *self.drawn.lock().unwrap_or_else(PoisonError::into_inner) = reader(&self.stage, trajectory.as_bytes());
    }
}

fn reader(stage: &blake3::Hash, trajectory: &[u8]) -> OutputReader {
    blake3::Hasher::new_keyed(stage.as_bytes()).update(trajectory).finalize_xof()
}

impl TryRng for Numbers {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes).map(|()| u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner).fill(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_from_stage_and_trajectory() {
        let drawn = |stage: &[u8], trajectory: &str| {
            let mut numbers = Numbers::new(blake3::hash(stage));
            numbers.restart(trajectory);
            numbers.try_next_u64().unwrap()
        };
        assert_eq!(drawn(b"a", "t1"), drawn(b"a", "t1"));
        assert_ne!(drawn(b"a", "t1"), drawn(b"a", "t2"));
        assert_ne!(drawn(b"a", "t1"), drawn(b"b", "t1"));
    }
}
