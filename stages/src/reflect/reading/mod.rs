//! Reads the result of a call: what it says of the call, and which words of it say so.

mod command;
mod deed;
mod echo;
mod envelope;
mod exit_status;
mod halt;
mod lines;
mod literal;
mod markup;
mod peel;
mod place;
mod read;
mod role;
mod said;
mod sums;
mod tone;
mod tool_kind;
mod voice;
mod world;

pub(super) use read::{Answer, Reading, read};
pub use tool_kind::ToolKind;
pub(super) use tool_kind::ToolWords;
