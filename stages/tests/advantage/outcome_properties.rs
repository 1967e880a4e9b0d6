//! What must hold of `grpo`, `dr-grpo` and `rloo`, whatever the rewards.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::harness::advantage_of_rows;
use super::rows::{Row, one_turn_rows, outcomes};

const ESTIMATORS: [&str; 5] = [
    "estimator: grpo",
    "{estimator: grpo, scale: batch}",
    "{estimator: grpo, std: population}",
    "estimator: dr-grpo",
    "estimator: rloo",
];

/// Rounding to float32 (6e-8), doubled for the difference of two results, with margin. ε counts apart.
const ROUNDING: f64 = 1e-6;

/// The least spread of rewards that are eighths in groups of at most 12: one eighth apart, over √12. What ε = 1e-6
/// may change is below that share.
const EPSILON_EFFECT: f64 = 1e-6 / (0.125 / 3.5);

type Advantages = BTreeMap<String, Option<f32>>;

fn close(left: Option<f32>, right: Option<f64>, tolerance: f64) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => (f64::from(left) - right).abs() <= tolerance * (1.0 + right.abs()),
        (left, right) => left.is_none() && right.is_none(),
    }
}

fn assert_close(left: &Advantages, right: &Advantages, factor: f64, tolerance: f64) {
    for (id, left) in left {
        let right = right[id].map(|value| f64::from(value) * factor);
        assert!(close(*left, right, tolerance), "trajectory `{id}`: {left:?} and {right:?}");
    }
}

fn by_group(rows: &[Row]) -> BTreeMap<&str, Vec<&Row>> {
    let mut groups: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        groups.entry(&row.group).or_default().push(row);
    }
    groups
}

fn with_rewards(rows: &[Row], change: impl Fn(f32) -> f32) -> Vec<Row> {
    rows.iter().map(|row| Row { reward: row.reward.map(&change), ..row.clone() }).collect()
}

proptest! {
    #[test]
    fn advantages_of_a_group_cancel_out(rows in one_turn_rows()) {
        for with in ESTIMATORS {
            let advantages = advantage_of_rows(with, &rows);
            for rows in by_group(&rows).values() {
                let values: Vec<f64> = rows.iter().filter_map(|row| advantages[&row.id]).map(f64::from).collect();
                let magnitude: f64 = values.iter().map(|value| value.abs()).sum();
                prop_assert!(values.iter().sum::<f64>().abs() <= 1e-5 * magnitude, "{}: {:?}", with, values);
            }
        }
    }

    #[test]
    fn a_constant_added_to_all_rewards_changes_nothing(rows in one_turn_rows(), eighths in -800_i16..800) {
        for with in ESTIMATORS {
            let shifted = with_rewards(&rows, |reward| reward + f32::from(eighths) / 8.0);
            let (before, after) = (advantage_of_rows(with, &rows), advantage_of_rows(with, &shifted));
            assert_close(&before, &after, 1.0, ROUNDING);
        }
    }

    #[test]
    fn a_factor_scales_all_but_grpo(rows in one_turn_rows(), factor in 1_u8..50) {
        let scaled = with_rewards(&rows, |reward| reward * f32::from(factor));
        for with in ESTIMATORS {
            let (before, after) = (advantage_of_rows(with, &rows), advantage_of_rows(with, &scaled));
            if with.contains("grpo") && !with.contains("dr-grpo") {
                assert_close(&before, &after, 1.0, ROUNDING + EPSILON_EFFECT);
            } else {
                assert_close(&after, &before, f64::from(factor), ROUNDING);
            }
        }
    }

    #[test]
    fn the_order_of_advantages_is_that_of_rewards(rows in one_turn_rows()) {
        for with in ESTIMATORS {
            let advantages = advantage_of_rows(with, &rows);
            for rows in by_group(&rows).values() {
                for left in rows {
                    for right in rows {
                        if let (Some(one), Some(other)) = (left.reward, right.reward) {
                            let (left, right) = (advantages[&left.id].unwrap(), advantages[&right.id].unwrap());
                            prop_assert_eq!(one.partial_cmp(&other), left.partial_cmp(&right), "{}", with);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn leaving_one_out_is_the_centred_outcome_times_n_over_n_minus_one(rows in one_turn_rows()) {
        let leave_one_out = advantage_of_rows("estimator: rloo", &rows);
        let centred = advantage_of_rows("estimator: dr-grpo", &rows);
        for rows in by_group(&rows).values() {
            let count = rows.iter().filter(|row| row.reward.is_some()).count() as f64;
            for row in rows {
                let expected = centred[&row.id].map(|value| f64::from(value) * count / (count - 1.0).max(1.0));
                prop_assert!(close(leave_one_out[&row.id], expected, ROUNDING));
            }
        }
    }

    #[test]
    fn binary_rewards_have_a_closed_form(successes in 1_usize..20, failures in 1_usize..20) {
        let rewards: Vec<Option<f32>> =
            (0..successes + failures).map(|index| Some(if index < successes { 1.0 } else { 0.0 })).collect();
        let advantages = advantage_of_rows("estimator: grpo", &outcomes(&rewards));
        let (k, n) = (successes as f64, (successes + failures) as f64);
        let expected = ((n - k) * (n - 1.0) / (k * n)).sqrt();
        // The least spread here is that of one success among 20 + 19: 0.16, of which ε is 6e-6.
        prop_assert!(close(advantages["t00"], Some(expected), 1e-5), "{:?}, expected {}", advantages["t00"], expected);
    }

    #[test]
    fn groups_without_signal_are_exactly_zero(reward in -1e30_f32..1e30, count in 1_usize..40) {
        for with in ESTIMATORS {
            let advantages = advantage_of_rows(with, &outcomes(&vec![Some(reward); count]));
            prop_assert!(advantages.values().all(|advantage| *advantage == Some(0.0)), "{}", with);
        }
    }
}
