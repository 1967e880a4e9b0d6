//! The `advantage` stage from outside: worked examples, invariants, an independent reference, options and errors.

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
