//! The options of `sample`, as a pipeline writes them, and what they may say together.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sternlight_engine::column::ColumnPath;
use sternlight_engine::problem::Problem;

/// Options of `sample`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["fraction"] }, { "required": ["count"] }]))]
pub struct SampleOptions {
    /// What is drawn.
    #[serde(default)]
    pub of: SampleUnit,
    /// The share that is kept, above 0 and at most 1. Each is drawn by itself, so that the number kept is about this share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fraction: Option<f64>,
    /// How many are kept, exactly; all, if there are fewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// With `count`, a column of trajectories: each of its values keeps its share of the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stratify: Option<String>,
}

/// What is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SampleUnit {
    /// Single trajectories.
    #[default]
    Trajectories,
    /// Groups, with all of their trajectories.
    Groups,
}

impl SampleUnit {
    /// The column that names one of them.
    pub(super) fn id(self) -> &'static str {
        match self {
            Self::Trajectories => "trajectory_id",
            Self::Groups => "group_id",
        }
    }

    /// So many of them, in words.
    pub(super) fn counted(self, count: u64) -> String {
        let (one, many) = match self {
            Self::Trajectories => ("trajectory", "trajectories"),
            Self::Groups => ("group", "groups"),
        };
        format!("{count} {}", if count == 1 { one } else { many })
    }
}

/// How many are kept.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Share {
    /// Of each by itself, whether it is kept: so many of all.
    Fraction(f64),
    /// So many, each value of a column its share of them.
    Count { count: u64, stratify: Option<ColumnPath> },
}

impl SampleOptions {
    /// How many are kept.
    ///
    /// # Errors
    /// What the options may not say, alone or together.
    pub(super) fn share(&self) -> Result<Share, Problem> {
        match (self.fraction, self.count) {
            (Some(_), Some(_)) => {
                Err(Problem::at(["count"], "`fraction` and `count` are both given, expected one of them")
                    .help("`count` keeps exactly so many, `fraction` about this share of however many there are"))
            }
            (None, None) => Err(Problem::new("neither `fraction` nor `count` is given, expected one of them")
                .help("write for example `fraction: 0.1`, or `count: 1000`")),
            (Some(fraction), None) if fraction > 0.0 && fraction <= 1.0 => match self.stratify {
                None => Ok(Share::Fraction(fraction)),
                // It would be taken for a promise that a draw of each by itself cannot keep.
                Some(_) => Err(Problem::at(["stratify"], "`stratify` lays out a `count`, and `fraction` is given")
                    .help("remove `stratify`: every value of a column keeps about this fraction; or give a `count`")),
            },
            (Some(fraction), None) => Err(Problem::at(
                ["fraction"],
                format!("`fraction` is {fraction}, expected a number above 0, at most 1"),
            )),
            (None, Some(0)) => Err(Problem::at(["count"], "`count` is 0, expected at least 1")),
            (None, Some(count)) => {
                let stratify = self.stratify.as_deref().map(ColumnPath::from);
                match stratify.as_ref().filter(|path| path.turn_name().is_some() || path.is_turn_counts()) {
                    None => Ok(Share::Count { count, stratify }),
                    Some(path) => {
                        let message = format!("`{path}` has a value for each turn, expected a column of trajectories");
                        Err(Problem::at(["stratify"], message)
                            .help("make one value of it before: `select` with `derive`, and a function over turns"))
                    }
                }
            }
        }
    }
}
