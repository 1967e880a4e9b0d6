//! Writes a dataset outside of the store: ordinary Parquet or chat messages, with a card that says what it is.

mod artifact;
mod card;
mod chat;
mod destination;
mod findings;
mod highlight;
mod message;
mod messages;
mod parts;
#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod sample;
mod stage;
mod unfit;

pub use destination::{ExportOptions, Format};
pub use stage::Export;
