//! What must hold of the estimators that work on returns: whitening, GiGPO and turn returns.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::harness::{Credit, advantage_of_rows, credit};
use super::rows::{Row, any_rows, one_turn_rows};

/// Rounding of stored float32 values (6e-8 each), summed over at most 60 turns of 70 tokens' magnitude, with margin.
const ROUNDING: f64 = 1e-5;

/// Advantage and return of every scored turn, with the turn's row and place.
fn turns<'a>(rows: &'a [Row], credit: &BTreeMap<String, Credit>) -> Vec<(&'a Row, usize, f64, f64)> {
    let mut turns = Vec::new();
    for row in rows {
        let credit = &credit[&row.id];
        for (place, (advantage, value)) in credit.advantages.iter().zip(&credit.returns).enumerate() {
            if let (Some(advantage), Some(value)) = (advantage, value) {
                turns.push((row, place, f64::from(*advantage), f64::from(*value)));
            }
        }
    }
    turns
}

fn assert_sums_to_zero<K: Ord>(sets: impl IntoIterator<Item = (K, f64)>) {
    let mut sums: BTreeMap<K, (f64, f64)> = BTreeMap::new();
    for (key, value) in sets {
        let sum = sums.entry(key).or_default();
        sum.0 += value;
        sum.1 += value.abs();
    }
    for (sum, magnitude) in sums.into_values() {
        assert!(sum.abs() <= ROUNDING * magnitude, "{sum} of {magnitude}");
    }
}

fn with_distinct_states(rows: &[Row]) -> Vec<Row> {
    let mut rows = rows.to_vec();
    for row in &mut rows {
        for (place, turn) in row.turns.iter_mut().enumerate() {
            turn.observation = format!("{} {place}", row.id);
        }
    }
    rows
}

/// Both as large as the other says, times a factor, to rounding.
fn assert_equal(left: &[Option<f32>], right: &[Option<f32>], factor: f64) {
    assert_eq!(left.len(), right.len());
    for (left, right) in left.iter().zip(right) {
        let (left, right) = (left.map(f64::from), right.map(|value| f64::from(value) * factor));
        match (left, right) {
            (Some(left), Some(right)) => assert!((left - right).abs() <= 1e-6 * (1.0 + right.abs()), "{left} {right}"),
            (left, right) => assert_eq!(left, right),
        }
    }
}

