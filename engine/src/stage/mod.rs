//! What a stage is: its kind (name, options, documentation), the trait that the engine calls, and the registry
//! that maps `uses:` names to kinds, or hands an address to a loader of plugins.

mod context;
mod environment;
mod error;
mod kind;
mod plugin;
mod registry;
mod source;
mod traits;

pub use context::{Context, Highlight, LogLevel, LogLine, Memo};
pub use environment::{Environment, EnvironmentKind, EnvironmentTask, EpisodeStart, EpisodeStep};
pub(crate) use error::MAKE_ROOM;
pub use error::StageError;
pub use kind::{BuildContext, Built, BuiltIn, InputFile, StageKind, canonical_json};
pub use plugin::{PluginGrants, PluginLimits, PluginLoader, PluginRequest};
pub use registry::Registry;
pub use source::{FaultyRecord, FaultyRow, Look, LookTerms, Receiver, ShardContent, Source, SourceShard, Survey};
pub use traits::{Exported, ExportedFile, Output, Sink, Stage, Staging, Target, Transform, Work};
