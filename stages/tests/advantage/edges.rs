//! Rewards at the ends of what float32 holds, missing tokens, warnings and metrics.

use sternlight_engine::stage::Context;

use super::harness::{advantage_of_rows, apply, apply_in, credit};
use super::rows::{Row, batch_of, outcomes, row};

const EVERY_ESTIMATOR: [&str; 7] = [
    "estimator: grpo",
    "estimator: dr-grpo",
    "estimator: rloo",
    "estimator: reinforce++",
    "estimator: reinforce++-baseline",
    "estimator: gigpo",
    "{estimator: turn-return, baseline: group}",
];

fn error(with: &str, rows: &[Row]) -> String {
    let error = apply(with, &batch_of(rows)).unwrap_err();
    let help = error.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
    format!("{error}{help}")
}

#[test]
fn rewards_that_are_no_numbers_are_errors() {
    for with in EVERY_ESTIMATOR {
        let error = error(with, &outcomes(&[Some(1.0), Some(f32::NAN)]));
        assert!(error.starts_with("trajectory `t01`: `reward` is NaN, expected a finite number"), "{error}");
    }
    let mut rows = vec![row("a", Some(1.0), &[]), row("b", Some(1.0), &["s", "s"])];
    rows[1].turns[1].reward = Some(f32::NEG_INFINITY);
    insta::assert_snapshot!(error("estimator: gigpo", &rows), @"trajectory `b`: `reward` of turn 1 is -inf, expected a finite number or null");
}

