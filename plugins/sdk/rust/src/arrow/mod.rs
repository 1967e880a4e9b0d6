//! Reading and writing the one layout in which batches cross: an Arrow IPC stream with a schema and one record batch.
//! Our own, because the arrow crates would make a component ten times as large. Views only: nothing is copied.

mod column;
mod flatbuffer;
mod read;
mod write;

pub use column::Column;
pub use read::{Batch, Invalid};
pub use write::{Turns, Values, write};

#[cfg(test)]
mod tests;
