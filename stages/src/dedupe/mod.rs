//! Drops trajectories that say what another one says, word for word or nearly so.

mod columns;
mod digest;
mod minhash;
mod near;
mod options;
mod shingles;
mod stage;

pub use options::{DedupeBy, DedupeOptions, Within};
pub use stage::Dedupe;
