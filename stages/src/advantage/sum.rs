//! Compensated summation, so that a sum hardly depends on the order of its terms. Not concerned with what is summed.

/// The sum of the values, with the part that rounding took from each addition kept apart and added at the end
/// (Neumaier 1974, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen").
pub(super) fn sum(values: impl IntoIterator<Item = f64>) -> f64 {
    let (mut total, mut lost) = (0.0_f64, 0.0_f64);
    for value in values {
        let next = total + value;
        lost += if total.abs() >= value.abs() { (total - next) + value } else { (value - next) + total };
        total = next;
    }
    total + lost
}

#[cfg(test)]
mod tests {
    use super::sum;

    #[test]
    fn small_terms_survive_large_ones() {
        assert_eq!(sum([1.0, 1e100, 1.0, -1e100]), 2.0);
    }

    #[test]
    fn nothing_sums_to_zero() {
        assert_eq!(sum([]), 0.0);
    }

    #[test]
    fn order_is_forgotten() {
        let values: Vec<f64> = (1..=1000).map(|index| 1.0 / f64::from(index)).collect();
        assert_eq!(sum(values.iter().copied()), sum(values.iter().rev().copied()));
    }
}
