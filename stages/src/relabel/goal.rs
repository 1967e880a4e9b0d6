//! Hindsight experience replay (1707.01495): a goal that was achieved on the way becomes the task. In its form for whole
//! trajectories: a copy ends where it has achieved its goal.

use std::collections::BTreeSet;

use blake3::Hash;
use sternlight_engine::column::ColumnPath;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{Context, StageError};
use sternlight_engine::trajectory::{Relabelled, TrajectorySchema};

use super::achieved::{Achieved, Goals};
use super::attempts::Attempts;
use super::draw::Draw;
use super::options::Strategy;
use super::template::Template;
use super::way::{Way, success};

/// The placeholders of the task.
pub(super) const NAMES: [&str; 2] = ["goal", "prompt"];

/// Copies of a trajectory unless said otherwise: the paper's k, by which four fifths of the data are relabelled.
const COUNT: u32 = 4;

/// No relabeller makes more copies of one trajectory.
const MOST: u32 = 1024;

/// By goals that were achieved.
#[derive(Debug)]
pub(super) struct ByGoal {
    pub(super) achieved: Achieved,
    pub(super) strategy: Strategy,
    pub(super) count: usize,
    pub(super) task: Template<2>,
    pub(super) seed: Hash,
}

/// How many copies a trajectory has at most.
///
/// # Errors
/// If it cannot have so many.
pub(super) fn count(strategy: Strategy, count: Option<u32>) -> Result<usize, Problem> {
    let count = match (strategy, count) {
        (Strategy::Final, None | Some(1)) => 1,
        (Strategy::Final, Some(count)) => {
            let message = format!("`count` is {count}, and an episode has one final goal");
            return Err(Problem::at(["count"], message).help("leave it out, or take another `strategy`"));
        }
        (_, count) => count.unwrap_or(COUNT),
    };
    if !(1..=MOST).contains(&count) {
        let message = format!("`count` is {count}, expected a number from 1 to {MOST}");
        return Err(Problem::at(["count"], message).help("it says how many copies a trajectory has at most"));
    }
    Ok(count as usize)
}

/// A goal, and how many of the first turns achieve it. `None`: the whole episode does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Aim<'a> {
    goal: &'a str,
    turns: Option<usize>,
}

/// Aims at goals that were achieved, no two alike. `achieved`: turns and what they achieved, in order.
fn aims<'a>(strategy: Strategy, achieved: &[(usize, &'a str)], count: usize, draw: &mut Draw) -> Vec<Aim<'a>> {
    let first_from = |start: usize, goal: &'a str| {
        let from = achieved.partition_point(|(turn, _)| *turn < start);
        let reached = achieved.iter().skip(from).find(|(_, reached)| *reached == goal);
        Aim { goal, turns: reached.map(|(turn, _)| turn + 1) }
    };
    let Some((last, last_goal)) = achieved.last().copied() else { return Vec::new() };
    let drawn: Vec<Aim<'a>> = match strategy {
        Strategy::Final => vec![Aim { goal: last_goal, turns: None }],
        Strategy::Future => (0..count)
            .filter_map(|_| {
                // A turn behind which nothing was achieved has no future goal.
                let start = draw.below(last + 1);
                let later = achieved.split_at(achieved.partition_point(|(turn, _)| *turn < start)).1;
                let (_, goal) = later.get(draw.below(later.len()))?;
                Some(first_from(start, goal))
            })
            .collect(),
        Strategy::Episode => {
            draw.some_of(achieved.to_vec(), count).into_iter().map(|(_, goal)| first_from(0, goal)).collect()
        }
        Strategy::Random => {
            let distinct: BTreeSet<&'a str> = achieved.iter().map(|(_, goal)| *goal).collect();
            let some = draw.some_of(distinct.into_iter().collect(), count);
            some.into_iter().map(|goal| first_from(0, goal)).collect()
        }
    };
    let mut seen = BTreeSet::new();
    drawn.into_iter().filter(|aim| seen.insert(aim.clone())).collect()
}

impl Way for ByGoal {
    fn reads(&self, input: &TrajectorySchema) -> Result<Vec<ColumnPath>, Problem> {
        self.achieved.reads(input)
    }

