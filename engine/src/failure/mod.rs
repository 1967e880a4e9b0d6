//! What becomes of a run when something goes wrong: what a pipeline asks for, and what errors of the operating system
//! mean.

mod policy;
mod system;

pub use policy::{FailurePolicy, OnError, Retries};
pub use system::reason;
pub(crate) use system::{MAKE_ROOM, is_full, may_pass, own_reason, system_error};
