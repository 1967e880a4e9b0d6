//! The rows of a batch by group, in the order of the dataset, for stages that choose among them. Not concerned with
//! advantages, whose groups are in an order that no shuffle of the rows can change.

use std::collections::HashMap;

use arrow::array::Array as _;
use sternlight_engine::stage::StageError;
use sternlight_engine::trajectory::TrajectoryBatch;

/// Rows of each group, ascending; the groups by their first rows.
///
/// # Errors
/// If a row has no group.
pub(crate) fn row_groups(batch: &TrajectoryBatch) -> Result<Vec<Vec<usize>>, StageError> {
    let ids = batch.text("group_id")?;
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for row in 0..batch.rows() {
        if ids.is_null(row) {
            let message = "it has no `group_id`, expected a value in every row";
            return Err(StageError::new(message).trajectory(batch.name_of(row)));
        }
        let group = *known.entry(ids.value(row)).or_insert(groups.len());
        match groups.get_mut(group) {
            Some(rows) => rows.push(row),
            None => groups.push(vec![row]),
        }
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use sternlight_engine::trajectory::{TrajectoryBuilder, TrajectoryRow};

    use super::*;

    #[test]
    fn scattered_groups_are_found_in_order() {
        let mut builder = TrajectoryBuilder::new();
        for group in ["y", "x", "y", "x", "z"] {
            builder.push(&TrajectoryRow { group_id: group.to_owned(), ..TrajectoryRow::default() });
        }
        assert_eq!(row_groups(&builder.finish().unwrap()).unwrap(), [vec![0, 2], vec![1, 3], vec![4]]);
    }
}
