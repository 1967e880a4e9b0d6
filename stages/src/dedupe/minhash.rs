//! MinHash signatures (Broder 1997): of a set of passages a few numbers, of which two sets share about as many as their
//! Jaccard similarity says. A signature is all that is kept of a text.

use super::shingles::mixed;

/// Numbers of a signature. The standard error of an estimate of s is √(s·(1 − s) / 128): 0.027 at 0.9.
pub(super) const PERMUTATIONS: usize = 128;

/// Signatures of many sets, one behind the other.
pub(super) struct Signatures(Vec<u32>);

impl Signatures {
    /// For about so many.
    pub(super) fn with_capacity(sets: usize) -> Self {
        Self(Vec::with_capacity(sets * PERMUTATIONS))
    }

    /// Adds that of a set.
    pub(super) fn push(&mut self, signature: &Signature) {
        self.0.extend(signature.0);
    }

    /// That of the set at this place; empty if there is none.
    pub(super) fn at(&self, set: usize) -> &[u32] {
        self.0.get(set * PERMUTATIONS..(set + 1) * PERMUTATIONS).unwrap_or_default()
    }
}

/// The signature of one set.
pub(super) struct Signature([u32; PERMUTATIONS]);

/// What passages are hashed with.
pub(super) struct Hashes([(u64, u64); PERMUTATIONS]);

impl Hashes {
    /// Always the same, so that a result depends on nothing but its input.
    pub(super) fn new() -> Self {
        let mut hashes = [(0, 0); PERMUTATIONS];
        for (index, (factor, summand)) in (0_u64..).zip(&mut hashes) {
            // Multiply-add-shift (Dietzfelbinger 1996) takes any odd factor.
            (*factor, *summand) = (mixed(2 * index) | 1, mixed(2 * index + 1));
        }
        Self(hashes)
    }

    /// The signature of nothing.
    pub(super) fn empty() -> Signature {
        Signature([u32::MAX; PERMUTATIONS])
    }

    /// Adds a passage to a set.
    pub(super) fn add(&self, passage: u64, signature: &mut Signature) {
        for ((factor, summand), least) in self.0.iter().zip(&mut signature.0) {
            let hash = (passage.wrapping_mul(*factor).wrapping_add(*summand) >> 32) as u32;
            *least = (*least).min(hash);
        }
    }
}

/// Of how many numbers two signatures must agree for a similarity of at least `threshold`.
pub(super) fn agreements(threshold: f64) -> usize {
    // A threshold of 0.9 means 116 of 128, which is 0.906; the summand keeps 0.5 from meaning 65.
    ((threshold * PERMUTATIONS as f64 - 1e-9).ceil().max(1.0) as usize).min(PERMUTATIONS)
}

/// Whether two signatures agree in at least so many numbers.
pub(super) fn agree(left: &[u32], right: &[u32], agreements: usize) -> bool {
    left.iter().zip(right).filter(|(left, right)| left == right).count() >= agreements
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn signature(set: impl IntoIterator<Item = u64>) -> Vec<u32> {
        let (hashes, mut signature) = (Hashes::new(), Hashes::empty());
        set.into_iter().for_each(|passage| hashes.add(mixed(passage), &mut signature));
        signature.0.to_vec()
    }

    #[test]
    fn thresholds_are_so_many_numbers() {
        assert_eq!([0.001, 0.5, 0.9, 1.0].map(agreements), [1, 64, 116, 128]);
    }

    /// The error stays within four standard errors, for similarities from none to all.
    #[test]
    fn estimates_are_near_the_similarity() {
        for shared in (0..=1000_u64).step_by(100) {
            let (left, right) = (signature(0..1000), signature((1000 - shared)..(2000 - shared)));
            let expected = shared as f64 / (2000 - shared) as f64;
            let found = left.iter().zip(&right).filter(|(left, right)| left == right).count() as f64 / 128.0;
            let error = (expected * (1.0 - expected) / 128.0).sqrt();
            assert!((found - expected).abs() <= 4.0 * error + 1e-9, "{shared}: {found} for {expected}");
        }
    }

    proptest! {
        #[test]
        fn order_and_repetition_do_not_count(mut set in prop::collection::vec(any::<u64>(), 0..20)) {
            let once = signature(set.iter().copied());
            set.reverse();
            set.extend(set.clone());
            prop_assert_eq!(signature(set), once);
        }
    }
}
