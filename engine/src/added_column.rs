//! A column that a stage adds: its name and its type. Not concerned with values.

use arrow::datatypes::{DataType, Field};

use crate::column::ColumnPath;

/// A column that a stage adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedColumn {
    /// Its path: `reward`, or `turns.advantage` for one value a turn.
    pub path: ColumnPath,
    /// Its type; nulls are always allowed.
    pub data_type: DataType,
}

impl AddedColumn {
    /// A nullable column.
    pub fn new(path: impl Into<ColumnPath>, data_type: DataType) -> Self {
        Self { path: path.into(), data_type }
    }

    /// The Arrow field, named as inside its level.
    pub fn field(&self) -> Field {
        let name = self.path.turn_name().unwrap_or(self.path.as_str());
        Field::new(name, self.data_type.clone(), true)
    }
}
