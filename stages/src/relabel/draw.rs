//! Random numbers of a trajectory: they follow from the pipeline's seed, the stage and the trajectory's id, and from nothing
//! else, so that neither batches nor threads reach a result.

use blake3::{Hash, Hasher, OutputReader};

/// What a stage of this name draws from.
pub(super) fn seed_of(seed: u64, stage: &str) -> Hash {
    blake3::hash(format!("relabel {seed} {stage}").as_bytes())
}

/// An endless row of random numbers.
pub(super) struct Draw(OutputReader);

impl Draw {
    /// That of a trajectory.
    pub(super) fn of(seed: &Hash, trajectory: &str) -> Self {
        Self(Hasher::new_keyed(seed.as_bytes()).update(trajectory.as_bytes()).finalize_xof())
    }

    /// A number below `end`, each as likely (but for one part in 2⁶⁴ / `end`); 0 if there is none.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        ((u128::from(u64::from_le_bytes(bytes)) * end as u128) >> 64) as usize
    }

    /// `count` of the elements, or all, in the order in which they were drawn.
    pub(super) fn some_of<T>(&mut self, mut elements: Vec<T>, count: usize) -> Vec<T> {
        for place in 0..count.min(elements.len()) {
            let other = place + self.below(elements.len() - place);
            elements.swap(place, other);
        }
        elements.truncate(count);
        elements
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_from_seed_stage_and_trajectory() {
        let drawn = |seed: u64, stage: &str, id: &str| {
            let mut draw = Draw::of(&seed_of(seed, stage), id);
            (0..8).map(|_| draw.below(1000)).collect::<Vec<_>>()
        };
        let first = drawn(1, "a", "t");
        assert_eq!(first, drawn(1, "a", "t"));
        for other in [drawn(2, "a", "t"), drawn(1, "b", "t"), drawn(1, "a", "u")] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn numbers_are_spread_evenly() {
        let mut draw = Draw::of(&seed_of(0, ""), "t");
        let mut counts = [0; 5];
        (0..5000).for_each(|_| counts[draw.below(5)] += 1);
        assert!(counts.iter().all(|count| (900..1100).contains(count)), "{counts:?}");
        assert_eq!((draw.below(0), draw.below(1)), (0, 0));
    }

    #[test]
    fn some_are_drawn_once_each() {
        let mut draw = Draw::of(&seed_of(0, ""), "t");
        let mut some = draw.some_of((0..9).collect(), 4);
        some.sort_unstable();
        some.dedup();
        assert_eq!(some.len(), 4);
        assert_eq!(draw.some_of(vec![1, 2], 4).len(), 2);
    }
}
