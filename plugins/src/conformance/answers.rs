//! What a plugin answered for each trajectory, in a form in which answers of different calls can be compared and shown.

use arrow::array::ArrayRef;
use serde_json::Value;
use sternlight_engine::stage::Output;
use sternlight_engine::trajectory::{Relabelled, TrajectoryBatch};

use super::report::{Check, trajectories};
use crate::description::PluginContract;
use crate::extra;
use crate::stage::Called;
use crate::text;

/// What a relabeller makes, in the place of a column.
pub(crate) const COPIES: &str = "copies";

/// Longer values are cut where they are shown.
const SHOWN: usize = 120;

/// What a plugin answered for a trajectory.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// The value of each column that it adds, as JSON: of its row, or a list with one for each of its turns.
    Values(Vec<String>),
    /// Why it has none.
    Error(String),
    /// Why what it has cannot be a value.
    Refused(String),
}

/// The answers of one call, a row each.
pub(crate) fn answers(called: Called, batch: &TrajectoryBatch, contract: &PluginContract) -> Vec<Answer> {
    let Called { output, errors, refused } = called;
    let reason = |known: &[(usize, String)], row: usize| {
        let first = known.partition_point(|(other, _)| *other < row);
        known.get(first).filter(|(other, _)| *other == row).map(|(_, reason)| reason.clone())
    };
    let answer = |row: usize| match (reason(&refused, row), reason(&errors, row)) {
        (Some(reason), _) => Answer::Refused(reason),
        (None, Some(reason)) => Answer::Error(text::reason(&reason)),
        (None, None) => Answer::Values(values(&output, batch, row, contract)),
    };
    (0..batch.rows()).map(answer).collect()
}

fn values(output: &Output, batch: &TrajectoryBatch, row: usize, contract: &PluginContract) -> Vec<String> {
    match output {
        Output::Columns(arrays) => {
            let columns = arrays.iter().zip(&contract.adds);
            columns.map(|(array, column)| value(array, batch, row, column.path.turn_name().is_some())).collect()
        }
        Output::Relabelled(copies) => {
            // The same wherever in a batch the original lies.
            let of_row = copies.iter().filter(|copy| copy.row == row).map(|copy| Relabelled { row: 0, ..copy.clone() });
            let copies = of_row.map(|copy| Value::String(format!("{copy:?}"))).collect();
            vec![Value::Array(copies).to_string()]
        }
        // Until a stage is at work, which rows stay is a column as any.
        Output::Keep(_) => Vec::new(),
    }
}

/// What values are called: columns, or the copies of a relabeller.
pub(crate) fn names(contract: &PluginContract) -> Vec<String> {
    match contract.adds.as_slice() {
        [] => vec![COPIES.to_owned()],
        adds => adds.iter().map(|column| column.path.to_string()).collect(),
    }
}

fn value(array: &ArrayRef, batch: &TrajectoryBatch, row: usize, of_turns: bool) -> String {
    match of_turns {
        false => extra::value(array, row).to_string(),
        true => {
            let turns: Vec<_> = batch.turns_of(row).map(|turn| extra::value(array, turn)).collect();
            Value::Array(turns).to_string()
        }
    }
}

/// In what two answers differ, for people; none if they do not. `first` and `second` say how they came about.
pub(crate) fn difference(
    left: &Answer,
    right: &Answer,
    contract: &PluginContract,
    [first, second]: [&str; 2],
) -> Option<String> {
    match (left, right) {
        _ if left == right => None,
        (Answer::Values(left), Answer::Values(right)) => {
            let differing = left.iter().zip(right).position(|(left, right)| left != right)?;
            let names = names(contract);
            let path = names.get(differing)?;
            let (left, right) = (short(left.get(differing)?), short(right.get(differing)?));
            Some(format!("`{path}` is {left} {first}, and {right} {second}"))
        }
        _ => Some(format!("{} {first}, and {} {second}", told(left), told(right))),
    }
}

fn told(answer: &Answer) -> String {
    match answer {
        Answer::Values(_) => "it has a value".to_owned(),
        Answer::Error(message) | Answer::Refused(message) => format!("it has an error (`{}`)", short(message)),
    }
}

/// The beginning of a text.
pub(crate) fn short(text: &str) -> String {
    match text.len() > SHOWN {
        true => format!("{}…", &text[..text.floor_char_boundary(SHOWN)]),
        false => text.to_owned(),
    }
}

/// Fails a check for what cannot be a value, and notes errors: how many, and the first with its trajectory.
pub(crate) fn tell_errors(check: &mut Check, answers: &[Answer], batch: &TrajectoryBatch, help: &str) {
    let mut errors = 0;
    let mut first = None;
    for (row, answer) in answers.iter().enumerate() {
        let name = batch.name_of(row);
        match answer {
            Answer::Values(_) => {}
            Answer::Refused(reason) => check.fail(format!("trajectory `{name}`: {reason}"), help),
            Answer::Error(message) => {
                errors += 1;
                first.get_or_insert_with(|| format!("`{name}`: {}", short(message)));
            }
        }
    }
    if let Some(first) = first {
        check.note(format!("{} had an error: {first}", trajectories(errors)));
    }
}
