//! Rows in the order of their groups, for plugins that see whole groups, and columns back in the order of the rows.

use std::collections::BTreeMap;
use std::ops::Range;

use arrow::array::{ArrayRef, UInt64Array};
use arrow::compute::{take, take_record_batch};
use sternlight_engine::contract::AddedColumn;
use sternlight_engine::stage::StageError;
use sternlight_engine::trajectory::TrajectoryBatch;

/// Calls get whole groups until they have as many rows.
const CALL_ROWS: usize = 256;

/// A batch in which groups are neighbours.
pub(crate) struct Grouped {
    pub(crate) batch: TrajectoryBatch,
    /// The groups, by the rows where each lies.
    pub(crate) groups: Vec<Range<usize>>,
    /// For each row of the batch, where it came from; none if it was in order.
    order: Option<Vec<usize>>,
}

impl Grouped {
    /// Groups come in the order of their first rows, and rows of a group as they came.
    ///
    /// # Errors
    /// If the batch has no group ids.
    pub(crate) fn of(batch: &TrajectoryBatch) -> Result<Self, StageError> {
        let ids = batch.text("group_id")?;
        let mut known: BTreeMap<&str, usize> = BTreeMap::new();
        let mut members: Vec<Vec<usize>> = Vec::new();
        for row in 0..batch.rows() {
            let group = *known.entry(ids.value(row)).or_insert(members.len());
            match members.get_mut(group) {
                Some(rows) => rows.push(row),
                None => members.push(vec![row]),
            }
        }
        let groups = members.iter().scan(0, |start, rows| {
            let range = *start..*start + rows.len();
            *start = range.end;
            Some(range)
        });
        let groups = groups.collect();
        let order = members.concat();
        if order.is_sorted() {
            return Ok(Self { batch: batch.clone(), groups, order: None });
        }
        let indices: UInt64Array = order.iter().map(|row| Some(*row as u64)).collect();
        let batch = TrajectoryBatch::new(take_record_batch(batch.record_batch(), &indices)?)?;
        Ok(Self { batch, groups, order: Some(order) })
    }

    /// The groups that go into each call.
    pub(crate) fn calls(&self) -> Vec<&[Range<usize>]> {
        let mut calls = Vec::new();
        let mut rest = self.groups.as_slice();
        while let Some(first) = rest.first() {
            let count = rest.iter().take_while(|group| group.end - first.start <= CALL_ROWS).count().max(1);
            let (call, after) = rest.split_at(count);
            calls.push(call);
            rest = after;
        }
        calls
    }

    /// Columns of this batch, in the order in which the rows came.
    ///
    /// # Errors
    /// If Arrow cannot move the values.
    pub(crate) fn restored(&self, arrays: Vec<ArrayRef>, adds: &[AddedColumn]) -> Result<Vec<ArrayRef>, StageError> {
        let Some(order) = &self.order else { return Ok(arrays) };
        let mut places = vec![0; order.len()];
        for (place, row) in order.iter().enumerate() {
            if let Some(found) = places.get_mut(*row) {
                *found = place;
            }
        }
        let rows: UInt64Array = places.iter().map(|place| Some(*place as u64)).collect();
        let turns: UInt64Array =
            places.iter().flat_map(|place| self.batch.turns_of(*place)).map(|turn| Some(turn as u64)).collect();
        let restore = |(array, column): (ArrayRef, &AddedColumn)| match column.path.turn_name() {
            None => take(&array, &rows, None),
            Some(_) => take(&array, &turns, None),
        };
        Ok(arrays.into_iter().zip(adds).map(restore).collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::DataType;
    use proptest::prelude::*;
    use sternlight_engine::trajectory::{TrajectoryBuilder, TrajectoryRow, TurnRow};

    use super::*;

    proptest! {
        #[test]
        fn what_is_ordered_comes_back(rows in prop::collection::vec((0..5_u8, 0..3_usize), 1..40)) {
            let mut builder = TrajectoryBuilder::new();
            for (index, (group, turns)) in rows.iter().enumerate() {
                let turn = |turn| TurnRow { action: format!("{index}.{turn}"), ..TurnRow::default() };
                builder.push(&TrajectoryRow {
                    trajectory_id: index.to_string(),
                    group_id: group.to_string(),
                    turns: (0..*turns).map(turn).collect(),
                    ..TrajectoryRow::default()
                });
            }
            let batch = builder.finish().unwrap();
            let grouped = Grouped::of(&batch).unwrap();
            for group in &grouped.groups {
                let ids = grouped.batch.text("group_id").unwrap();
                prop_assert!(group.clone().all(|row| ids.value(row) == ids.value(group.start)));
            }
            prop_assert_eq!(grouped.calls().concat(), grouped.groups.clone());
            let adds = [AddedColumn::new("id", DataType::Utf8), AddedColumn::new("turns.action", DataType::Utf8)];
            let arrays = ["trajectory_id", "turns.action"].map(|path| ArrayRef::clone(grouped.batch.column(path).unwrap()));
            let restored = grouped.restored(arrays.to_vec(), &adds).unwrap();
            prop_assert_eq!(&restored[0], batch.column("trajectory_id").unwrap());
            prop_assert_eq!(&restored[1], batch.column("turns.action").unwrap());
        }
    }
}
