//! Criteria: what a rubric asks of an attempt, and whether it was met. Read from a column or from what a record left over,
//! and written as a column.

mod column;
mod criterion;
mod json;
mod recorded;

pub(crate) use column::{CriteriaBuilder, data_type};
pub(crate) use criterion::Criterion;
pub(crate) use recorded::{RecordedCriteria, recorded_in};

/// The column of criteria.
pub(crate) const CRITERIA: &str = "criteria";
