//! How the numbers of one column changed between two datasets, trajectory by trajectory. Holds one column of the first
//! dataset at a time; the second streams by.

use arrow::array::AsArray as _;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use serde::Serialize;

use super::orders::{OrderChanges, Scored, order_changes};
use super::rows::Matched;
use crate::column::ColumnPath;
use crate::dataset::{BatchLimit, Dataset};
use crate::stage::StageError;
use crate::trajectory::TrajectoryBatch;

/// Changes of a column's values in trajectories that both datasets have. What is null or not a number is no value.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ValueChanges {
    /// Trajectories that both have.
    pub trajectories: u64,
    /// Those of which a value changed, came or went.
    pub trajectories_changed: u64,
    /// Those that have another number of turns: their turns are not compared.
    pub other_turns: u64,
    /// Values that both have.
    pub values: u64,
    /// Those that differ.
    pub changed: u64,
    /// Values that only the first has.
    pub gone: u64,
    /// Values that only the second has.
    pub new: u64,
    /// Mean absolute change of those that differ.
    pub mean_change: Option<f64>,
    /// The largest; the first of several.
    pub largest: Option<LargestChange>,
    /// Order within groups: by the value, or by the mean over a trajectory's turns.
    pub orders: OrderChanges,
}

/// A value in both datasets.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LargestChange {
    /// The trajectory.
    pub trajectory_id: String,
    /// The turn, from 0, for a column of the turns.
    pub turn: Option<usize>,
    /// Its value in the first.
    pub from: f64,
    /// Its value in the second.
    pub to: f64,
}

/// The values of one column, flat: row `i` has `values[offsets[i]..offsets[i + 1]]`. No value is NaN.
#[derive(Default)]
struct Flat {
    offsets: Vec<usize>,
    values: Vec<f64>,
}

impl Flat {
    fn push(&mut self, batch: &TrajectoryBatch, column: &ColumnPath) -> Result<(), StageError> {
        let array =
            batch.column(column.as_str()).ok_or_else(|| StageError::new(format!("column `{column}` was not read")))?;
        let array = cast(array, &DataType::Float64)?;
        let values = array.as_primitive::<Float64Type>();
        if self.offsets.is_empty() {
            self.offsets.push(0);
        }
        let start = self.values.len();
        self.values.extend(values.iter().map(|value| value.unwrap_or(f64::NAN)));
        match column.turn_name() {
            Some(_) => self.offsets.extend(batch.turn_offsets().iter().skip(1).map(|offset| start + offset)),
            None => self.offsets.extend(start + 1..=start + values.len()),
        }
        Ok(())
    }

    fn row(&self, row: usize) -> &[f64] {
        &self.values[self.offsets[row]..self.offsets[row + 1]]
    }
}

/// Compares a column of numbers.
pub(super) fn value_changes(
    first: &Dataset,
    second: &Dataset,
    matched: &Matched,
    column: &ColumnPath,
) -> Result<ValueChanges, StageError> {
    let mut before = Flat::default();
    for shard in &first.shards {
        for batch in first.read(shard, std::slice::from_ref(column), BatchLimit::default())? {
            before.push(&batch?, column)?;
        }
    }
    let mut changes = ValueChanges::default();
    let (mut sum, mut scored, mut row) = (0.0, Vec::new(), 0);
    let columns = [ColumnPath::from("trajectory_id"), column.clone()];
    for shard in &second.shards {
        for batch in second.read(shard, &columns, BatchLimit::default())? {
            let batch = batch?;
            let mut after = Flat::default();
            after.push(&batch, column)?;
            for index in 0..batch.rows() {
                let matching = matched.rows.get(row).copied().flatten().map(|row| row as usize);
                row += 1;
                let Some(matching) = matching else { continue };
                let (from, to) = (before.row(matching), after.row(index));
                sum += changes.add(from, to, || batch.name_of(index), column.turn_name().is_some());
                if let (Some(first), Some(second)) = (mean(from), mean(to)) {
                    scored.push(Scored { group: matched.groups[matching], first, second });
                }
            }
        }
    }
    changes.mean_change = (changes.changed > 0).then(|| sum / changes.changed as f64);
    changes.orders = order_changes(scored, &matched.group_names);
    Ok(changes)
}

impl ValueChanges {
    /// Adds a trajectory; the sum of its absolute changes.
    fn add(&mut self, from: &[f64], to: &[f64], name: impl Fn() -> String, has_turns: bool) -> f64 {
        self.trajectories += 1;
        if from.len() != to.len() {
            self.other_turns += 1;
            return 0.0;
        }
        let (mut sum, before) = (0.0, self.changed + self.gone + self.new);
        for (turn, (from, to)) in from.iter().zip(to).enumerate() {
            match (from.is_nan(), to.is_nan()) {
                (true, true) => {}
                (false, true) => self.gone += 1,
                (true, false) => self.new += 1,
                (false, false) => {
                    self.values += 1;
                    if from == to {
                        continue;
                    }
                    let change = (to - from).abs();
                    self.changed += 1;
                    sum += change;
                    if self.largest.as_ref().is_none_or(|known| change > (known.to - known.from).abs()) {
                        let turn = has_turns.then_some(turn);
                        self.largest = Some(LargestChange { trajectory_id: name(), turn, from: *from, to: *to });
                    }
                }
            }
        }
        self.trajectories_changed += u64::from(self.changed + self.gone + self.new > before);
        sum
    }
}

/// Of the values that are there.
fn mean(values: &[f64]) -> Option<f64> {
    let (sum, count) = values
        .iter()
        .filter(|value| !value.is_nan())
        .fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    (count > 0.0).then(|| sum / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_go_and_change() {
        let mut changes = ValueChanges::default();
        let name = |id: &'static str| move || id.to_owned();
        let nan = f64::NAN;
        let sums = [
            changes.add(&[1.0, nan, 0.5], &[1.0, 2.0, nan], name("a"), true),
            changes.add(&[0.0, 1.0], &[0.25, 0.0], name("b"), true),
            changes.add(&[1.0], &[1.0, 1.0], name("c"), true),
            changes.add(&[nan], &[nan], name("d"), true),
        ];
        assert_eq!(sums, [0.0, 1.25, 0.0, 0.0]);
        let largest = LargestChange { trajectory_id: "b".to_owned(), turn: Some(1), from: 1.0, to: 0.0 };
        let expected = ValueChanges {
            trajectories: 4,
            trajectories_changed: 2,
            other_turns: 1,
            values: 3,
            changed: 2,
            gone: 1,
            new: 1,
            largest: Some(largest),
            ..ValueChanges::default()
        };
        assert_eq!(changes, expected);
        assert_eq!((mean(&[nan, 1.0, 2.0]), mean(&[nan]), mean(&[])), (Some(1.5), None, None));
    }
}
