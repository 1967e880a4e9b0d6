//! From a pipeline's file to jobs that can be carried out, here or, by a plan, in another process.

mod checked;
mod error;
mod instances;
mod iteration;
mod origin;
mod run_plan;
mod turn;

pub use checked::{Checked, Surroundings};
pub use error::LoadError;
pub use iteration::Iteration;
pub use origin::Origin;
pub use run_plan::RunPlan;
