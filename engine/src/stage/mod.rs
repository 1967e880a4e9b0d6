//! What a stage is: its kind (name, options, documentation), the trait that the engine calls, and the registry
//! that maps `uses:` names to kinds, or hands an address to a loader of plugins.

mod built;
mod context;
mod environment;
mod figure;
mod input_file;
mod kind;
mod plugin;
mod ports;
mod registry;
mod source;
mod task;
mod traits;
mod whole;

pub use crate::error::StageError;
pub use built::Built;
pub use context::{Context, Highlight, LogLevel, LogLine, Memo};
pub use environment::{Environment, EnvironmentKind, EnvironmentTask, EpisodeStart, EpisodeStep};
pub use figure::{Figure, Measure};
pub use input_file::InputFile;
pub use kind::{BuildContext, BuiltIn, StageKind, canonical_json};
pub use plugin::{PluginGrants, PluginLimits, PluginLoader, PluginRequest};
pub use ports::{Arity, InputPort, OutputPort, Ports};
pub use registry::Registry;
pub use source::{FaultyRecord, FaultyRow, Look, LookTerms, Receiver, ShardContent, Source, SourceShard, Survey};
pub use task::{Checkpoint, Host, Load, Loaded, Progress, TaskContext, WriteFiles};
pub use traits::{Exported, ExportedFile, Output, Session, Sink, Stage, Staging, Target, Transform, Work};
pub use whole::{Outputs, Whole};
