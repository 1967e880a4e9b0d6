//! Results of the typed worlds as columns, and what is wrong with them: a fault of the plugin where a list has not the
//! length it must have, an error of the row where it has no value.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray as _, Float32Array, StringBuilder, new_null_array};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use sternlight_engine::contract::AddedColumn;
use sternlight_engine::trajectory::TrajectoryBatch;

use crate::bindings::exports::sternlight::plugin::reflect_stage::Reflection;
use crate::bindings::exports::sternlight::plugin::reward_stage::Outcome;
use crate::description::PluginContract;
use crate::fault::Fault;
use crate::guest::Rows;

/// What a call came to.
#[derive(Debug)]
pub(crate) struct Columns {
    /// One for each column that the plugin adds, in the contract's order.
    pub(crate) arrays: Vec<ArrayRef>,
    /// Rows that have no value, ascending, and why.
    pub(crate) errors: Vec<(usize, String)>,
}

/// Rewards of trajectories and of their turns.
///
/// # Errors
/// If the plugin returned something else than its contract says.
pub(crate) fn rewards(
    rows: Rows<Outcome>,
    batch: &TrajectoryBatch,
    contract: &PluginContract,
) -> Result<Columns, Fault> {
    let (gives_reward, gives_turns) = (contract.gives("reward"), contract.gives("turns.reward"));
    let mut rewards = Vec::with_capacity(rows.len());
    let mut turn_rewards = Vec::with_capacity(batch.turn_count());
    let errors = each(rows, batch, |row, outcome| {
        let outcome = match outcome {
            Some(outcome) => outcome,
            None => Outcome { reward: None, turn_rewards: None },
        };
        if outcome.reward.is_some() && !gives_reward {
            return Err(undeclared("reward"));
        }
        if outcome.turn_rewards.is_some() && !gives_turns {
            return Err(undeclared("turns.reward"));
        }
        rewards.push(outcome.reward);
        match outcome.turn_rewards {
            Some(given) => {
                check_turns(given.len(), row, batch)?;
                turn_rewards.extend(given);
            }
            None => turn_rewards.resize(turn_rewards.len() + batch.turns_of(row).len(), None),
        }
        Ok(())
    })?;
    let named: [(&str, ArrayRef); 2] = [
        ("reward", Arc::new(Float32Array::from(rewards))),
        ("turns.reward", Arc::new(Float32Array::from(turn_rewards))),
    ];
    Ok(Columns { arrays: in_order(&contract.adds, &named), errors })
}

/// Verdicts on turns, and what is said of them.
///
/// # Errors
/// As [`rewards`].
pub(crate) fn reflections(
    rows: Rows<Vec<Reflection>>,
    batch: &TrajectoryBatch,
    contract: &PluginContract,
) -> Result<Columns, Fault> {
    let (mut verdicts, mut diagnoses) = (StringBuilder::new(), StringBuilder::new());
    let errors = each(rows, batch, |row, reflections| {
        let Some(reflections) = reflections else {
            batch.turns_of(row).for_each(|_| {
                verdicts.append_null();
                diagnoses.append_null();
            });
            return Ok(());
        };
        check_turns(reflections.len(), row, batch)?;
        for reflection in reflections {
            verdicts.append_option(reflection.verdict);
            diagnoses.append_option(reflection.diagnosis);
        }
        Ok(())
    })?;
    let named: [(&str, ArrayRef); 2] =
        [("turns.verdict", Arc::new(verdicts.finish())), ("turns.diagnosis", Arc::new(diagnoses.finish()))];
    for (path, array) in &named {
        if !contract.gives(path) && array.null_count() < array.len() {
            return Err(undeclared(path));
        }
    }
    Ok(Columns { arrays: in_order(&contract.adds, &named), errors })
}

/// Advantages of turns.
///
/// # Errors
/// As [`rewards`].
pub(crate) fn advantages(
    rows: Rows<Vec<Option<f32>>>,
    batch: &TrajectoryBatch,
    contract: &PluginContract,
) -> Result<Columns, Fault> {
    let mut advantages = Vec::with_capacity(batch.turn_count());
    let errors = each(rows, batch, |row, given| {
        match given {
            Some(given) => {
                check_turns(given.len(), row, batch)?;
                advantages.extend(given);
            }
            None => advantages.resize(advantages.len() + batch.turns_of(row).len(), None),
        }
        Ok(())
    })?;
    let named: [(&str, ArrayRef); 1] = [("turns.advantage", Arc::new(Float32Array::from(advantages)))];
    Ok(Columns { arrays: in_order(&contract.adds, &named), errors })
}

/// Hands each row's value on, if it has one, and gives the rows that have none.
pub(crate) fn each<T>(
    rows: Rows<T>,
    batch: &TrajectoryBatch,
    mut take: impl FnMut(usize, Option<T>) -> Result<(), Fault>,
) -> Result<Vec<(usize, String)>, Fault> {
    if rows.len() != batch.rows() {
        return Err(Fault::result(format!("it returned {} results for {} trajectories", rows.len(), batch.rows())));
    }
    let mut errors = Vec::new();
    for (row, result) in rows.into_iter().enumerate() {
        match result {
            Ok(value) => take(row, Some(value))?,
            Err(message) => {
                errors.push((row, message));
                take(row, None)?;
            }
        }
    }
    Ok(errors)
}

