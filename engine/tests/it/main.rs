//! The engine through its public interface, with small stages made for the purpose.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

mod failure;
mod faulty_stages;
mod fixtures;
mod gather;
mod replay;
mod store;
