//! Shares of a count among strata, by largest remainder (Hamilton's method of apportionment): each gets its exact share
//! rounded down, and what is left goes to those that lost most by rounding.

/// How many of each stratum are kept, given how many it has. `count` must not be more than there are of all together.
/// Of equal remainders the larger stratum comes first, of equal strata the first.
pub(super) fn shares(sizes: &[u64], count: u64) -> Vec<u64> {
    let all: u128 = sizes.iter().map(|size| u128::from(*size)).sum();
    if all == 0 {
        return vec![0; sizes.len()];
    }
    let exact = |size: u64| u128::from(size) * u128::from(count);
    let mut shares: Vec<u64> = sizes.iter().map(|size| (exact(*size) / all) as u64).collect();
    let mut order: Vec<(usize, &u64)> = sizes.iter().enumerate().collect();
    order.sort_by_key(|(stratum, size)| (std::cmp::Reverse(exact(**size) % all), std::cmp::Reverse(**size), *stratum));
    let left = count.saturating_sub(shares.iter().sum());
    for (stratum, _) in order.into_iter().take(left as usize) {
        if let Some(share) = shares.get_mut(stratum) {
            *share += 1;
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn largest_remainders_by_hand() {
        // 10 · 6/13 = 4.6, 10 · 4/13 = 3.1, 10 · 3/13 = 2.3.
        assert_eq!(shares(&[6, 4, 3], 10), [5, 3, 2]);
        assert_eq!(shares(&[1, 1, 1], 2), [1, 1, 0]);
        assert_eq!(shares(&[1, 3], 2), [0, 2], "both remainders are a half");
        assert_eq!(shares(&[], 0), Vec::<u64>::new());
    }

    proptest! {
        /// All of the count is handed out, and nobody is further than one from the exact share.
        #[test]
        fn every_stratum_keeps_its_share(sizes in prop::collection::vec(1_u64..1000, 1..20), part in 0.0_f64..=1.0) {
            let all: u64 = sizes.iter().sum();
            let count = (all as f64 * part) as u64;
            let kept = shares(&sizes, count);
            prop_assert_eq!(kept.iter().sum::<u64>(), count);
            for (size, kept) in sizes.iter().zip(&kept) {
                let (low, high) = (size * count / all, (size * count).div_ceil(all));
                prop_assert!((low..=high).contains(kept) && kept <= size);
            }
        }
    }
}
