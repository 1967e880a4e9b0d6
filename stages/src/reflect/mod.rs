//! Judges turns by what the environment said next.

mod arguments;
mod document;
mod episode;
mod finding;
mod judge;
#[cfg(test)]
mod labelled;
mod options;
mod reading;
#[cfg(test)]
mod recordings;
mod rule;
mod rule_set;
mod stage;
mod tool_list;

pub use document::{AtLeast, ListChange, LoopShape, RuleDocument, ToolMark};
pub use options::{ReflectBy, ReflectOptions, RuleSource, RuleSources};
pub use reading::ToolKind;
pub use rule::Rule;
pub use stage::Reflect;
