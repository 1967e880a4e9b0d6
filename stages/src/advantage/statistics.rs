//! Mean and spread of a set of values that are compared with each other, and whether they differ at all.
//! Weighted statistics of a whole dataset are the concern of `whitening`.

use super::options::StandardDeviation;
use super::sum::sum;

/// Added to the standard deviation of a set of returns before dividing by it; verl-agent's value.
const SET_EPSILON: f64 = 1e-6;

/// Whether the values tell anything apart: at least two of them that differ as float32, which is how rewards and
/// returns are stored. Asked before dividing, so that the rounding of a mean is never taken for a signal.
pub(super) fn has_signal(values: &[f64]) -> bool {
    values.first().is_some_and(|first| values.iter().any(|value| *value as f32 != *first as f32))
}

/// Arithmetic mean; of nothing, NaN.
pub(super) fn mean(values: &[f64]) -> f64 {
    sum(values.iter().copied()) / values.len() as f64
}

/// Root of the mean squared deviation from `mean`, over n − 1 (sample) or n (population).
pub(super) fn standard_deviation(values: &[f64], mean: f64, kind: StandardDeviation) -> f64 {
    let squares = sum(values.iter().map(|value| (value - mean).powi(2)));
    let divisor = match kind {
        StandardDeviation::Sample => values.len() as f64 - 1.0,
        StandardDeviation::Population => values.len() as f64,
    };
    (squares / divisor).sqrt()
}

/// The values less their mean, divided by their sample standard deviation + 1e-6 if `scaled`; all exactly 0 for a
/// set without signal.
pub(super) fn centred(values: &[f64], scaled: bool) -> Vec<f64> {
    if !has_signal(values) {
        return vec![0.0; values.len()];
    }
    let mean = mean(values);
    let divisor = if scaled { standard_deviation(values, mean, StandardDeviation::Sample) + SET_EPSILON } else { 1.0 };
    values.iter().map(|value| (value - mean) / divisor).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_carry_no_signal() {
        assert!(!has_signal(&[]));
        assert!(!has_signal(&[0.3]));
        assert!(!has_signal(&[0.3, 0.3, 0.3]));
        assert!(!has_signal(&[0.1 + 0.2, 0.3]), "a difference that float32 cannot hold");
        assert!(!has_signal(&[0.0, -0.0]));
        assert!(has_signal(&[0.3, 0.3, 0.4]));
    }

    #[test]
    fn spread_by_hand() {
        let values = [1.0, 2.0, 4.0, 5.0];
        assert_eq!(mean(&values), 3.0);
        assert_eq!(standard_deviation(&values, 3.0, StandardDeviation::Population), 2.5_f64.sqrt());
        assert_eq!(standard_deviation(&values, 3.0, StandardDeviation::Sample), (10.0_f64 / 3.0).sqrt());
    }

    #[test]
    fn sets_of_one_are_zero() {
        assert_eq!(centred(&[7.0], false), [0.0]);
        assert_eq!(centred(&[7.0], true), [0.0]);
    }
}
