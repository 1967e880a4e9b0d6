//! What `config.json` says of a policy.

use std::path::Path;

use serde::Deserialize;
use sternlight_engine::problem::Problem;

use super::layout::json_of;

/// The keys of `config.json` that are looked at: those that decoders have in common.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Config {
    #[serde(default)]
    pub(super) architectures: Vec<String>,
    #[serde(default)]
    pub(super) model_type: Option<String>,
    pub(super) vocab_size: u64,
    pub(super) hidden_size: u64,
    pub(super) num_hidden_layers: u64,
    #[serde(default)]
    pub(super) max_position_embeddings: Option<u64>,
}

impl Config {
    /// Reads the configuration of a policy's directory.
    pub(super) fn read(directory: &Path) -> Result<Self, Problem> {
        let path = directory.join("config.json");
        let value = json_of(&path)?;
        serde_json::from_value(value).map_err(|error| {
            Problem::at(["path"], format!("`{}` is not the configuration of a decoder: {error}", path.display()))
                .help("a decoder's `config.json` has `vocab_size`, `hidden_size` and `num_hidden_layers`")
        })
    }

    /// The architecture, by whichever name it has.
    pub(super) fn architecture(&self) -> Option<String> {
        self.architectures.first().cloned().or_else(|| self.model_type.clone())
    }
}
