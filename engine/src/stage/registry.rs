//! Maps `uses:` names to kinds of stages. Filled by whoever embeds the engine; the engine names no stage.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::kind::StageKind;
use super::plugin::PluginLoader;

/// The kinds of stages that pipelines may use.
#[derive(Clone, Default)]
pub struct Registry {
    kinds: BTreeMap<&'static str, StageKind>,
    plugins: Option<Arc<dyn PluginLoader>>,
}

impl Registry {
    /// A registry of these kinds; a later one of the same name replaces an earlier.
    pub fn new(kinds: impl IntoIterator<Item = StageKind>) -> Self {
        Self { kinds: kinds.into_iter().map(|kind| (kind.name, kind)).collect(), plugins: None }
    }

    /// Pipelines may also use plugins, by address.
    #[must_use]
    pub fn with_plugins(mut self, loader: Arc<dyn PluginLoader>) -> Self {
        self.plugins = Some(loader);
        self
    }

    /// What loads plugins, if anything does.
    pub fn plugins(&self) -> Option<&dyn PluginLoader> {
        self.plugins.as_deref()
    }

    /// The kind of this name.
    pub fn get(&self, name: &str) -> Option<&StageKind> {
        self.kinds.get(name)
    }

    /// Every kind, by name.
    pub fn kinds(&self) -> impl Iterator<Item = &StageKind> {
        self.kinds.values()
    }
}
