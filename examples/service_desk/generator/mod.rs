//! The seeded generator of sternlight's sample recordings: a music shop's service desk, a user and an agent by script.

mod agent;
pub(crate) mod database;
mod draws;
mod episode;
mod generation;
mod mistake;
mod phrases;
mod policy;
mod record;
mod schema;
mod task;
pub(crate) mod tools;
mod user;
mod wording;

pub(crate) use generation::{Options, generate};
pub(crate) use mistake::Mistake;
pub(crate) use record::file_texts;

/// Failures of the generator: its own data do not load, or a task's gold actions are refused.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;
