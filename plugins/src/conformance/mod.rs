//! Whether a plugin keeps the contract: what it says of itself is true, results depend on nothing but their trajectories,
//! and nothing that datasets hold breaks it. What is behind `sternlight plugin test`.

mod answers;
mod calls;
mod describing;
mod episodes;
mod hard_rows;
mod invariance;
mod random;
mod recorded;
mod report;
pub(crate) mod rows;
mod taking;
mod trial;
pub(crate) mod values;

pub use recorded::{RecordedFigures, RecordedValues};
pub use report::{Check, Verdict};
pub use trial::{Subject, Trial};