fn check_turns(found: usize, row: usize, batch: &TrajectoryBatch) -> Result<(), Fault> {
    let expected = batch.turns_of(row).len();
    if found == expected {
        return Ok(());
    }
    let name = batch.name_of(row);
    Err(Fault::result(format!("it returned {found} values for the {expected} turns of trajectory `{name}`")))
}

fn undeclared(path: &str) -> Fault {
    Fault::result(format!("it returned values of `{path}`, which its contract does not add"))
}

fn in_order(adds: &[AddedColumn], named: &[(&str, ArrayRef)]) -> Vec<ArrayRef> {
    adds.iter()
        .map(|column| {
            let found = named.iter().find(|(path, _)| *path == column.path.as_str());
            found.map_or_else(|| new_null_array(&column.data_type, 0), |(_, array)| Arc::clone(array))
        })
        .collect()
}

/// Rows of which a number is not finite, ascending, and the first of each column; those in `known`, which ascend as well,
/// are passed over.
pub(crate) fn not_finite(
    arrays: &[ArrayRef],
    adds: &[AddedColumn],
    batch: &TrajectoryBatch,
    known: &[(usize, String)],
) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    for (array, column) in arrays.iter().zip(adds) {
        let mut numbers = numbers_not_finite(array);
        if column.path.turn_name().is_some() {
            let row = |turn| batch.turn_offsets().partition_point(|offset| *offset <= turn).saturating_sub(1);
            numbers.iter_mut().for_each(|(place, _)| *place = row(*place));
        }
        numbers.dedup_by_key(|(row, _)| *row);
        numbers.retain(|(row, _)| known.binary_search_by_key(row, |(other, _)| *other).is_err());
        let told = |(row, number)| (row, format!("`{}` is {number}, expected a finite number or none", column.path));
        found.extend(numbers.into_iter().map(told));
    }
    found.sort_by_key(|(row, _)| *row);
    found
}

