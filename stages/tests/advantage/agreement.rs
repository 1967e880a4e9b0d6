//! The stage against the reference, on random rows and under every combination of options worth telling apart.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sternlight_engine::trajectory::TrajectoryBatch;

use super::harness::{Credit, apply, credit as credit_of};
use super::reference::{Expected, reference};
use super::rows::{Row, any_rows, batch_of, rows_of};

/// Largest difference, as a share of 1 + |expected|. Rounding to float32 makes 6e-8 of it; sums of float64 in
/// another order make 1e-12 at most on these sizes; the rest is margin. Every mistake in a formula, in n or n − 1,
/// or between an ε of 1e-6 and 1e-4, is larger.
const TOLERANCE: f64 = 1e-6;

pub(crate) const OUTCOME: [&str; 8] = [
    "estimator: grpo",
    "{estimator: grpo, std: population, eps: 1.0e-4}",
    "{estimator: grpo, scale: batch}",
    "{estimator: grpo, scale: batch, std: population}",
    "{estimator: grpo, scale: none}",
    "{estimator: grpo, eps: 0.0}",
    "estimator: dr-grpo",
    "estimator: rloo",
];

pub(crate) const RETURN: [&str; 24] = [
    "estimator: reinforce++",
    "{estimator: reinforce++, gamma: 0.5, weight: tokens}",
    "{estimator: reinforce++, gamma: 0.9, weight: turns, outcome: add}",
    "{estimator: reinforce++, gamma: 0.9, weight: trajectories, outcome: ignore}",
    "{estimator: reinforce++, gamma: 0.9, discount: token}",
    "{estimator: reinforce++, gamma: 0.0, discount: token, weight: turns, outcome: add}",
    "estimator: reinforce++-baseline",
    "{estimator: reinforce++-baseline, gamma: 0.9, weight: trajectories, outcome: add}",
    "estimator: gigpo",
    "{estimator: gigpo, gamma: 0.5, omega: 2.0, outcome: add}",
    "{estimator: gigpo, gamma: 1.0, omega: 0.5, outcome: ignore}",
    "{estimator: gigpo, scale: std}",
    "{estimator: gigpo, scale: std, episode_over: turns, omega: 0.0}",
    "{estimator: gigpo, episode_over: turns, outcome: add}",
    "{estimator: gigpo, anchor: turns.observation, gamma: 0.0}",
    "estimator: turn-return",
    "{estimator: turn-return, gamma: 0.5, outcome: add}",
    "{estimator: turn-return, gamma: 0.0, outcome: ignore}",
    "{estimator: turn-return, baseline: group}",
    "{estimator: turn-return, baseline: group, scale: std, gamma: 0.9}",
    "{estimator: turn-return, baseline: group, outcome: add}",
    "{estimator: turn-return, baseline: position}",
    "{estimator: turn-return, baseline: position, scale: std, gamma: 0.9}",
    "{estimator: turn-return, baseline: position, outcome: ignore, gamma: 0.5}",
];

/// Runs the stage on a batch with `trajectory_id`, `group_id`, `reward` and `turns` (with `reward`, `observation`
/// and `action_tokens` as far as known), and the reference on the same rows, and holds one against the other.
pub(crate) fn assert_agreement(with: &str, batch: &TrajectoryBatch) {
    let rows = rows_of(batch);
    let (credit, _) = apply(with, batch).unwrap_or_else(|error| panic!("{with}: {error}"));
    for ((row, credit), expected) in rows.iter().zip(&credit).zip(reference(&rows, with)) {
        assert_close(&format!("{with}, trajectory `{}`", row.id), row.turns.len(), credit, &expected);
    }
}

fn assert_close(what: &str, turns: usize, credit: &Credit, expected: &Expected) {
    let Some(expected) = expected else {
        let nulls = vec![None; turns];
        assert_eq!(credit.advantages, nulls, "{what}: not scored");
        assert!(credit.returns.is_empty() || credit.returns == nulls, "{what}: not scored");
        return;
    };
    let columns = [
        ("advantage", &credit.advantages, Some(&expected.advantages)),
        ("return", &credit.returns, expected.returns.as_ref()),
    ];
    for (name, found, expected) in columns {
        let Some(expected) = expected else {
            assert!(found.is_empty(), "{what}: {name} was not expected");
            continue;
        };
        assert_eq!(found.len(), expected.len(), "{what}: {name}");
        for (turn, (found, expected)) in found.iter().zip(expected).enumerate() {
            let found = f64::from(found.unwrap_or_else(|| panic!("{what}: {name} of turn {turn} is null")));
            let difference = (found - expected).abs();
            assert!(
                difference <= TOLERANCE * (1.0 + expected.abs()),
                "{what}: {name} of turn {turn} is {found}, expected {expected}"
            );
        }
    }
}

