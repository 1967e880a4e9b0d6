//! Where stages come from that are not built in: whoever embeds the engine hands in a loader of plugins. The engine
//! knows what a pipeline says about a plugin, and nothing of what a plugin is.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_yaml::Value;

use super::built::Built;
use super::environment::EnvironmentKind;
use crate::contract::Keep;
use crate::problem::Problem;

/// A plugin as a pipeline asks for it.
#[derive(Clone, Copy, Debug)]
pub struct PluginRequest<'a> {
    /// The stage's name in the pipeline, for messages; random numbers that are granted follow from it.
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
    /// What it may use.
    pub allow: &'a PluginGrants,
    /// The pipeline's seed.
    pub seed: u64,
    /// Directory of the pipeline file: relative paths begin here.
    pub directory: &'a Path,
}

impl PluginRequest<'_> {
    /// Where a plugin, if it is a file, and what it may read and write lie.
    pub fn inputs_of(address: &str, allow: &PluginGrants, directory: &Path) -> Vec<PathBuf> {
        let file = (!address.contains("://")).then_some(address);
        let granted = allow.read.iter().chain(&allow.write).map(String::as_str);
        file.into_iter().chain(granted).map(|name| directory.join(name)).collect()
    }
}

/// What a plugin may take; `None` leaves it to the loader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PluginLimits {
    /// Memory of one instance, in bytes.
    pub memory: Option<u64>,
    /// Time for one call.
    pub call_time: Option<Duration>,
}

/// What a plugin may use beyond its input: nothing but what is listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Grants")]
pub struct PluginGrants {
    /// Directories that it may read, absolute or below the pipeline's own. What lies in them is part of the stage's key.
    pub read: Vec<String>,
    /// Directories in which it may read, write and remove files. The stage is then not reproducible.
    pub write: Vec<String>,
    /// Environment variables that it may see, by their names. Digests of their values are part of the stage's key.
    pub env: Vec<String>,
    /// Where it may connect to, as `host:port`. The stage is then not reproducible.
    pub network: Vec<String>,
    /// Whether it may see the time. The stage is then not reproducible.
    pub clock: bool,
    /// Whether it may have random numbers, which follow from the pipeline's seed, the stage and the trajectories.
    pub random: bool,
}

/// Makes stages of plugins.
pub trait PluginLoader: Send + Sync {
    /// Loads a plugin and builds its stage. Called once when the pipeline is loaded; the plugin's code and all else
    /// that decides its results must be in [`Built::options`] or [`super::Stage::files`].
    ///
    /// # Errors
    /// Every problem found, placed below the stage: at `uses`, `sha256`, `keep`, `limits`, or below `allow` or `with`.
    fn load(&self, request: &PluginRequest<'_>) -> Result<Built, Vec<Problem>>;

    /// Loads a plugin that is an environment, for a stage that acts in one.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    fn environment(&self, request: &PluginRequest<'_>) -> Result<Arc<dyn EnvironmentKind>, Vec<Problem>>;
}
