//! What turns achieved: read from a column, or captured by a pattern. Not concerned with which of it becomes a goal.

use std::borrow::Cow;

use arrow::array::{AsArray as _, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use regex::Regex;
use sternlight_engine::column::ColumnPath;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::StageError;
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectorySchema};

use super::attempts::text_at;
use super::options::{AchievedBy, AchievedIn, AchievedPattern};
use super::way::present;

const OBSERVATION: &str = "turns.observation";
const FINAL_OBSERVATION: &str = "final_observation";
const ACTION: &str = "turns.action";

/// The name of the group that is the goal, where a pattern has several.
const GROUP: &str = "goal";

/// Where it is told what a turn achieved.
#[derive(Debug)]
pub(super) enum Achieved {
    Column(ColumnPath),
    Pattern { regex: Regex, group: usize, place: AchievedIn },
}

impl Achieved {
    /// # Errors
    /// If a pattern does not say which of its groups is the goal.
    pub(super) fn new(options: AchievedBy) -> Result<Self, Problem> {
        match options {
            AchievedBy::Column(name) => {
                let path = ColumnPath::new(name);
                if path.is_turn_counts() {
                    let problem =
                        Problem::at(["achieved"], "`turns` is the list of turns, expected one of its columns");
                    return Err(problem.help("write for example `turns.observation`"));
                }
                Ok(Self::Column(path))
            }
            AchievedBy::Pattern(AchievedPattern { pattern, place }) => {
                let regex = pattern.regex().clone();
                let named = regex.capture_names().position(|name| name == Some(GROUP));
                let groups = regex.captures_len() - 1;
                let Some(group) = named.or_else(|| (groups == 1).then_some(1)) else {
                    let message = format!("the pattern has {groups} groups, expected one that is the goal");
                    let help = "write for example `value: (\\d+)`; of several, call one `(?<goal>…)`";
                    return Err(Problem::at(["achieved", "pattern"], message).help(help));
                };
                Ok(Self::Pattern { regex, group, place })
            }
        }
    }

    /// The columns that it reads.
    ///
    /// # Errors
    /// If a column holds no texts, numbers or truth values.
    pub(super) fn reads(&self, input: &TrajectorySchema) -> Result<Vec<ColumnPath>, Problem> {
        match self {
            Self::Column(path) => {
                let other = input.field(path).map(|field| field.data_type().clone()).filter(|found| !is_a_word(found));
                match other {
                    None => Ok(vec![path.clone()]),
                    Some(found) => {
                        let message = format!("column `{path}` has type {found}, expected text, numbers or booleans");
                        Err(Problem::at(["achieved"], message).help("a goal stands in a template as a text"))
                    }
                }
            }
            Self::Pattern { place: AchievedIn::Action, .. } => Ok(vec![ACTION.into()]),
            Self::Pattern { place: AchievedIn::Observation, .. } => {
                Ok([OBSERVATION.into()].into_iter().chain(present(input, &[FINAL_OBSERVATION])).collect())
            }
        }
    }

    /// What the turns of a batch achieved.
    ///
    /// # Errors
    /// If a column has another type.
    pub(super) fn of<'a>(&'a self, batch: &'a TrajectoryBatch) -> Result<AchievedOf<'a>, StageError> {
        let texts = match self {
            Self::Column(path) => {
                let missing = || StageError::new(format!("column `{path}` was not read"));
                let column = batch.column(path.as_str()).ok_or_else(missing)?;
                Cow::Owned(cast(column, &DataType::Utf8)?.as_string().clone())
            }
            Self::Pattern { place: AchievedIn::Action, .. } => Cow::Borrowed(batch.text(ACTION)?),
            Self::Pattern { place: AchievedIn::Observation, .. } => Cow::Borrowed(batch.text(OBSERVATION)?),
        };
        let last = batch.column(FINAL_OBSERVATION).map(|_| batch.text(FINAL_OBSERVATION)).transpose()?;
        Ok(AchievedOf { achieved: self, batch, texts, last })
    }

    /// What a text says that was achieved.
    fn found<'t>(&self, text: &'t str) -> Option<&'t str> {
        let Self::Pattern { regex, group, .. } = self else { return some_word(text) };
        some_word(regex.captures_iter(text).last()?.get(*group)?.as_str())
    }
}

/// Whether values of this type can stand in a text.
fn is_a_word(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Boolean) || data_type.is_numeric()
}

fn some_word(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

/// What the turns of a batch achieved.
pub(super) struct AchievedOf<'a> {
    achieved: &'a Achieved,
    batch: &'a TrajectoryBatch,
    texts: Cow<'a, StringArray>,
    last: Option<&'a StringArray>,
}

/// What an episode achieved.
pub(super) struct Goals<'a> {
    /// Turns, counted from 0, and what they achieved, in order. What held before the first action is no achievement.
    pub(super) achieved: Vec<(usize, &'a str)>,
    /// Whether what held last is what held before the first action.
    pub(super) ends_as_it_began: bool,
}

