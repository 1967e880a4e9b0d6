//! How the order of the trajectories of a group changes from one scoring to another. Pairs are counted, not visited:
//! sorting takes n log n where visiting would take n² (Knight 1966, for Kendall's tau).

use serde::Serialize;

/// Pairs of trajectories of one group that both scorings give a number.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct OrderChanges {
    /// Groups with at least one such pair.
    pub groups: u64,
    /// Pairs.
    pub pairs: u64,
    /// Pairs whose order turned round.
    pub flipped: u64,
    /// Pairs that were in order and are equal now.
    pub tied: u64,
    /// Pairs that were equal and are in order now.
    pub untied: u64,
    /// Groups in which a pair turned round.
    pub groups_flipped: u64,
    /// The group in which most pairs turned round; the first of several.
    pub worst: Option<WorstGroup>,
}

/// A group and its pairs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorstGroup {
    /// The group.
    pub group_id: String,
    /// Its pairs.
    pub pairs: u64,
    /// Those whose order turned round.
    pub flipped: u64,
}

/// A trajectory's group, by number, and its score in each run.
pub(super) struct Scored {
    pub(super) group: u32,
    pub(super) first: f64,
    pub(super) second: f64,
}

/// Counts over all groups.
pub(super) fn order_changes(mut scored: Vec<Scored>, group_names: &[String]) -> OrderChanges {
    scored.sort_unstable_by(|left, right| {
        let by_first = left.group.cmp(&right.group).then(left.first.total_cmp(&right.first));
        by_first.then(left.second.total_cmp(&right.second))
    });
    let mut changes = OrderChanges::default();
    for group in scored.chunk_by(|left, right| left.group == right.group).filter(|group| group.len() > 1) {
        let pairs = pairs_of(group.len());
        let equal_in_first = equal_pairs(group, |left, right| left.first == right.first);
        let equal_in_both = equal_pairs(group, |left, right| left.first == right.first && left.second == right.second);
        // Trajectories with equal first scores are sorted by the second: none of their pairs is an inversion.
        let mut seconds: Vec<f64> = group.iter().map(|scored| scored.second).collect();
        let flipped = sort_and_count(&mut seconds);
        let equal_in_second = seconds.chunk_by(|left, right| left == right).map(|run| pairs_of(run.len())).sum::<u64>();
        changes.groups += 1;
        changes.pairs += pairs;
        changes.flipped += flipped;
        changes.tied += equal_in_second - equal_in_both;
        changes.untied += equal_in_first - equal_in_both;
        changes.groups_flipped += u64::from(flipped > 0);
        if flipped > changes.worst.as_ref().map_or(0, |worst| worst.flipped) {
            let group_id = group_names.get(group[0].group as usize).cloned().unwrap_or_default();
            changes.worst = Some(WorstGroup { group_id, pairs, flipped });
        }
    }
    changes
}

fn pairs_of(count: usize) -> u64 {
    count as u64 * (count as u64).saturating_sub(1) / 2
}

/// Pairs of neighbours that are all equal.
fn equal_pairs(group: &[Scored], equal: impl FnMut(&Scored, &Scored) -> bool) -> u64 {
    group.chunk_by(equal).map(|run| pairs_of(run.len())).sum()
}

/// Sorts by merging; how many pairs were in the wrong order.
fn sort_and_count(values: &mut [f64]) -> u64 {
    if values.len() < 2 {
        return 0;
    }
    let middle = values.len() / 2;
    let (left, right) = values.split_at_mut(middle);
    let mut inversions = sort_and_count(left) + sort_and_count(right);
    let (mut from_left, mut from_right) = (left.iter().peekable(), right.iter().peekable());
    let mut merged = Vec::with_capacity(middle + from_right.len());
    while let (Some(first), Some(second)) = (from_left.peek(), from_right.peek()) {
        if first <= second {
            merged.extend(from_left.next());
        } else {
            // All that is left on the left is larger.
            inversions += from_left.len() as u64;
            merged.extend(from_right.next());
        }
    }
    let mut merged: Vec<f64> = merged.into_iter().copied().collect();
    merged.extend(from_left.chain(from_right));
    values.copy_from_slice(&merged);
    inversions
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Visits every pair.
    fn slowly(scored: &[(u32, f64, f64)]) -> OrderChanges {
        let mut changes = OrderChanges::default();
        let names = ["a", "b", "c"];
        for (group, name) in names.iter().enumerate() {
            let rows: Vec<_> = scored.iter().filter(|row| row.0 as usize == group).collect();
            let (mut pairs, mut flipped) = (0, 0);
            for (index, left) in rows.iter().enumerate() {
                for right in &rows[index + 1..] {
                    let (before, after) = (left.1.total_cmp(&right.1), left.2.total_cmp(&right.2));
                    pairs += 1;
                    flipped += u64::from(before.is_ne() && after == before.reverse());
                    changes.tied += u64::from(before.is_ne() && after.is_eq());
                    changes.untied += u64::from(before.is_eq() && after.is_ne());
                }
            }
            changes.groups += u64::from(pairs > 0);
            changes.pairs += pairs;
            changes.flipped += flipped;
            changes.groups_flipped += u64::from(flipped > 0);
            if flipped > changes.worst.as_ref().map_or(0, |worst| worst.flipped) {
                changes.worst = Some(WorstGroup { group_id: (*name).to_owned(), pairs, flipped });
            }
        }
        changes
    }

    proptest::proptest! {
        #[test]
        fn counted_as_by_visiting_every_pair(
            rows in proptest::collection::vec((0u32..3, 0i8..5, 0i8..5), 0..40)
        ) {
            let rows: Vec<(u32, f64, f64)> = rows.into_iter().map(|(group, a, b)| (group, a.into(), b.into())).collect();
            let scored = rows.iter().map(|(group, first, second)| Scored { group: *group, first: *first, second: *second });
            let names = ["a", "b", "c"].map(str::to_owned);
            proptest::prop_assert_eq!(order_changes(scored.collect(), &names), slowly(&rows));
        }
    }
}
