//! Where stages come from that are not built in: whoever embeds the engine hands in a loader of plugins. The engine
//! knows what a pipeline says about a plugin, and nothing of what a plugin is.

use std::path::Path;
use std::time::Duration;

use serde_yaml::Value;

use super::kind::Built;
use crate::contract::Keep;
use crate::problem::Problem;

/// A plugin as a pipeline asks for it.
#[derive(Clone, Copy, Debug)]
pub struct PluginRequest<'a> {
    /// The stage's name in the pipeline, for messages; it decides no result.
    pub stage: &'a str,
    /// What `uses` says: a path such as `./name.wasm`, or `oci://…`.
    pub address: &'a str,
    /// The stage's options, `${…}` replaced.
    pub with: &'a Value,
    /// The digest that the plugin must have, as written.
    pub sha256: Option<&'a str>,
    /// Which rows it hands on, if it is a relabeller; `None`: the pipeline does not say.
    pub keep: Option<Keep>,
    /// What it may take.
    pub limits: PluginLimits,
    /// Directory of the pipeline file: relative paths begin here.
    pub directory: &'a Path,
}

/// What a plugin may take; `None` leaves it to the loader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PluginLimits {
    /// Memory of one instance, in bytes.
    pub memory: Option<u64>,
    /// Time for one call.
    pub call_time: Option<Duration>,
}

/// Makes stages of plugins.
pub trait PluginLoader: Send + Sync {
    /// Loads a plugin and builds its stage. Called once when the pipeline is loaded; the plugin's code and all else
    /// that decides its results must be in [`Built::options`] or [`super::Stage::files`].
    ///
    /// # Errors
    /// Every problem found, placed below the stage: at `uses`, `sha256`, `keep`, `limits`, or below `with`.
    fn load(&self, request: &PluginRequest<'_>) -> Result<Built, Vec<Problem>>;
}
