//! The kinds from end to end: samples in, bytes across, columns out.

use super::*;
use crate::testing::{self, Sample, SampleTurn, run};
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
    let length = |trajectory: &Trajectory<'_>, _: &NoConfig| Ok(trajectory.turns().len() as f32);
    let lengths = |reads| run(&reward(length, reads), &[sample("a", 1.0, 2)], "{}").unwrap().numbers("reward");
    assert_eq!(lengths(&[]), [Some(0.0)]);
    assert_eq!(lengths(&[("turns", "")]), [Some(2.0)]);
    assert_eq!(lengths(&[("turns.action", "utf8")]), [Some(2.0)]);
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
        let of_turns =
            |(trajectory, reward): (&Trajectory<'_>, f32)| vec![Some(reward - mean); trajectory.turns().len()];
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
fn a_selection_says_which_rows_stay() {
    let long =
        |batch: &Batch<'_>, _: &NoConfig| Ok((0..batch.rows()).map(|row| batch.turns_of(row).len() > 1).collect());
    let definition = selection(long, &[("turns", "")]);
    assert!(definition.selects);
    let outcomes = run(&definition, &[sample("a", 0.0, 2), sample("a", 0.0, 1)], "{}").unwrap();
    let keep = outcomes.batch.column("keep").unwrap();
    assert_eq!((keep.boolean(0), keep.boolean(1)), (Some(true), Some(false)));
}

mod of_macros {
    use super::*;

    fn nothing(_: &Batch<'_>, _: &NoConfig) -> Result<Vec<bool>> {
        Ok(Vec::new())
    }

    crate::batch!(nothing, reads: ["reward": "float32"], selects, grouped, keeps_state);

    #[test]
    fn words_behind_the_columns_are_heard() {
        let definition = plugin();
        assert!(definition.selects && definition.grouped && definition.keeps_state);
    }
}

#[test]
fn relabelled_copies_fit_the_trajectory() {
    fn cut(trajectory: &Trajectory<'_>, _: &NoConfig) -> Result<Vec<Relabelled>> {
        let keep_turns = trajectory.turns().len() as u32 + u32::from(trajectory.reward() == Some(1.0));
        Ok(vec![Relabelled { keep_turns: Some(keep_turns), ..Relabelled::default() }])
    }
    let definition = relabel(cut, &[("reward", "float32"), ("turns.action", "utf8")]);
    let made = testing::relabel(&definition, &[sample("a", 0.0, 2), sample("a", 1.0, 2)], "{}").unwrap();
    assert_eq!(made[0].as_ref().unwrap()[0].keep_turns, Some(2));
    assert_eq!(made[1].as_ref().unwrap_err().to_string(), "`keep_turns` is 3, but the trajectory has 2 turns");
}

struct Counter(u32);

impl Environment for Counter {
    type Config = NoConfig;
    type Data = u32;

    fn tasks(count: u32, seed: u32, _: &NoConfig) -> Result<Vec<Task<u32>>> {
        Ok((0..count).map(|i| Task { id: format!("to-{i}"), data: i + seed, seed }).collect())
    }

    fn reset(task: Task<u32>, _: &NoConfig) -> Result<(Self, Start)> {
        Ok((Self(task.data), Start { prompt: "count".to_owned(), observation: task.data.to_string() }))
    }

    fn step(&mut self, _: &str) -> Result<Step> {
        self.0 -= 1;
        Ok(Step { observation: self.0.to_string(), reward: 1.0, done: self.0 == 0, success: None })
    }
}

#[test]
fn episodes_are_played_to_their_end_side_by_side() {
    let definition = environment::<Counter>();
    let (start, steps) = testing::play(&definition, &["up", "up"], 2, "{}").unwrap();
    assert_eq!(start.observation, "2");
    assert_eq!(steps.iter().map(|step| step.done).collect::<Vec<_>>(), [false, true]);
    assert_eq!(testing::play(&definition, &["up", "up"], 1, "{}").unwrap_err().to_string(), "episode 0 is over");
    let mut episodes = (definition.configure)("{}").unwrap();
    for (handle, task) in (0..).zip(episodes.tasks(2, 5).unwrap()) {
        episodes.reset(handle, task).unwrap();
    }
    assert_eq!(episodes.step(1, "up").unwrap().observation, "5");
    assert_eq!(episodes.step(0, "up").unwrap().observation, "4");
    episodes.close(1);
    assert_eq!(episodes.step(1, "up").unwrap_err().to_string(), "there is no episode 1");
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
