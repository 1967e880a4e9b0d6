//! Trajectories under other goals: what a stage says of a copy, what of it cannot be, and the columns that relabelling
//! concerns. Not concerned with how copies are made and kept.

use arrow::datatypes::DataType;

use super::batch::TrajectoryBatch;
use super::schema::TrajectorySchema;
use crate::added_column::AddedColumn;
use crate::column::ColumnPath;

/// Nothing that one episode achieves has more goals than this.
const MOST_COPIES: usize = 1024;

/// Every dataset behind a relabeller has these columns, beside those that all datasets have.
const COLUMNS: [(&str, DataType); 10] = [
    ("source_trajectory_id", DataType::Utf8),
    ("relabelled", DataType::Boolean),
    ("relabel_confidence", DataType::Float32),
    ("task_id", DataType::Utf8),
    ("prompt", DataType::Utf8),
    ("final_observation", DataType::Utf8),
    ("reward", DataType::Float32),
    ("success", DataType::Boolean),
    ("turns.reward", DataType::Float32),
    ("turns.weight", DataType::Float32),
];

/// A copy of a trajectory under another goal. What is `None` stays as it was, unless said otherwise. Observations, actions
/// and their tokens are what happened: no copy can change them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Relabelled {
    /// Row of the batch that it is a copy of.
    pub row: usize,
    /// Its task. `None`: the old one, with a suffix.
    pub task: Option<String>,
    /// What the agent would have been told.
    pub prompt: Option<String>,
    /// The outcome under the new goal.
    pub reward: Option<f32>,
    /// Whether the new goal was reached.
    pub success: Option<bool>,
    /// How many of the first turns it has. `None`: all.
    pub keep_turns: Option<usize>,
    /// How sure the relabeller is, from 0 to 1. `None`: it does not say.
    pub confidence: Option<f32>,
    /// What changes about turns. Turns that the copy does not have are passed over.
    pub turns: Vec<TurnEdit>,
}

/// What changes about one turn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TurnEdit {
    /// Which one of the original, from 0.
    pub turn: usize,
    /// Its reward under the new goal. `None`: none is known.
    pub reward: Option<f32>,
    /// Its weight in training. `None`: as it was.
    pub weight: Option<f32>,
}

impl Relabelled {
    /// What of it cannot be, if anything, for a trajectory of so many turns.
    fn fault(&self, turns: usize) -> Option<String> {
        let numbers = [("reward", self.reward), ("confidence", self.confidence)];
        if let Some((name, number)) = numbers.into_iter().find(|(_, number)| is_not_finite(*number)) {
            return Some(wrong_number(name, number));
        }
        if let Some(confidence) = self.confidence.filter(|confidence| !(0.0..=1.0).contains(confidence)) {
            return Some(format!("`confidence` of a copy is {confidence}, expected a number from 0 to 1"));
        }
        if let Some(keep) = self.keep_turns.filter(|keep| *keep > turns) {
            return Some(format!("a copy keeps {keep} of {turns} turns"));
        }
        if let Some(edit) = self.turns.iter().find(|edit| edit.turn >= turns) {
            return Some(format!("a copy changes turn {}, and there are {turns}, counted from 0", edit.turn));
        }
        let numbers = self.turns.iter().flat_map(|edit| [("turns.reward", edit.reward), ("turns.weight", edit.weight)]);
        let wrong = numbers.into_iter().find(|(_, number)| is_not_finite(*number));
        wrong.map(|(name, number)| wrong_number(name, number))
    }
}

fn is_not_finite(number: Option<f32>) -> bool {
    number.is_some_and(|number| !number.is_finite())
}

fn wrong_number(name: &str, number: Option<f32>) -> String {
    format!("`{name}` of a copy is {}, expected a finite number or none", number.unwrap_or(f32::NAN))
}

/// What of the copies of one trajectory cannot be, if anything.
pub fn relabelling_fault(copies: &[Relabelled], turns: usize) -> Option<String> {
    if copies.len() > MOST_COPIES {
        return Some(format!("{} copies of one trajectory, and {MOST_COPIES} are the most", copies.len()));
    }
    copies.iter().find_map(|copy| copy.fault(turns))
}

/// What of the copies of a batch's rows cannot be, if anything: the row, and why.
pub(crate) fn batch_fault(copies: &[Relabelled], batch: &TrajectoryBatch) -> Option<String> {
    copies.chunk_by(|left, right| left.row == right.row).find_map(|of_row| {
        let row = of_row.first()?.row;
        let fault = relabelling_fault(of_row, batch.turns_of(row).len())?;
        Some(format!("trajectory `{}`: {fault}", batch.name_of(row)))
    })
}

/// The columns of relabelling that a dataset lacks.
pub(crate) fn lacking_columns(schema: &TrajectorySchema) -> Vec<AddedColumn> {
    let lacking = COLUMNS.into_iter().filter(|(path, _)| !schema.has(path));
    lacking.map(|(path, data_type)| AddedColumn::new(ColumnPath::from(path), data_type)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_said() {
        let fault = |copy: Relabelled| relabelling_fault(&[copy], 2).unwrap_or_default();
        let edit =
            |turn, reward, weight| Relabelled { turns: vec![TurnEdit { turn, reward, weight }], ..Default::default() };
        let told = [
            fault(Relabelled { reward: Some(f32::NAN), ..Default::default() }),
            fault(Relabelled { confidence: Some(1.5), ..Default::default() }),
            fault(Relabelled { keep_turns: Some(3), ..Default::default() }),
            fault(edit(2, None, Some(0.0))),
            fault(edit(1, Some(f32::INFINITY), None)),
            fault(edit(0, None, Some(f32::NEG_INFINITY))),
            relabelling_fault(&vec![Relabelled::default(); 1025], 2).unwrap_or_default(),
        ];
        insta::assert_snapshot!(told.join("\n"), @"
        `reward` of a copy is NaN, expected a finite number or none
        `confidence` of a copy is 1.5, expected a number from 0 to 1
        a copy keeps 3 of 2 turns
        a copy changes turn 2, and there are 2, counted from 0
        `turns.reward` of a copy is inf, expected a finite number or none
        `turns.weight` of a copy is -inf, expected a finite number or none
        1025 copies of one trajectory, and 1024 are the most
        ");
        let fine = Relabelled { keep_turns: Some(2), confidence: Some(1.0), ..edit(1, Some(-1.0), Some(0.0)) };
        assert_eq!(relabelling_fault(&vec![fine; 1024], 2), None);
    }
}
