//! The options of `rollout`, as a pipeline writes them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_yaml::{Mapping, Value};
use sternlight_engine::quantities::{Memory, Span};
use sternlight_engine::stage::{PluginGrants, PluginLimits};

use crate::pattern::Pattern;

/// Options of `rollout`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RolloutOptions {
    /// What is acted in.
    pub env: EnvironmentOptions,
    /// Who acts: the first rule whose pattern is found in what is seen says what is done.
    pub script: Vec<ScriptRule>,
    /// How many of the environment's tasks, as far as it has so many.
    // In no key: those of a shard are in its own.
    #[serde(skip_serializing)]
    pub tasks: u32,
    /// Episodes of each task: the group.
    #[serde(default = "one")]
    pub group_size: u32,
    /// Turns after which an episode is cut (`truncated`).
    #[serde(default = "thirty")]
    pub max_turns: u32,
}

fn one() -> u32 {
    1
}

fn thirty() -> u32 {
    30
}

/// An environment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentOptions {
    /// A plugin of the world `environment`: `./name.wasm`, `oci://…`.
    // In no key, nor its pin: its contents are.
    #[serde(skip_serializing)]
    pub uses: String,
    /// The environment's own options.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<BTreeMap<String, serde_json::Value>>")]
    pub with: Option<Mapping>,
    /// The SHA-256 that the plugin's file must have.
    #[serde(default, skip_serializing)]
    pub sha256: Option<String>,
    /// What the plugin may take.
    #[serde(default)]
    pub limits: EnvironmentLimits,
    /// What the plugin may use beyond what it is given.
    #[serde(default)]
    pub allow: PluginGrants,
}

/// What an environment may take.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentLimits {
    /// Memory, as in `256MiB`; 512 MiB if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
    /// Time for one call, which is a turn of up to some hundred episodes, as in `5s`; 10 seconds if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_time: Option<Span>,
}

/// A rule of the script.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScriptRule {
    /// A regular expression that is searched in what is seen; without one the rule always applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Pattern>,
    /// What is done: one of these, drawn evenly. `$1` stands for the first group of `when`, `$name` for a named one.
    pub act: Vec<String>,
}

impl EnvironmentOptions {
    /// The options of the environment, as the engine hands them on.
    pub(super) fn with(&self) -> Value {
        Value::Mapping(self.with.clone().unwrap_or_default())
    }

    pub(super) fn limits(&self) -> PluginLimits {
        let EnvironmentLimits { memory, call_time } = &self.limits;
        PluginLimits { memory: memory.map(Memory::bytes), call_time: call_time.map(Span::duration) }
    }
}