/// Places in an array where a number is not finite, ascending, and the number; of a list, one of its elements.
fn numbers_not_finite(array: &dyn Array) -> Vec<(usize, f64)> {
    fn among(numbers: impl Iterator<Item = Option<impl Into<f64>>>) -> Vec<(usize, f64)> {
        let numbers = numbers.enumerate().filter_map(|(place, number)| Some((place, number?.into())));
        numbers.filter(|(_, number)| !number.is_finite()).collect()
    }
    match array.data_type() {
        DataType::Float32 => among(array.as_primitive::<Float32Type>().iter()),
        DataType::Float64 => among(array.as_primitive::<Float64Type>().iter()),
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let place = |element: usize| {
                let begun = list.value_offsets().partition_point(|offset| *offset as usize <= element);
                // What lies before the first list, behind the last, or in one that is null, is no value.
                begun.checked_sub(1).filter(|place| *place < list.len() && list.is_valid(*place))
            };
            let elements = numbers_not_finite(list.values()).into_iter();
            elements.filter_map(|(element, number)| Some((place(element)?, number))).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float64Array, ListArray};
    use arrow::buffer::{NullBuffer, OffsetBuffer};
    use arrow::datatypes::Field;
    use sternlight_engine::trajectory::{TrajectoryBuilder, TrajectoryRow, TurnRow};

    use super::*;
    use crate::data_type;

    /// Trajectories of two, no and one turn.
    fn batch() -> TrajectoryBatch {
        let mut builder = TrajectoryBuilder::new();
        for turns in [2, 0, 1] {
            let trajectory_id = format!("t{turns}");
            builder.push(&TrajectoryRow {
                trajectory_id,
                turns: vec![TurnRow::default(); turns],
                ..TrajectoryRow::default()
            });
        }
        builder.finish().unwrap()
    }

    fn contract(adds: &[(&str, &str)]) -> PluginContract {
        let adds = adds.iter().map(|(path, name)| AddedColumn::new(*path, data_type::parse(name).unwrap()));
        PluginContract { adds: adds.collect(), ..PluginContract::default() }
    }

    fn numbers(array: &ArrayRef) -> Vec<Option<f32>> {
        array.as_primitive::<Float32Type>().iter().collect()
    }

    #[test]
    fn rewards_come_in_the_order_of_the_contract() {
        let adds = contract(&[("turns.reward", "float32"), ("reward", "float32")]);
        let outcome = |reward, turn_rewards| Ok(Outcome { reward, turn_rewards });
        let rows = || vec![outcome(Some(1.0), None), Err("no".to_owned()), outcome(None, Some(vec![Some(0.5)]))];
        let columns = rewards(rows(), &batch(), &adds).unwrap();
        assert_eq!(numbers(&columns.arrays[0]), [None, None, Some(0.5)]);
        assert_eq!(numbers(&columns.arrays[1]), [Some(1.0), None, None]);
        assert_eq!(columns.errors, [(1, "no".to_owned())]);
        let fault = |rows, adds: &[(&str, &str)]| rewards(rows, &batch(), &contract(adds)).unwrap_err().to_string();
        insta::assert_snapshot!(fault(rows(), &[("reward", "float32")]), @"it returned values of `turns.reward`, which its contract does not add");
        let short = vec![outcome(None, Some(vec![None])), outcome(None, None), outcome(None, None)];
        insta::assert_snapshot!(fault(short, &[("turns.reward", "float32")]), @"it returned 1 values for the 2 turns of trajectory `t2`");
    }

    #[test]
    fn reflections_and_advantages_are_one_a_turn() {
        let reflection = |verdict: &str| Reflection { verdict: Some(verdict.to_owned()), diagnosis: None };
        let rows = vec![Ok(vec![reflection("invalid"), reflection("progress")]), Ok(Vec::new()), Err("no".to_owned())];
        let adds = contract(&[("turns.verdict", "utf8")]);
        let columns = reflections(rows, &batch(), &adds).unwrap();
        let verdicts: Vec<Option<&str>> = columns.arrays[0].as_string::<i32>().iter().collect();
        assert_eq!(verdicts, [Some("invalid"), Some("progress"), None]);
        assert_eq!(columns.errors, [(2, "no".to_owned())]);
        let adds = contract(&[("turns.advantage", "float32")]);
        let rows = vec![Ok(vec![Some(1.0), None]), Ok(Vec::new()), Ok(vec![Some(f32::INFINITY)])];
        let columns = advantages(rows, &batch(), &adds).unwrap();
        assert_eq!(numbers(&columns.arrays[0]), [Some(1.0), None, Some(f32::INFINITY)]);
        let wrong = not_finite(&columns.arrays, &adds.adds, &batch(), &columns.errors);
        assert_eq!(wrong, [(2, "`turns.advantage` is inf, expected a finite number or none".to_owned())]);
        let fault = advantages(vec![Ok(Vec::new())], &batch(), &adds).unwrap_err();
        insta::assert_snapshot!(fault, @"it returned 1 results for 3 trajectories");
    }

    fn told(arrays: &[ArrayRef], adds: &[(&str, &str)], known: &[(usize, String)]) -> String {
        let wrong = not_finite(arrays, &contract(adds).adds, &batch(), known);
        wrong.iter().map(|(row, reason)| format!("{row}: {reason}\n")).collect()
    }

    #[test]
    fn every_row_is_told_of_which_a_number_is_not_finite() {
        let rewards: ArrayRef = Arc::new(Float32Array::from(vec![f32::NAN, 1.0, f32::INFINITY]));
        let of_turns: ArrayRef = Arc::new(Float64Array::from(vec![Some(f64::NAN), Some(f64::INFINITY), None]));
        let arrays = [rewards, of_turns];
        let adds = [("reward", "float32"), ("turns.worth", "float64")];
        insta::assert_snapshot!(told(&arrays, &adds, &[]), @"
        0: `reward` is NaN, expected a finite number or none
        0: `turns.worth` is NaN, expected a finite number or none
        2: `reward` is inf, expected a finite number or none
        ");
        insta::assert_snapshot!(told(&arrays, &adds, &[(0, "no".to_owned())]), @"2: `reward` is inf, expected a finite number or none");
    }

    #[test]
    fn numbers_in_lists_are_looked_at() {
        let list = |rows: [Option<Vec<Option<f32>>>; 3]| ListArray::from_iter_primitive::<Float32Type, _, _>(rows);
        let bad = || Some(vec![Some(0.0), Some(f32::NAN), Some(f32::INFINITY)]);
        let scores: ArrayRef = Arc::new(list([Some(Vec::new()), bad(), Some(vec![None])]));
        // Turn 1 is of row 0, turn 2 of row 2.
        let of_turns: ArrayRef = Arc::new(list([Some(vec![Some(1.0)]), bad(), bad()]));
        let element = Arc::new(Field::new("element", of_turns.data_type().clone(), true));
        let (offsets, nulls) = (OffsetBuffer::from_lengths([1, 1, 0]), NullBuffer::from(vec![true, false, true]));
        // The only list with a bad number is null, or lies behind the last.
        let nested: ArrayRef = Arc::new(ListArray::new(element, offsets, Arc::clone(&of_turns), Some(nulls)));
        let adds = [("scores", "list<float32>"), ("turns.scores", "list<float32>"), ("nested", "list<list<float32>>")];
        insta::assert_snapshot!(told(&[scores.clone(), of_turns, nested], &adds, &[]), @"
        0: `turns.scores` is NaN, expected a finite number or none
        1: `scores` is NaN, expected a finite number or none
        2: `turns.scores` is NaN, expected a finite number or none
        ");
        insta::assert_snapshot!(told(&[scores.slice(1, 2)], &adds[..1], &[]), @"0: `scores` is NaN, expected a finite number or none");
    }
}
