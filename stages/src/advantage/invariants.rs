//! What must hold of every result before it leaves the stage: sets of advantages balance, and values fit float32.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Builder};
use sternlight_engine::stage::StageError;
use sternlight_engine::trajectory::TrajectoryBatch;

use super::sum::sum;

/// Largest |Σ A| of a set of advantages, as a share of Σ |A|.
///
/// Held against the values before they are rounded to float32. Rewards are float32 and differ by at least 2⁻²⁴ of
/// their size, while a compensated mean in float64 is right to 2⁻⁵², so that a right result stays near 1e-8.
/// Rounding to float32 adds at most 6e-8, except where an advantage is subnormal (below 1.2e-38).
const IMBALANCE: f64 = 1e-5;

/// Checks that advantages relative to a common mean cancel out. Each comes with its weight in that mean.
///
/// # Errors
/// If they do not, naming `set`: "group `g`".
pub(super) fn check_balance(set: &str, advantages: impl Iterator<Item = (f64, f64)> + Clone) -> Result<(), StageError> {
    let total = sum(advantages.clone().map(|(advantage, weight)| advantage * weight));
    let magnitude = sum(advantages.map(|(advantage, weight)| (advantage * weight).abs()));
    // Also catches NaN, which no comparison would.
    if total.abs() <= IMBALANCE * magnitude {
        return Ok(());
    }
    Err(StageError::new(format!(
        "the advantages of {set} sum to {total:e}, expected 0 within {IMBALANCE:e} of their magnitude {magnitude:e}"
    ))
    .help("this is a defect of the stage, or rewards too far apart for float64; please report it"))
}

/// The values of all turns as a float32 column, null in rows for which `known` says no.
///
/// # Errors
/// If a value has no finite float32, naming the trajectory and turn.
pub(super) fn column(
    batch: &TrajectoryBatch,
    name: &str,
    values: &[f64],
    known: impl Fn(usize) -> bool,
) -> Result<ArrayRef, StageError> {
    let mut builder = Float32Builder::with_capacity(values.len());
    for row in 0..batch.rows() {
        let turns = batch.turns_of(row);
        if !known(row) {
            builder.append_nulls(turns.len());
            continue;
        }
        for (turn, value) in values.get(turns).unwrap_or_default().iter().enumerate() {
            builder.append_value(float(*value).ok_or_else(|| {
                StageError::new(format!("`{name}` of turn {turn} is {value:e}, which float32 cannot hold"))
                    .trajectory(batch.name_of(row))
                    .help("bring the rewards to a smaller scale before this stage")
            })?);
        }
    }
    Ok(Arc::new(builder.finish()))
}

/// The value as float32, if that is finite.
pub(super) fn float(value: f64) -> Option<f32> {
    Some(value as f32).filter(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unbalanced_group_is_named() {
        let error = check_balance("group `g`", [(1.0, 1.0), (-0.9, 1.0)].into_iter()).unwrap_err();
        insta::assert_snapshot!(
            error,
            @"the advantages of group `g` sum to 9.999999999999998e-2, expected 0 within 1e-5 of their magnitude 1.9e0"
        );
    }

    #[test]
    fn not_a_number_is_not_balanced() {
        assert!(check_balance("group `g`", [(f64::NAN, 1.0)].into_iter()).is_err());
        assert!(check_balance("group `g`", [(f64::INFINITY, 1.0), (f64::NEG_INFINITY, 1.0)].into_iter()).is_err());
    }

    #[test]
    fn weights_count() {
        assert!(check_balance("group `g`", [(1.0, 1.0), (-0.5, 2.0)].into_iter()).is_ok());
        assert!(check_balance("group `g`", [].into_iter()).is_ok());
    }

    #[test]
    fn overflow_has_no_float() {
        assert_eq!(float(1e39), None);
        assert_eq!(float(0.5), Some(0.5));
    }
}
