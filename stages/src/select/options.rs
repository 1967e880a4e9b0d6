//! The options of `select`, as a pipeline writes them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Options of `select`. All names are those of the input; what is renamed or derived stays whatever `keep` says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SelectOptions {
    /// The columns that stay, besides those that every dataset has; `turns` means all columns of the turns. Not together
    /// with `drop`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<Vec<String>>,
    /// The columns that go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drop: Option<Vec<String>>,
    /// New names of columns, by their old ones: `{turns.advantage: turns.advantage_grpo}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rename: BTreeMap<String, String>,
    /// What new columns hold, by their names: `{long: length(turns) > 30}`. An SQL expression as in `filter`; of a column
    /// `turns.…` it has a value for each turn. A column that is there already is replaced.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub derive: BTreeMap<String, String>,
}
