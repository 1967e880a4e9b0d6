//! What can be told of a plugin without a pipeline.

use serde::Serialize;
use sternlight_engine::contract::Scope;

use crate::data_type;
use crate::description::{PluginContract, contract};
use crate::guest::Guest;
use crate::limits::Limits;
use crate::plugin::Plugin;
use crate::text;

/// What a plugin says of itself, and what its file says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inspection {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it does, in its own words.
    pub summary: String,
    /// The world that it is of.
    pub world: &'static str,
    /// Length of its file, in bytes.
    pub bytes: u64,
    /// SHA-256 of its file, as `sha256` takes it.
    pub sha256: String,
    /// Interfaces that it imports beyond the contract's own: what it may try to use, and is not granted.
    pub imports: Vec<String>,
    /// JSON Schema of its options.
    pub options: serde_json::Value,
    /// What it reads and adds without any option; none if it needs some, or is no stage.
    pub columns: Option<InspectedColumns>,
}

/// What a plugin reads and adds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InspectedColumns {
    /// What it must see at once: `trajectory` or `group`.
    pub scope: &'static str,
    /// What becomes of the rows: `same`, `subset` if some are left out, or `new` for a relabeller.
    pub rows: &'static str,
    /// Whether an instance is `fresh` for each shard, or `reused`, so that results are not reproducible.
    pub state: &'static str,
    /// Paths and types; an empty type is any.
    pub reads: Vec<(String, String)>,
    /// Paths and types.
    pub adds: Vec<(String, String)>,
    /// Paths.
    pub drops: Vec<String>,
}

impl InspectedColumns {
    fn of(contract: &PluginContract) -> Self {
        let read = |(path, wanted): &(_, Option<_>)| {
            (format!("{path}"), wanted.as_ref().map(data_type::name).unwrap_or_default())
        };
        let scope = match contract.scope {
            Scope::Group => "group",
            Scope::Trajectory | Scope::Dataset => "trajectory",
        };
        Self {
            scope,
            rows: contract.rows.name(),
            state: if contract.keeps_state { "reused" } else { "fresh" },
            reads: contract.reads.iter().map(read).collect(),
            adds: contract
                .adds
                .iter()
                .map(|column| (column.path.to_string(), data_type::name(&column.data_type)))
                .collect(),
            drops: contract.drops.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Inspection {
    /// Of a plugin whose file has this length and digest.
    pub(crate) fn of(plugin: &Plugin, bytes: u64, sha256: String, limits: Limits) -> Self {
        let told = Guest::start(plugin, limits).and_then(|mut guest| guest.configure("{}"));
        let columns = told.ok().and_then(Result::ok).and_then(|told| contract(told, plugin.world).ok());
        let description = &plugin.description;
        Self {
            name: description.name.clone(),
            version: description.version.clone(),
            summary: text::printable(&description.summary),
            world: plugin.world.name(),
            bytes,
            sha256,
            imports: plugin.imports.clone(),
            options: description.schema.value().clone(),
            columns: columns.as_ref().map(InspectedColumns::of),
        }
    }
}
