//! The `advantage` stage from outside: worked examples, invariants, an independent reference, options and errors.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

mod agreement;
mod edges;
mod examples;
mod harness;
mod options;
mod outcome_properties;
mod recordings;
mod reference;
mod return_properties;
mod rows;
