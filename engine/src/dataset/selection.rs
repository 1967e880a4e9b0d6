//! Which rows of a shard a filter kept: sorted, disjoint runs of base rows.

use std::ops::Range;

use arrow::array::BooleanArray;
use serde::{Deserialize, Serialize};

/// Rows of a shard, as half-open runs in ascending order that neither touch nor overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(u64, u64)>")]
pub struct Selection(Vec<(u64, u64)>);

impl TryFrom<Vec<(u64, u64)>> for Selection {
    type Error = &'static str;

    fn try_from(runs: Vec<(u64, u64)>) -> Result<Self, Self::Error> {
        let ascending = runs.windows(2).all(|pair| pair[0].1 < pair[1].0);
        match ascending && runs.iter().all(|(start, end)| start < end) {
            true => Ok(Self(runs)),
            false => Err("a selection's runs must be ascending and neither touch nor overlap"),
        }
    }
}

impl Selection {
    /// The first rows, so many.
    pub fn first(rows: u64) -> Self {
        Self(if rows == 0 { Vec::new() } else { vec![(0, rows)] })
    }

    /// The rows that the other has not.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        let mut gone = other.0.iter().copied().peekable();
        for (mut start, end) in self.0.iter().copied() {
            while let Some((from, to)) = gone.peek().copied().filter(|(from, _)| *from < end) {
                if start < from {
                    left.push((start, from));
                }
                start = start.max(to).min(end);
                // A run that goes on behind this one takes from the next as well.
                if to > end {
                    break;
                }
                gone.next();
            }
            if start < end {
                left.push((start, end));
            }
        }
        Self(left)
    }

    /// Appends a row, which must lie behind all rows so far.
    pub fn push(&mut self, row: u64) {
        match self.0.last_mut() {
            Some((_, end)) if *end == row => *end += 1,
            _ => self.0.push((row, row + 1)),
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> u64 {
        self.0.iter().map(|(start, end)| end - start).sum()
    }

    /// The row behind the last one.
    pub fn end(&self) -> u64 {
        self.0.last().map_or(0, |(_, end)| *end)
    }

    /// The rows, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.iter().flat_map(|(start, end)| *start..*end)
    }

    /// Whether every row of the range is selected.
    pub fn covers(&self, range: &Range<u64>) -> bool {
        range.is_empty() || self.0.iter().any(|(start, end)| *start <= range.start && range.end <= *end)
    }

    /// The rows of the range, counted from its start.
    #[must_use]
    pub fn slice(&self, range: &Range<u64>) -> Self {
        let first = self.0.partition_point(|(_, end)| *end <= range.start);
        let inside = self.0[first..].iter().take_while(|(start, _)| *start < range.end);
        Self(
            inside
                .map(|(start, end)| ((*start).max(range.start) - range.start, (*end).min(range.end) - range.start))
                .collect(),
        )
    }

    /// A mask over the rows of the range: true where selected.
    pub fn mask(&self, range: &Range<u64>) -> BooleanArray {
        let mut mask = vec![false; (range.end - range.start) as usize];
        for (from, to) in self.slice(range).0 {
            mask[from as usize..to as usize].fill(true);
        }
        BooleanArray::from(mask)
    }
}

impl FromIterator<u64> for Selection {
    fn from_iter<I: IntoIterator<Item = u64>>(rows: I) -> Self {
        let mut selection = Self::default();
        rows.into_iter().for_each(|row| selection.push(row));
        selection
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stored_comes_back_and_nothing_else() {
        let selection: Selection = [0, 1, 5].into_iter().collect();
        let text = serde_json::to_string(&selection).unwrap();
        assert_eq!((text.as_str(), serde_json::from_str(&text).ok()), ("[[0,2],[5,6]]", Some(selection)));
        for damaged in ["[[5,2]]", "[[3,3]]", "[[4,6],[0,2]]", "[[0,2],[2,3]]"] {
            assert!(serde_json::from_str::<Selection>(damaged).is_err(), "{damaged}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_taken_away_is_gone_and_nothing_else(
            rows in proptest::collection::btree_set(0u64..40, 0..40),
            gone in proptest::collection::btree_set(0u64..40, 0..40),
        ) {
            let (all, taken): (Selection, Selection) = (rows.iter().copied().collect(), gone.iter().copied().collect());
            let expected: Selection = rows.difference(&gone).copied().collect();
            proptest::prop_assert_eq!(all.without(&taken), expected);
        }
    }

    #[test]
    fn runs_merge_and_masks_cut_them() {
        let selection: Selection = [0, 1, 2, 5, 7, 8].into_iter().collect();
        assert_eq!(selection.0, [(0, 3), (5, 6), (7, 9)]);
        assert_eq!(selection.rows(), 6);
        assert_eq!(selection.mask(&(2..8)), BooleanArray::from(vec![true, false, false, true, false, true]));
        assert_eq!(selection.slice(&(1..8)).0, [(0, 2), (4, 5), (6, 7)]);
        assert!(selection.covers(&(0..3)) && !selection.covers(&(0..4)) && selection.covers(&(4..4)));
    }
}
