//! Whether a run's results can be trusted: what is stored is as it was written, and the same comes out again.

mod again;
mod redirect;
mod repeatable;
mod stored;

pub use again::{Again, Difference, changed_inputs, compare_results};
pub use redirect::Redirected;
pub use repeatable::{NotRepeated, repeatable};
pub use stored::{Damage, Stored, check_stored};
