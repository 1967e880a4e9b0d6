//! Maps `uses:` names to kinds of stages. Filled by whoever embeds the engine; the engine names no stage.

use std::collections::BTreeMap;

use super::kind::StageKind;

/// The kinds of stages that pipelines may use.
#[derive(Clone, Default)]
pub struct Registry(BTreeMap<&'static str, StageKind>);

impl Registry {
    /// A registry of these kinds; a later one of the same name replaces an earlier.
    pub fn new(kinds: impl IntoIterator<Item = StageKind>) -> Self {
        Self(kinds.into_iter().map(|kind| (kind.name, kind)).collect())
    }

    /// The kind of this name.
    pub fn get(&self, name: &str) -> Option<&StageKind> {
        self.0.get(name)
    }

    /// Every kind, by name.
    pub fn kinds(&self) -> impl Iterator<Item = &StageKind> {
        self.0.values()
    }
}
