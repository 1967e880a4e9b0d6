//! What stages hand to each other: datasets of trajectories, policies, and tables; and what is known of each before it is
//! there.

mod inputs;
mod kind;
mod one;
mod policy;
mod table;

pub use inputs::Inputs;
pub use kind::{ArtifactKind, ArtifactType};
pub use one::Artifact;
pub(crate) use policy::{EXPORT_MANIFEST, release_mark};
pub use policy::{Policy, PolicyFacts, PolicyFile};
pub use table::Table;
pub(crate) use table::write_table;
