//! Reads the result of a call: what it says of the call, and which words of it say so.

mod command;
mod envelope;
mod exit_status;
mod lines;
mod literal;
mod peel;
mod read;
mod role;
mod tool_kind;
mod voice;

pub(super) use read::{Answer, Reading, read};
pub use tool_kind::ToolKind;
pub(super) use tool_kind::ToolWords;
