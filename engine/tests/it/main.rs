//! The engine through its public interface, with small stages made for the purpose.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod fixtures;
mod replay;
mod store;
