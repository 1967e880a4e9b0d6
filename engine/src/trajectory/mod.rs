//! The trajectory schema: its columns, a builder for those who write rows, a typed view for those who read
//! batches, a validator, and copies under other goals.

mod batch;
mod builder;
mod copies;
mod relabelled;
mod schema;
mod validate;

pub use batch::TrajectoryBatch;
pub use builder::{Status, TrajectoryBuilder, TrajectoryRow, TurnRow};
pub(crate) use copies::{NumberedCopy, copies_of, numbered};
pub use relabelled::{Relabelled, TurnEdit, relabelling_fault};
pub(crate) use relabelled::{batch_fault, lacking_columns};
pub use schema::{
    SCHEMA_VERSION, SCHEMA_VERSION_KEY, TrajectorySchema, canonical_type, imported_schema, is_required, turns_field,
};
pub use validate::{Violation, validate};
pub(crate) use validate::{has_judged_values, rows_without_number};