impl AchievedOf<'_> {
    /// What the turns of a row achieved.
    pub(super) fn row(&self, row: usize) -> Goals<'_> {
        let turns = self.batch.turns_of(row);
        let count = turns.len();
        let at = |index: usize| text_at(Some(&self.texts), index);
        let texts = (0..count).map(|turn| {
            let index = turns.start + turn;
            match self.achieved {
                Achieved::Column(path) if path.turn_name().is_some() => at(index),
                Achieved::Column(_) => at(row).filter(|_| turn + 1 == count),
                Achieved::Pattern { place: AchievedIn::Action, .. } => at(index),
                Achieved::Pattern { place: AchievedIn::Observation, .. } if turn + 1 == count => {
                    text_at(self.last, row)
                }
                Achieved::Pattern { place: AchievedIn::Observation, .. } => at(index + 1),
            }
        });
        let before = match self.achieved {
            Achieved::Pattern { place: AchievedIn::Observation, .. } if count > 0 => {
                at(turns.start).and_then(|text| self.achieved.found(text))
            }
            _ => None,
        };
        let found = texts.enumerate().filter_map(|(turn, text)| Some((turn, self.achieved.found(text?)?)));
        let mut achieved: Vec<(usize, &str)> = found.collect();
        let ends_as_it_began = achieved.last().is_some_and(|(_, goal)| Some(*goal) == before);
        achieved.retain(|(_, goal)| Some(*goal) != before);
        Goals { achieved, ends_as_it_began }
    }
}

#[cfg(test)]
mod tests {
    use sternlight_engine::trajectory::{TrajectoryBuilder, TrajectoryRow, TurnRow, imported_schema};

    use super::*;

    fn achieved(yaml: &str) -> Result<Achieved, Problem> {
        Achieved::new(serde_yaml::from_str(yaml).unwrap())
    }

    fn of(yaml: &str, observations: &[&str], last: Option<&str>) -> Vec<(usize, String)> {
        let turn = |(index, text): (usize, &&str)| TurnRow {
            observation: (*text).to_owned(),
            action: format!("say {index}"),
            reward: (index % 2 == 0).then_some(index as f32),
            ..TurnRow::default()
        };
        let mut builder = TrajectoryBuilder::new();
        // Another row before, so that turns do not begin at 0.
        builder.push(&TrajectoryRow { turns: vec![TurnRow::default(); 2], ..TrajectoryRow::default() });
        builder.push(&TrajectoryRow {
            turns: observations.iter().enumerate().map(turn).collect(),
            final_observation: last.map(str::to_owned),
            seed: Some(7),
            ..TrajectoryRow::default()
        });
        let batch = builder.finish().unwrap();
        let achieved = achieved(yaml).unwrap();
        let found = achieved.of(&batch).unwrap();
        found.row(1).achieved.into_iter().map(|(turn, goal)| (turn, goal.to_owned())).collect()
    }

    fn some(goals: &[(usize, &str)]) -> Vec<(usize, String)> {
        goals.iter().map(|(turn, goal)| (*turn, (*goal).to_owned())).collect()
    }

    #[test]
    fn a_turn_achieves_what_is_observed_next() {
        let yaml = r"{pattern: 'value: (\d+)'}";
        let found = of(yaml, &["value: 3", "value: 4, value: 5", "nothing"], Some("value: 6"));
        assert_eq!(found, some(&[(0, "5"), (2, "6")]));
        // What held in the beginning is no achievement, whenever it holds again.
        let found = of(yaml, &["value: 3", "value: 4", "value: 3"], None);
        assert_eq!(found, some(&[(0, "4")]));
        assert_eq!(of(yaml, &[], Some("value: 3")), []);
    }

    #[test]
    fn actions_and_columns_are_what_the_turn_itself_achieved() {
        let found = of(r"{pattern: '(\w+) (?<goal>\d)', in: action}", &["", ""], None);
        assert_eq!(found, some(&[(0, "0"), (1, "1")]));
        assert_eq!(of("turns.reward", &["", "", ""], None), some(&[(0, "0.0"), (2, "2.0")]));
        assert_eq!(of("seed", &["", "", ""], None), some(&[(2, "7")]));
        assert_eq!(of("seed", &[], None), []);
        assert_eq!(of("turns.observation", &["a", " ", "b"], None), some(&[(0, "a"), (2, "b")]));
    }

    #[test]
    fn faults_are_placed() {
        let fault = |problem: Problem| {
            let path: Vec<String> = problem.path.iter().map(ToString::to_string).collect();
            format!("{}: {}", path.join("."), problem.message)
        };
        insta::assert_snapshot!(fault(achieved("{pattern: 'a'}").unwrap_err()), @r"achieved.pattern: the pattern has 0 groups, expected one that is the goal");
        insta::assert_snapshot!(fault(achieved("{pattern: '(a)(b)'}").unwrap_err()), @r"achieved.pattern: the pattern has 2 groups, expected one that is the goal");
        insta::assert_snapshot!(fault(achieved("turns").unwrap_err()), @r"achieved: `turns` is the list of turns, expected one of its columns");
        let tokens = imported_schema().with(
            &"turns.action_tokens".into(),
            arrow::datatypes::Field::new("action_tokens", DataType::new_list(DataType::Int32, true), true),
        );
        let problem = achieved("turns.action_tokens").unwrap().reads(&tokens).unwrap_err();
        assert!(fault(problem).starts_with("achieved: column `turns.action_tokens` has type List"));
    }
}