#[test]
fn results_beyond_float32_are_errors() {
    let rows = outcomes(&[Some(f32::MAX), Some(f32::MIN), Some(f32::MIN)]);
    insta::assert_snapshot!(error("estimator: dr-grpo", &rows), @r"
    trajectory `t00`: `advantage` of turn 0 is 4.537097955180385e38, which float32 cannot hold
    help: bring the rewards to a smaller scale before this stage
    ");
    let mut rows = vec![row("a", None, &["s", "u"]), row("b", Some(0.0), &["s"])];
    for turn in &mut rows[0].turns {
        turn.reward = Some(f32::MAX);
    }
    insta::assert_snapshot!(error("{estimator: gigpo, gamma: 0.0}", &rows), @r"
    trajectory `a`: its rewards sum to 6.805646932770577e38, which float32 cannot hold
    help: bring the rewards to a smaller scale before this stage
    ");
}

#[test]
fn large_and_small_rewards_give_right_numbers() {
    for size in [1e30_f32, f32::MAX / 8.0, 1e-30, f32::MIN_POSITIVE * 8.0] {
        let rows = outcomes(&[Some(size), Some(0.0), Some(0.0), Some(0.0)]);
        assert_eq!(advantage_of_rows("estimator: dr-grpo", &rows)["t00"], Some(0.75 * size));
        assert_eq!(advantage_of_rows("estimator: rloo", &rows)["t00"], Some(size));
        for with in EVERY_ESTIMATOR {
            let advantages = advantage_of_rows(with, &rows);
            assert!(advantages.values().all(|advantage| advantage.unwrap().is_finite()), "{with}, {size}");
        }
    }
    for with in ["{estimator: grpo, eps: 0.0}", "estimator: reinforce++"] {
        let rows = outcomes(&[Some(1e30), Some(0.0), Some(0.0), Some(0.0)]);
        let advantage = advantage_of_rows(with, &rows)["t00"].unwrap();
        assert!((1.4..1.8).contains(&advantage), "{with}: {advantage}");
    }
}

#[test]
fn nothing_comes_of_nothing() {
    for with in EVERY_ESTIMATOR {
        assert!(credit(with, &[]).is_empty());
        let unscored = credit(with, &[row("a", None, &["s"]), row("b", None, &[])]);
        assert_eq!(unscored["a"].advantages, [None], "{with}");
    }
}

#[test]
fn missing_tokens_are_named() {
    let mut rows = vec![row("a", None, &["s"]), row("b", Some(1.0), &["s", "u"]), row("c", Some(0.0), &["s"])];
    rows[0].turns[0].tokens = None;
    assert!(apply("{estimator: reinforce++, weight: tokens}", &batch_of(&rows)).is_ok(), "`a` is not scored");
    rows[1].turns[1].tokens = None;
    insta::assert_snapshot!(error("{estimator: reinforce++, weight: tokens}", &rows), @r"
    trajectory `b`: turn 1 has no `action_tokens`, expected its recorded tokens
    help: filter such rows out, or set `weight: turns` and `discount: turn`
    ");
    assert!(apply("{estimator: reinforce++, discount: token}", &batch_of(&rows)).is_err());
    assert!(apply("estimator: reinforce++", &batch_of(&rows)).is_ok(), "falls back to turns");
}

#[test]
fn a_single_token_and_turns_without_tokens_are_zero() {
    let mut rows = vec![row("a", Some(1.0), &["s", "u"]), row("b", Some(0.0), &["s"])];
    rows[0].turns[0].tokens = Some(1);
    rows[0].turns[1].tokens = Some(0);
    rows[1].turns[0].tokens = Some(0);
    let credit = credit("estimator: reinforce++", &rows);
    assert_eq!(credit["a"].advantages, [Some(0.0), Some(0.0)]);
    assert_eq!(credit["b"].advantages, [Some(0.0)]);
}

#[test]
fn a_group_of_one_has_no_baseline_to_beat() {
    let mut rows = outcomes(&[Some(1.0), Some(0.0), Some(5.0)]);
    rows[2].group = "alone".to_owned();
    let credit = credit("estimator: reinforce++-baseline", &rows);
    assert_eq!(credit["t02"].returns, [Some(0.0)]);
}

#[test]
fn groups_and_rows_are_counted() {
    let mut rows = outcomes(&[Some(1.0), Some(0.0), None, Some(2.0), Some(2.0), None]);
    for (row, group) in rows.iter_mut().zip(["a", "a", "a", "b", "b", "c"]) {
        row.group = group.to_owned();
    }
    for with in EVERY_ESTIMATOR {
        let (_, context) = apply(with, &batch_of(&rows)).unwrap();
        assert_eq!(context.metrics.counted("rows_scored"), 4, "{with}");
        assert_eq!(context.metrics.counted("rows_unscored"), 2, "{with}");
        assert_eq!(context.metrics.distribution("advantage").unwrap().count, 4, "{with}");
        if with != "estimator: reinforce++" {
            assert_eq!(context.metrics.counted("groups"), 3, "{with}");
            assert_eq!(context.metrics.counted("groups_without_signal"), 2, "{with}");
        }
    }
}

#[test]
fn mixed_rows_are_warned_of_once_however_they_are_cut() {
    let mut rows = vec![row("a", Some(1.0), &["s"]), row("b", Some(1.0), &["s"]), row("c", Some(1.0), &[])];
    rows[0].turns[0].reward = Some(0.5);
    for with in ["estimator: turn-return", "estimator: gigpo", "estimator: reinforce++"] {
        let (_, whole) = apply(with, &batch_of(&rows)).unwrap();
        assert_eq!(whole.warnings.len(), 1, "{with}");
        insta::allow_duplicates! {
            insta::assert_snapshot!(whole.warnings[0], @"some rows have turn rewards and others an outcome only, so that their returns are not comparable: set `outcome` to `add` or `ignore`, or split the dataset");
        }
        let mut context = Context::default();
        for row in &rows {
            apply_in(with, &batch_of(std::slice::from_ref(row)), &mut context).unwrap();
        }
        assert_eq!(context.warnings.iter().filter(|warning| whole.warnings.contains(warning)).count(), 1, "{with}");
        let decided = format!("{{{with}, outcome: add}}");
        assert!(apply(&decided, &batch_of(&rows)).unwrap().1.warnings.is_empty(), "{decided}");
    }
}

#[test]
fn an_unused_baseline_is_warned_of() {
    let mut rows = vec![row("a", Some(1.0), &["s"]), row("b", Some(0.0), &["s"])];
    for row in &mut rows {
        row.turns[0].reward = Some(0.5);
    }
    let (_, context) = apply("estimator: reinforce++-baseline", &batch_of(&rows)).unwrap();
    insta::assert_snapshot!(context.warnings.join("\n"), @"the group baseline has no effect on rows with turn rewards, whose outcome is not used: set `outcome` to `add`");
}

#[test]
fn states_that_never_recur_are_warned_of() {
    let rows = [row("a", Some(1.0), &["1", "2"]), row("b", Some(0.0), &["3", "4"])];
    let (_, context) = apply("estimator: gigpo", &batch_of(&rows)).unwrap();
    assert_eq!(context.metrics.counted("turns"), 4);
    assert_eq!(context.metrics.counted("turns_in_anchor_groups"), 0);
    insta::assert_snapshot!(context.warnings.join("\n"), @"fewer than 5 % of the turns meet a state that another turn of their group met, so that gigpo is little more than dr-grpo: does the text hold a step counter or the history? name a column with the bare state in `anchor`");

    let rows = [row("a", Some(1.0), &["1", "2"]), row("b", Some(0.0), &["1", "4"])];
    let (_, context) = apply("estimator: gigpo", &batch_of(&rows)).unwrap();
    assert_eq!(context.metrics.counted("turns_in_anchor_groups"), 2);
    assert!(context.warnings.is_empty());
}
