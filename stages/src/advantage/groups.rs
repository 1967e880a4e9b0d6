//! The rows of a batch by group, in an order that no cut or shuffle of the rows can change.

use arrow::array::Array as _;
use sternlight_engine::stage::StageError;
use sternlight_engine::trajectory::TrajectoryBatch;

/// The rows of one group.
#[derive(Debug, PartialEq)]
pub(super) struct Group<'a> {
    /// Its `group_id`.
    pub(super) id: &'a str,
    /// Rows of the batch, by `trajectory_id` in byte order.
    pub(super) rows: Vec<usize>,
}

/// The groups of a batch by `group_id`, wherever in the batch their rows lie.
///
/// # Errors
/// If an id is missing.
pub(super) fn groups(batch: &TrajectoryBatch) -> Result<Vec<Group<'_>>, StageError> {
    let group_ids = batch.text("group_id")?;
    let trajectory_ids = batch.text("trajectory_id")?;
    for (name, ids) in [("trajectory_id", trajectory_ids), ("group_id", group_ids)] {
        if let Some(row) = (0..ids.len()).find(|row| ids.is_null(*row)) {
            return Err(StageError::new(format!("row {row} has no `{name}`, expected a value in every row")));
        }
    }
    let mut rows: Vec<usize> = (0..batch.rows()).collect();
    rows.sort_by_key(|row| (group_ids.value(*row), trajectory_ids.value(*row)));
    Ok(rows
        .chunk_by(|left, right| group_ids.value(*left) == group_ids.value(*right))
        .filter_map(|rows| Some(Group { id: group_ids.value(*rows.first()?), rows: rows.to_vec() }))
        .collect())
}

#[cfg(test)]
mod tests {
    use sternlight_engine::trajectory::{TrajectoryBuilder, TrajectoryRow};

    use super::*;

    #[test]
    fn scattered_groups_are_found_and_sorted() {
        let mut builder = TrajectoryBuilder::new();
        for (trajectory, group) in [("b", "y"), ("a", "x"), ("B", "y"), ("a1", "x"), ("a", "y")] {
            builder.push(&TrajectoryRow {
                trajectory_id: trajectory.to_owned(),
                group_id: group.to_owned(),
                ..TrajectoryRow::default()
            });
        }
        let batch = builder.finish().unwrap();
        let groups = groups(&batch).unwrap();
        assert_eq!(groups, [Group { id: "x", rows: vec![1, 3] }, Group { id: "y", rows: vec![2, 4, 0] }]);
    }
}