proptest! {
    #[test]
    fn stage_and_reference_agree(rows in any_rows(true)) {
        for with in OUTCOME.iter().chain(&RETURN) {
            assert_agreement(with, &batch_of(&rows));
        }
    }

    #[test]
    fn they_agree_without_turn_rewards(rows in any_rows(false)) {
        for with in RETURN {
            assert_agreement(with, &batch_of(&rows));
        }
    }

    #[test]
    fn they_agree_without_tokens(mut rows in any_rows(true), missing in any::<prop::sample::Index>()) {
        let turns: Vec<_> = rows.iter_mut().flat_map(|row| &mut row.turns).collect();
        if !turns.is_empty() {
            let index = missing.index(turns.len());
            turns.into_iter().nth(index).unwrap().tokens = None;
        }
        for with in ["estimator: reinforce++", "estimator: reinforce++-baseline"] {
            assert_agreement(with, &batch_of(&rows));
        }
    }

    /// Small rewards, where ε is felt.
    #[test]
    fn they_agree_on_small_rewards(mut rows in any_rows(true)) {
        let small = |reward: f32| reward * 2.0_f32.powi(-20);
        for row in &mut rows {
            row.reward = row.reward.map(small);
            for turn in &mut row.turns {
                turn.reward = turn.reward.map(small);
            }
        }
        for with in OUTCOME.iter().chain(&RETURN) {
            assert_agreement(with, &batch_of(&rows));
        }
    }

    /// Where a group, or less, is what is compared: order of rows and cuts between groups do not show in any bit.
    #[test]
    fn order_and_cuts_do_not_show(rows in any_rows(true), seed in any::<u64>()) {
        for with in OUTCOME.iter().chain(&RETURN) {
            if with.contains("batch") || with.contains("reinforce") {
                continue;
            }
            let whole = credit_of(with, &rows);
            prop_assert_eq!(&whole, &credit_of(with, &shuffled(&rows, seed)));
            let mut in_parts = BTreeMap::new();
            for groups in [["a", "c"], ["b", "d"]] {
                let part: Vec<_> = rows.iter().filter(|row| groups.contains(&row.group.as_str())).cloned().collect();
                in_parts.extend(credit_of(with, &part));
            }
            prop_assert_eq!(&whole, &in_parts);
        }
    }

    /// Statistics of a whole dataset: another order changes a value by one unit in the last place at most.
    #[test]
    fn order_hardly_shows_in_dataset_wide_statistics(rows in any_rows(true), seed in any::<u64>()) {
        for with in OUTCOME.iter().chain(&RETURN) {
            let left = credit_of(with, &rows);
            let right = credit_of(with, &shuffled(&rows, seed));
            for (id, left) in &left {
                for (left, right) in left.advantages.iter().zip(&right[id].advantages) {
                    prop_assert_eq!(left.is_some(), right.is_some());
                    let (left, right) = (left.unwrap_or_default(), right.unwrap_or_default());
                    prop_assert!(
                        left == right || left.next_up() == right || left.next_down() == right,
                        "{}: {} and {}", with, left, right
                    );
                }
            }
        }
    }

    /// Rows that are not scored take part in nothing.
    #[test]
    fn unscored_rows_change_nothing(mut rows in any_rows(true), added in any_rows(false)) {
        for with in OUTCOME.iter().chain(&RETURN) {
            let alone = credit_of(with, &rows);
            let before = rows.len();
            for (index, row) in added.iter().enumerate() {
                let mut row = row.clone();
                row.id = format!("s{index:02}");
                row.reward = None;
                for turn in &mut row.turns {
                    turn.tokens = Some(900);
                }
                rows.insert(before / 2, row);
            }
            let mut together = credit_of(with, &rows);
            rows.retain(|row| alone.contains_key(&row.id));
            for index in 0..added.len() {
                let credit = together.remove(&format!("s{index:02}")).unwrap();
                prop_assert!(credit.advantages.iter().chain(&credit.returns).all(Option::is_none));
            }
            prop_assert_eq!(alone, together);
        }
    }
}

/// The rows in another order, the same for the same seed.
fn shuffled(rows: &[Row], seed: u64) -> Vec<Row> {
    let mut keyed: Vec<_> = rows
        .iter()
        .enumerate()
        .map(|(index, row)| ((index as u64 + 1).wrapping_mul(seed | 1).rotate_left(23).wrapping_mul(seed | 1), row))
        .collect();
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, row)| row.clone()).collect()
}
