//! Examples worked by hand, to six decimals.

use super::harness::{advantage_of_rows, credit};
use super::rows::{Row, outcomes, row};

/// Half a unit of the sixth decimal, and float32's rounding of values up to 2.
const SIX_DECIMALS: f32 = 5e-7 + 2e-7;

fn assert_values(found: impl IntoIterator<Item = Option<f32>>, expected: &[Option<f32>]) {
    let found: Vec<Option<f32>> = found.into_iter().collect();
    let close = |left: &Option<f32>, right: &Option<f32>| match (left, right) {
        (Some(left), Some(right)) => (left - right).abs() <= SIX_DECIMALS,
        (left, right) => left == right,
    };
    let all_close = found.iter().zip(expected).all(|(left, right)| close(left, right));
    assert!(found.len() == expected.len() && all_close, "found {found:?}, expected {expected:?}");
}

fn assert_rows(with: &str, rows: &[Row], expected: &[Option<f32>]) {
    assert_values(advantage_of_rows(with, rows).into_values(), expected);
}

fn scored(rewards: &[f32]) -> Vec<Row> {
    outcomes(&rewards.iter().copied().map(Some).collect::<Vec<_>>())
}

fn some(values: &[f32]) -> Vec<Option<f32>> {
    values.iter().copied().map(Some).collect()
}

#[test]
fn grpo() {
    let expected = some(&[1.499997, -0.499999, -0.499999, -0.499999]);
    assert_rows("estimator: grpo", &scored(&[1.0, 0.0, 0.0, 0.0]), &expected);
}

#[test]
fn grpo_with_an_unscored_row() {
    let rows = outcomes(&[Some(1.0), Some(0.0), None, Some(0.0)]);
    assert_rows("estimator: grpo", &rows, &[Some(1.154699), Some(-0.577349), None, Some(-0.577349)]);
}

#[test]
fn dr_grpo() {
    let expected = some(&[0.75, -0.25, -0.25, -0.25]);
    let rows = scored(&[1.0, 0.0, 0.0, 0.0]);
    assert_rows("estimator: dr-grpo", &rows, &expected);
    assert_rows("{estimator: grpo, scale: none}", &rows, &expected);
}

#[test]
fn rloo() {
    let third = -1.0 / 3.0;
    assert_rows("estimator: rloo", &scored(&[1.0, 0.0, 0.0, 0.0]), &some(&[1.0, third, third, third]));
}

#[test]
fn reinforce_plus_plus() {
    let mut rows = scored(&[1.0, 0.0, 0.0]);
    for (row, tokens) in rows.iter_mut().zip([2, 3, 5]) {
        row.turns[0].tokens = Some(tokens);
    }
    assert_rows("estimator: reinforce++", &rows, &some(&[1.897367, -0.474342, -0.474342]));
}

#[test]
fn turn_return() {
    let mut rows = vec![row("a", Some(1.0), &["s", "s", "s"]), row("b", Some(1.0), &["s", "s", "s"])];
    rows[1].turns[0].reward = Some(0.5);
    rows[1].turns[2].reward = Some(1.0);
    let credit = credit("{estimator: turn-return, gamma: 0.5}", &rows);
    for (id, expected) in [("a", [0.25, 0.5, 1.0]), ("b", [0.75, 0.5, 1.0])] {
        assert_values(credit[id].returns.iter().copied(), &some(&expected));
        assert_values(credit[id].advantages.iter().copied(), &some(&expected));
    }
}

#[test]
fn gigpo() {
    let rows = [row("a", Some(1.0), &["s", "u"]), row("b", Some(0.0), &["s", "v"]), row("c", Some(0.0), &["s"])];
    let credit = credit("{estimator: gigpo, gamma: 0.5}", &rows);
    for (id, expected) in [("a", &[1.0, 0.666667][..]), ("b", &[-0.5, -0.333333]), ("c", &[-0.5])] {
        assert_values(credit[id].advantages.iter().copied(), &some(expected));
    }
    assert_values(credit["a"].returns.iter().copied(), &some(&[0.5, 1.0]));
}

#[test]
fn outcomes_of_a_group_are_broadcast_to_every_turn() {
    let rows = [row("a", Some(1.0), &["s", "u", "v"]), row("b", Some(0.0), &[]), row("c", None, &["s", "s"])];
    let credit = credit("estimator: dr-grpo", &rows);
    assert_eq!(credit["a"].advantages, [Some(0.5); 3], "the row without turns is part of the mean");
    assert_eq!(credit["b"].advantages, []);
    assert_eq!(credit["c"].advantages, [None, None]);
}
