//! The trajectory schema: its columns, a builder for those who write rows, a typed view for those who read
//! batches, and a validator.

mod batch;
mod builder;
mod schema;
mod validate;

pub use batch::TrajectoryBatch;
pub use builder::{Status, TrajectoryBuilder, TrajectoryRow, TurnRow};
pub use schema::{
    SCHEMA_VERSION, SCHEMA_VERSION_KEY, TrajectorySchema, canonical_type, imported_schema, is_required, turns_field,
};
pub(crate) use validate::has_judged_values;
pub use validate::{Violation, validate};