proptest! {
    #[test]
    fn whitened_tokens_have_mean_zero_and_variance_one(rows in any_rows(true)) {
        for (with, weight) in [
            ("estimator: reinforce++", "tokens"),
            ("estimator: reinforce++-baseline", "tokens"),
            ("{estimator: reinforce++, gamma: 0.9, weight: turns}", "turns"),
            ("{estimator: reinforce++, gamma: 0.9, weight: trajectories}", "trajectories"),
        ] {
            let credit = credit(with, &rows);
            let turns = turns(&rows, &credit);
            let weights: Vec<f64> = turns
                .iter()
                .map(|(row, place, ..)| match weight {
                    "tokens" => row.turns[*place].tokens.unwrap() as f64,
                    "turns" => 1.0,
                    _ => 1.0 / row.turns.len() as f64,
                })
                .collect();
            let count: f64 = weights.iter().sum();
            let mean = turns.iter().zip(&weights).map(|(turn, weight)| turn.2 * weight).sum::<f64>() / count.max(1.0);
            prop_assert!(mean.abs() <= ROUNDING, "{}: mean {}", with, mean);
            let squares: f64 = turns.iter().zip(&weights).map(|(turn, weight)| turn.2.powi(2) * weight).sum();
            if squares > 0.0 {
                // Returns that differ do so by 1e-4 at least, a variance of 1e-10 over 200 tokens beside 1e-8 at worst.
                let variance = squares / (count - 1.0);
                let raw: Vec<f64> = turns.iter().map(|turn| turn.3).collect();
                let centre = raw.iter().zip(&weights).map(|(value, weight)| value * weight).sum::<f64>() / count;
                let spread = raw.iter().zip(&weights).map(|(value, weight)| (value - centre).powi(2) * weight).sum::<f64>()
                    / (count - 1.0);
                prop_assume!(spread > 1e-3);
                prop_assert!((variance - 1.0).abs() <= 1e-4, "{}: variance {}", with, variance);
            }
        }
    }

    #[test]
    fn a_constant_added_to_every_outcome_whitens_away(rows in any_rows(false), eighths in -80_i16..80) {
        let shifted: Vec<Row> = rows
            .iter()
            .map(|row| Row { reward: row.reward.map(|reward| reward + f32::from(eighths) / 8.0), ..row.clone() })
            .collect();
        for with in ["estimator: reinforce++", "estimator: reinforce++-baseline"] {
            let (before, after) = (credit(with, &rows), credit(with, &shifted));
            for (id, before) in &before {
                assert_equal(&before.advantages, &after[id].advantages, 1.0);
            }
        }
    }

    #[test]
    fn gigpo_of_single_turns_is_dr_grpo_once_and_omega_times(rows in one_turn_rows(), halves in 0_u8..6) {
        let omega = f64::from(halves) / 2.0;
        let found = advantage_of_rows(&format!("{{estimator: gigpo, omega: {omega:?}}}"), &rows);
        let centred = advantage_of_rows("estimator: dr-grpo", &rows);
        for (id, found) in found {
            assert_equal(&[found], &[centred[&id]], 1.0 + omega);
        }
    }

    #[test]
    fn step_advantages_of_a_state_cancel_out(rows in any_rows(true)) {
        for scale in ["none", "std"] {
            let with = |omega: &str| format!("{{estimator: gigpo, scale: {scale}, outcome: add, omega: {omega}}}");
            let (both, episode) = (credit(&with("1.0"), &rows), credit(&with("0.0"), &rows));
            let (both, episode) = (turns(&rows, &both), turns(&rows, &episode));
            let mut sums: BTreeMap<(&str, &str), (f64, f64)> = BTreeMap::new();
            for ((row, place, together, _), (_, _, alone, _)) in both.iter().zip(&episode) {
                let sum = sums.entry((&row.group, &row.turns[*place].observation)).or_default();
                sum.0 += together - alone;
                // The difference of two rounded numbers is off by their rounding, not by its own.
                sum.1 += together.abs() + alone.abs();
            }
            for (sum, magnitude) in sums.into_values() {
                prop_assert!(sum.abs() <= 1e-6 * magnitude, "{} of {}", sum, magnitude);
            }
        }
    }

    #[test]
    fn without_steps_all_turns_of_a_row_are_equal(rows in any_rows(true)) {
        for credit in credit("{estimator: gigpo, omega: 0.0}", &rows).values() {
            prop_assert!(credit.advantages.windows(2).all(|pair| pair[0] == pair[1]));
        }
    }

    #[test]
    fn states_met_once_give_no_step_advantage(rows in any_rows(true)) {
        let rows = with_distinct_states(&rows);
        let (with_steps, without) = (credit("estimator: gigpo", &rows), credit("{estimator: gigpo, omega: 0.0}", &rows));
        prop_assert_eq!(with_steps, without);
    }

    #[test]
    fn episodes_of_a_group_cancel_out(rows in any_rows(true)) {
        let rows: Vec<Row> = rows.into_iter().filter(|row| !row.turns.is_empty()).collect();
        let by_trajectory = credit("{estimator: gigpo, omega: 0.0}", &rows);
        assert_sums_to_zero(turns(&rows, &by_trajectory).iter().filter(|turn| turn.1 == 0).map(|turn| (&turn.0.group, turn.2)));
        let by_turn = credit("{estimator: gigpo, omega: 0.0, episode_over: turns}", &rows);
        assert_sums_to_zero(turns(&rows, &by_turn).iter().map(|turn| (&turn.0.group, turn.2)));
    }

    #[test]
    fn without_foresight_a_return_is_its_reward(rows in any_rows(true)) {
        for credit in credit("{estimator: turn-return, gamma: 0.0, outcome: ignore}", &rows).into_iter() {
            let row = rows.iter().find(|row| row.id == credit.0).unwrap();
            let scored = row.turns.iter().any(|turn| turn.reward.is_some());
            let expected: Vec<Option<f32>> =
                row.turns.iter().map(|turn| scored.then_some(turn.reward.unwrap_or(0.0))).collect();
            prop_assert_eq!(&credit.1.returns, &expected);
            prop_assert_eq!(&credit.1.advantages, &expected);
        }
    }

    /// Rewards are eighths: their sums are exact.
    #[test]
    fn undiscounted_the_first_return_is_the_sum(rows in any_rows(true)) {
        for (id, credit) in credit("{estimator: turn-return, outcome: add}", &rows) {
            let row = rows.iter().find(|row| row.id == id).unwrap();
            let rewards: Vec<f32> = row.turns.iter().filter_map(|turn| turn.reward).chain(row.reward).collect();
            let expected = (!rewards.is_empty()).then(|| rewards.iter().sum::<f32>());
            if let Some(first) = credit.returns.first() {
                prop_assert_eq!(*first, expected);
            }
        }
    }

    #[test]
    fn turns_cancel_out_over_their_baseline(rows in any_rows(true)) {
        for scale in ["none", "std"] {
            let group = credit(&format!("{{estimator: turn-return, baseline: group, scale: {scale}}}"), &rows);
            assert_sums_to_zero(turns(&rows, &group).iter().map(|turn| (&turn.0.group, turn.2)));
            let position = credit(&format!("{{estimator: turn-return, baseline: position, scale: {scale}}}"), &rows);
            assert_sums_to_zero(turns(&rows, &position).iter().map(|turn| ((&turn.0.group, turn.1), turn.2)));
        }
    }

    #[test]
    fn single_turns_against_their_group_are_dr_grpo(rows in one_turn_rows()) {
        let centred = advantage_of_rows("estimator: dr-grpo", &rows);
        for baseline in ["group", "position"] {
            let found = advantage_of_rows(&format!("{{estimator: turn-return, baseline: {baseline}}}"), &rows);
            prop_assert_eq!(&found, &centred);
        }
    }
}
