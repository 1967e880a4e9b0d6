//! What a plugin gives for a batch: the columns that it adds, and the rows that have no value.

use crate::arrow::{self, Batch, Turns, Values};
use crate::definition::{Column, Columns, Processed};
use crate::error::{Error, Result};

/// New columns of a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    columns: Vec<Column>,
    errors: Vec<(u32, String)>,
}

impl Output {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a column by its path: one value a trajectory, or for `turns.x` one a turn of all trajectories, in order.
    #[must_use]
    pub fn with(mut self, path: &str, values: impl Into<Values>) -> Self {
        self.columns.push((path.to_owned(), values.into()));
        self
    }

    /// Says why a row has no value. What the columns hold for it does not matter.
    pub fn fail(&mut self, row: usize, error: Error) {
        self.errors.push((u32::try_from(row).unwrap_or(u32::MAX), error.to_string()));
    }

    /// As the host takes it, checked against what the plugin said that it adds.
    pub(crate) fn into_ipc(mut self, batch: &Batch<'_>, adds: Columns) -> Result<Processed> {
        let of_turns = adds.iter().any(|(path, _)| path.starts_with("turns."));
        let rows_of_turns = if of_turns { 0..batch.rows() } else { 0..0 };
        let counts: Vec<usize> = rows_of_turns.map(|row| batch.turns_of(row).len()).collect();
        let total = counts.iter().sum();
        let (mut of_rows, mut of_turns) = (Vec::new(), Vec::new());
        for (path, expected) in adds {
            let place = self.columns.iter().position(|(name, _)| name == path);
            let place =
                place.ok_or_else(|| Error::new(format!("column `{path}` is to be added, but was not given")))?;
            let (_, mut values) = self.columns.swap_remove(place);
            let (name, rows) = match path.strip_prefix("turns.") {
                Some(name) => (name, total),
                None => (*path, batch.rows()),
            };
            if values.type_name() != *expected || values.len() != rows {
                return Err(Error::new(format!(
                    "column `{path}` is to have type {expected} and {rows} values, but has type {} and {} values",
                    values.type_name(),
                    values.len()
                )));
            }
            for (row, _) in &self.errors {
                let row = *row as usize;
                if name != *path {
                    batch.turns_of(row).for_each(|turn| values.clear(turn));
                } else {
                    values.clear(row);
                }
            }
            if name == *path { &mut of_rows } else { &mut of_turns }.push((name.to_owned(), values));
        }
        if let Some((path, _)) = self.columns.first() {
            return Err(Error::new(format!("column `{path}` was given, but is not among those to be added")));
        }
        let turns = Turns { counts: &counts, columns: &of_turns };
        let turns = (!of_turns.is_empty()).then_some(turns);
        Ok((arrow::write(batch.rows(), &of_rows, turns), self.errors))
    }
}
