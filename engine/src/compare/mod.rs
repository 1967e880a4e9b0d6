//! What differs between two runs of one store: stages, keys, columns, the trajectories themselves, the numbers given to
//! them, and their order within groups.

mod keys;
mod orders;
mod rows;
mod runs;
mod values;

pub use keys::{KeyChange, key_changes};
pub use orders::{OrderChanges, WorstGroup};
pub use rows::RowChanges;
pub use runs::{Presence, RunComparison, StageComparison, compare_runs};
pub use values::{LargestChange, ValueChanges};
