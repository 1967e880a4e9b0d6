//! The options of `dedupe`, as a pipeline writes them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sternlight_engine::column::ColumnPath;
use sternlight_engine::problem::Problem;

/// Options of `dedupe`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DedupeOptions {
    /// When two trajectories are duplicates.
    pub by: DedupeBy,
    /// The columns that are compared. Default: of `prompt`, `final_observation` and the turns' `observation`, `action`,
    /// `tool_name` and `tool_arguments` those that the input has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// With `by: near`, the similarity from which on two trajectories are duplicates, above 0 and at most 1. Default: 0.9.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Where duplicates are looked for.
    #[serde(default)]
    pub within: Within,
    /// The column of trajectories by which the kept one is chosen: the highest, else the first in the dataset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefer: Option<String>,
}

/// When two trajectories are duplicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DedupeBy {
    /// If all that is compared is equal.
    Exact,
    /// If their texts have nearly the same passages: the estimated Jaccard similarity is at least `threshold`.
    Near,
}

/// Where duplicates are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Within {
    /// In the same group: the same task under the same policy.
    Group,
    /// In the whole dataset, which the stage then sees at once.
    #[default]
    All,
}

/// The similarity from which on trajectories are near duplicates, unless told otherwise.
const DEFAULT_THRESHOLD: f64 = 0.9;

impl DedupeOptions {
    /// The similarity to look for; none if duplicates are exact.
    ///
    /// # Errors
    /// If it is given for exact duplicates, or is no share.
    pub(super) fn similarity(&self) -> Result<Option<f64>, Problem> {
        match (self.by, self.threshold) {
            (DedupeBy::Exact, None) => Ok(None),
            (DedupeBy::Exact, Some(_)) => Err(Problem::at(["threshold"], "`threshold` belongs to `by: near`")
                .help("remove `threshold`, or write `by: near`")),
            (DedupeBy::Near, None) => Ok(Some(DEFAULT_THRESHOLD)),
            (DedupeBy::Near, Some(threshold)) if threshold > 0.0 && threshold <= 1.0 => Ok(Some(threshold)),
            (DedupeBy::Near, Some(threshold)) => {
                let message = format!("`threshold` is {threshold:?}, expected a number above 0, at most 1");
                Err(Problem::at(["threshold"], message))
            }
        }
    }

    /// The columns that are named; none if those of the schema are meant.
    ///
    /// # Errors
    /// If none is named, or the turns as a whole.
    pub(super) fn named(&self) -> Result<Option<Vec<ColumnPath>>, Problem> {
        let Some(columns) = &self.columns else { return Ok(None) };
        if columns.is_empty() {
            return Err(Problem::at(["columns"], "`columns` is empty: without any, all trajectories are equal")
                .help("name the columns to compare, or leave `columns` out"));
        }
        for (index, column) in columns.iter().enumerate() {
            let place = || [sternlight_engine::problem::Segment::from("columns"), index.into()];
            let path = ColumnPath::from(column.as_str());
            if path.is_turn_counts() {
                return Err(Problem::at(place(), "`turns` holds all columns of the turns, expected one of them")
                    .help("write for example `turns.action`"));
            }
            if columns.iter().take(index).any(|before| before == column) {
                return Err(Problem::at(place(), format!("`{column}` is named twice")));
            }
        }
        Ok(Some(columns.iter().map(|column| ColumnPath::from(column.as_str())).collect()))
    }
}
