//! Finds, among the rows that were kept, one that a row is nearly the same as: by locality-sensitive hashing, which
//! compares only rows that agree in a whole band of their signatures.

use std::collections::HashMap;

use super::minhash::{PERMUTATIONS, Signatures, agree, agreements};
use super::shingles::mixed;

/// The kept rows, by the bands of their signatures.
pub(super) struct Near<'a> {
    signatures: &'a Signatures,
    agreements: usize,
    band_rows: usize,
    /// For the hash of a band, the last kept row that has it: a place in `links`.
    last: HashMap<u64, usize>,
    /// A kept row, and the place of the one before it with the same band, if there is one. Lists of their own would take
    /// twice as much, as nearly all hold one row.
    links: Vec<(usize, usize)>,
    /// For each kept row that was compared, the row that it was last compared with: not twice for two bands.
    compared: HashMap<usize, usize>,
}

impl<'a> Near<'a> {
    pub(super) fn new(signatures: &'a Signatures, threshold: f64) -> Self {
        let agreements = agreements(threshold);
        let band_rows = band_rows(agreements);
        Self { signatures, agreements, band_rows, last: HashMap::new(), links: Vec::new(), compared: HashMap::new() }
    }

    /// The kept row that this one is a duplicate of; if there is none, it is kept itself.
    pub(super) fn kept_before(&mut self, row: usize) -> Option<usize> {
        let signature = self.signatures.at(row);
        let bands: Vec<u64> = (0_u64..)
            .zip(signature.chunks(self.band_rows))
            .map(|(band, numbers)| numbers.iter().fold(mixed(band), |hash, number| mixed(hash ^ u64::from(*number))))
            .collect();
        for band in &bands {
            let mut next = self.last.get(band).copied().unwrap_or(NO_LINK);
            while let Some((kept, before)) = self.links.get(next) {
                next = *before;
                if self.compared.insert(*kept, row) == Some(row) {
                    continue;
                }
                if agree(self.signatures.at(*kept), signature, self.agreements) {
                    return Some(*kept);
                }
            }
        }
        for band in bands {
            let before = self.last.insert(band, self.links.len()).unwrap_or(NO_LINK);
            self.links.push((row, before));
        }
        None
    }
}

/// Where no list goes on.
const NO_LINK: usize = usize::MAX;

/// Numbers of a band: as many as there may be, so that two signatures with enough agreements have one band in common
/// whatever the places of the others. That is so if there are more bands than disagreements. No duplicate is missed then,
/// where the usual choice of bands misses some by chance.
fn band_rows(agreements: usize) -> usize {
    let disagreements = PERMUTATIONS.saturating_sub(agreements);
    let mut rows = PERMUTATIONS;
    while rows > 1 && PERMUTATIONS / rows <= disagreements {
        rows /= 2;
    }
    rows
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::minhash::Hashes;
    use super::*;

    #[test]
    fn bands_are_more_than_disagreements() {
        let bands =
            [1.0, 0.95, 0.9, 0.8, 0.7, 0.5, 0.01].map(|threshold| PERMUTATIONS / band_rows(agreements(threshold)));
        assert_eq!(bands, [1, 8, 16, 32, 64, 128, 128]);
    }

    fn signatures(sets: &[Vec<u64>]) -> Signatures {
        let mut all = Signatures::with_capacity(sets.len());
        let hashes = Hashes::new();
        for set in sets {
            let mut signature = Hashes::empty();
            set.iter().for_each(|passage| hashes.add(mixed(*passage), &mut signature));
            all.push(&signature);
        }
        all
    }

    proptest! {
        /// The same rows are kept as if each were compared with all kept before it.
        #[test]
        fn no_duplicate_is_missed(
            sets in prop::collection::vec(prop::collection::vec(0_u64..12, 0..12), 0..30),
            threshold in 0.05_f64..=1.0,
        ) {
            let signatures = signatures(&sets);
            let mut near = Near::new(&signatures, threshold);
            let mut kept: Vec<usize> = Vec::new();
            for row in 0..sets.len() {
                let alike = |other: &usize| agree(signatures.at(*other), signatures.at(row), agreements(threshold));
                let found = near.kept_before(row);
                prop_assert_eq!(found.is_some(), kept.iter().any(alike));
                match found {
                    Some(other) => prop_assert!(kept.contains(&other) && alike(&other)),
                    None => kept.push(row),
                }
            }
        }
    }
}
