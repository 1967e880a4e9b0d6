//! The host as the engine sees it: plugins in, columns and errors out.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

mod columns;
mod conformance;
mod endurance;
mod environment;
#[cfg(feature = "wasi")]
mod granted;
mod guest;
mod hostile;
#[cfg(feature = "oci")]
mod registry;