    fn copies(&self, attempts: &Attempts<'_>, context: &mut Context) -> Result<Vec<Relabelled>, StageError> {
        let achieved = self.achieved.of(attempts.batch)?;
        let (mut copies, mut without, mut cut) = (Vec::new(), 0, 0);
        for row in attempts.rows() {
            let Goals { achieved: mut goals, ends_as_it_began } = achieved.row(row);
            if self.strategy == Strategy::Final && ends_as_it_began {
                // The whole episode has come to nothing, whatever it achieved on the way.
                goals.clear();
            }
            without += u64::from(goals.is_empty());
            let turns = attempts.batch.turns_of(row).len();
            for aim in aims(self.strategy, &goals, self.count, &mut attempts.draw(&self.seed, row)) {
                let keep_turns = aim.turns.filter(|kept| *kept < turns);
                cut += u64::from(keep_turns.is_some());
                let prompt = self.task.render([aim.goal, attempts.prompt(row)]);
                copies.push(Relabelled { keep_turns, ..success(row, prompt, 1.0) });
            }
        }
        context.metrics.count("without_goal", without);
        context.metrics.count("copies_cut", cut);
        Ok(copies)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::draw::seed_of;
    use super::super::options::Strategy;
    use super::*;

    fn drawn<'a>(strategy: Strategy, achieved: &[(usize, &'a str)], count: usize, id: &str) -> Vec<Aim<'a>> {
        aims(strategy, achieved, count, &mut Draw::of(&seed_of(0, ""), id))
    }

    #[test]
    fn the_final_goal_keeps_the_whole_episode() {
        let aims = drawn(Strategy::Final, &[(0, "a"), (3, "b")], 1, "t");
        assert_eq!(aims, [Aim { goal: "b", turns: None }]);
        assert_eq!(drawn(Strategy::Final, &[], 1, "t"), []);
    }

    #[test]
    fn random_goals_are_as_likely_however_often_they_were_achieved() {
        let achieved: Vec<(usize, &str)> = (0..9).map(|turn| (turn, "a")).chain([(9, "b")]).collect();
        let first =
            |strategy| (0..1000).filter(|id| drawn(strategy, &achieved, 1, &id.to_string())[0].goal == "b").count();
        assert!((60..140).contains(&first(Strategy::Episode)), "{}", first(Strategy::Episode));
        assert!((440..560).contains(&first(Strategy::Random)), "{}", first(Strategy::Random));
    }

    #[test]
    fn counts_that_cannot_be_are_told() {
        let fault = |strategy, given| count(strategy, given).unwrap_err().message;
        let told =
            [fault(Strategy::Final, Some(2)), fault(Strategy::Future, Some(0)), fault(Strategy::Random, Some(1025))];
        insta::assert_snapshot!(told.join("\n"), @r"
        `count` is 2, and an episode has one final goal
        `count` is 0, expected a number from 1 to 1024
        `count` is 1025, expected a number from 1 to 1024
        ");
        assert_eq!((count(Strategy::Final, None), count(Strategy::Future, None)), (Ok(1), Ok(4)));
    }

    proptest! {
        /// Every aim is achieved at its last turn, there are at most so many, and no two are the same.
        #[test]
        fn aims_are_achieved_where_they_end(
            goals in prop::collection::vec(prop::option::of(prop::sample::select(vec!["a", "b", "c"])), 0..12),
            count in 1_usize..6,
            id in "[a-z]{1,4}",
        ) {
            let achieved: Vec<(usize, &str)> =
                goals.iter().enumerate().filter_map(|(turn, goal)| Some((turn, (*goal)?))).collect();
            for strategy in [Strategy::Final, Strategy::Future, Strategy::Episode, Strategy::Random] {
                let count = if strategy == Strategy::Final { 1 } else { count };
                let aims = drawn(strategy, &achieved, count, &id);
                prop_assert!(aims.len() <= count);
                prop_assert_eq!(aims.is_empty(), achieved.is_empty());
                prop_assert_eq!(&aims, &drawn(strategy, &achieved, count, &id));
                for (index, aim) in aims.iter().enumerate() {
                    prop_assert!(!aims[..index].contains(aim));
                    match aim.turns {
                        None => prop_assert_eq!(achieved.last().unwrap().1, aim.goal),
                        Some(turns) => prop_assert_eq!(goals[turns - 1], Some(aim.goal)),
                    }
                    if matches!(strategy, Strategy::Episode | Strategy::Random) {
                        let first = goals.iter().position(|goal| *goal == Some(aim.goal)).unwrap();
                        prop_assert_eq!(aim.turns, Some(first + 1));
                    }
                }
            }
        }
    }
}
