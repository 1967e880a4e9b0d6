//! The kinds from end to end: samples in, bytes across, columns out.

use super::*;
use crate::testing::{Sample, SampleTurn, run};
use crate::{Batch, Error, NoConfig, Output, Result, Trajectory, fail};

fn sample(group: &str, reward: f32, turns: usize) -> Sample {
    let turn = SampleTurn::new().with("action", "go").with("verdict", "hidden");
    (0..turns).fold(Sample::new().with("group_id", group).with("reward", reward), |sample, _| sample.turn(turn.clone()))
}

fn doubled(trajectory: &Trajectory<'_>, _: &NoConfig) -> Result<f32> {
    match trajectory.reward() {
        Some(reward) if reward < 0.0 => fail!("a reward of {reward} cannot be doubled"),
        Some(reward) => Ok(reward * 2.0),
        None => Ok(f32::NAN),
    }
}

#[test]
fn a_row_that_fails_has_no_reward_and_the_others_do() {
    let samples = [sample("a", 1.0, 0), sample("a", -1.0, 0), Sample::new(), sample("a", 2.0, 0)];
    let outcomes = run(&reward(doubled, &[("reward", "float32")]), &samples, "{}").unwrap();
    assert_eq!(outcomes.numbers("reward"), [Some(2.0), None, None, Some(4.0)]);
    let expected = [(1, "a reward of -1 cannot be doubled"), (2, "a reward is a finite number, found NaN")];
    assert_eq!(outcomes.errors, expected.map(|(row, message)| (row, message.to_owned())));
}

#[test]
fn a_column_that_is_not_read_is_hidden() {
    let outcomes = run(&reward(doubled, &[]), &[sample("a", 1.0, 0)], "{}").unwrap();
    assert_eq!(outcomes.numbers("reward"), [None]);
}

#[test]
fn rewards_and_reflections_are_one_a_turn() {
    fn rewards(trajectory: &Trajectory<'_>, _: &NoConfig) -> Result<Outcome> {
        // One too many for two turns.
        let turns = trajectory.turns().len();
        Ok(Outcome { reward: Some(0.0), turn_rewards: vec![Some(1.0); if turns == 2 { 3 } else { turns }] })
    }
    fn reflections(trajectory: &Trajectory<'_>, _: &NoConfig) -> Result<Vec<Reflection>> {
        let said = trajectory.turns().map(|turn| turn.action().to_owned());
        let said = said.map(|verdict| Reflection { verdict: Some(verdict), diagnosis: None });
        Ok(said.take(2).collect())
    }
    let samples = [sample("a", 0.0, 1), sample("a", 0.0, 2), sample("a", 0.0, 3)];
    let reads = &[("turns.action", "utf8")];
    let outcomes = run(&reward_with_turns(rewards, reads), &samples, "{}").unwrap();
    assert_eq!(outcomes.numbers("reward"), [Some(0.0), None, Some(0.0)]);
    let ones = Some(1.0);
    assert_eq!(outcomes.numbers("turns.reward"), [ones, None, None, ones, ones, ones]);
    assert_eq!(outcomes.errors, [(1, "expected one reward a turn: 2, found 3".to_owned())]);
    let outcomes = run(&reflect(reflections, reads), &samples, "{}").unwrap();
    let go = Some("go");
    assert_eq!(outcomes.texts("turns.verdict"), [go, go, go, None, None, None]);
    assert_eq!(outcomes.texts("turns.diagnosis"), [None; 6]);
    assert_eq!(outcomes.errors, [(2, "expected one reflection a turn: 3, found 2".to_owned())]);
}

#[test]
fn advantages_see_whole_groups_wherever_their_rows_lie() {
    fn centred(group: &[Trajectory<'_>], _: &NoConfig) -> Result<Advantages> {
        let rewards: Option<Vec<f32>> = group.iter().map(Trajectory::reward).collect();
        let rewards = rewards.ok_or_else(|| Error::new("not scored"))?;
        let mean = rewards.iter().sum::<f32>() / rewards.len() as f32;
        let of_turns = |(trajectory, reward): (&Trajectory<'_>, f32)| vec![Some(reward - mean); trajectory.turns().len()];
        Ok(group.iter().zip(rewards).map(of_turns).collect())
    }
    let reads = &[("group_id", "utf8"), ("reward", "float32"), ("turns.action", "utf8")];
    let unscored = Sample::new().with("group_id", "c").turn(SampleTurn::new());
    let samples = [sample("a", 0.0, 1), sample("b", 5.0, 2), unscored, sample("a", 2.0, 2)];
    let definition = advantage(centred, reads);
    assert!(definition.grouped);
    let outcomes = run(&definition, &samples, "{}").unwrap();
    let expected = [Some(-1.0), Some(0.0), Some(0.0), None, Some(1.0), Some(1.0)];
    assert_eq!(outcomes.numbers("turns.advantage"), expected);
    assert_eq!(outcomes.errors, [(2, "not scored".to_owned())]);
}

#[test]
fn output_that_is_not_what_was_promised_is_told() {
    fn told(function: fn(&Batch<'_>, &NoConfig) -> Result<Output>) -> String {
        let definition = batch(function, &[("turns.action", "utf8")], &[("turns.length", "int32")]);
        run(&definition, &[sample("a", 0.0, 2)], "{}").unwrap_err().to_string()
    }
    assert_eq!(told(|_, _| Ok(Output::new())), "column `turns.length` is to be added, but was not given");
    assert_eq!(
        told(|_, _| Ok(Output::new().with("turns.length", vec![1.0_f32]))),
        "column `turns.length` is to have type int32 and 2 values, but has type float32 and 1 values"
    );
    assert_eq!(
        told(|_, _| Ok(Output::new().with("turns.length", vec![1, 2]).with("size", vec![1]))),
        "column `size` was given, but is not among those to be added"
    );
}

#[test]
fn a_configuration_that_does_not_fit_names_the_option() {
    #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Config {
        #[expect(dead_code, reason = "only decoded")]
        weights: Vec<f32>,
    }
    let definition = reward(|_, _: &Config| Ok(0.0), &[]);
    let told = |config| run(&definition, &[], config).unwrap_err().to_string();
    let expected = r#"`with.weights[1]`: invalid type: string "x", expected f32"#;
    assert_eq!(told(r#"{"weights": [1, "x"]}"#), expected);
    assert_eq!(told(r#"{"wait": 1}"#), "`with.wait`: unknown field `wait`, expected `weights`");
    assert_eq!(told("{}"), "`with`: missing field `weights`");
    assert!((definition.schema)().contains(r#""required":["weights"]"#));
}
