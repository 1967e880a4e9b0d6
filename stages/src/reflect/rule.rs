//! The rules by name, and the verdict that each gives. Not concerned with when they match.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a turn was, ordered from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// Valid, and the observation shows something new.
    Progress,
    /// Valid but unnecessary.
    Redundant,
    /// Legal, but the environment answered with an error.
    Failed,
    /// Not a legal action.
    Invalid,
}

impl Verdict {
    /// The text in `turns.verdict`.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Progress => "progress",
            Self::Redundant => "redundant",
            Self::Failed => "failed",
            Self::Invalid => "invalid",
        }
    }
}

/// The text in `turns.rule` of a turn that no rule objects to.
pub(super) const PROGRESS: &str = "progress";

/// A rule that can object to a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The environment does not know the action or the tool: `invalid`.
    UnknownAction,
    /// An error, and the arguments are to blame: `invalid`.
    MalformedArguments,
    /// The environment refused: `invalid`.
    PolicyRefusal,
    /// The environment answered with an error: `failed`.
    ToolError,
    /// An earlier call again, with the same result and no change of state between: `redundant`.
    RepeatedCall,
    /// No tool was called by name, and the observation stayed what it was: `redundant`.
    NoChange,
    /// The last actions are one short block several times: `redundant`.
    Loop,
}

impl Rule {
    /// Every rule, in the order in which they are asked unless a rule file says otherwise.
    pub const ALL: [Self; 7] = [
        Self::UnknownAction,
        Self::MalformedArguments,
        Self::PolicyRefusal,
        Self::ToolError,
        Self::RepeatedCall,
        Self::NoChange,
        Self::Loop,
    ];

    /// The text in `turns.rule`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownAction => "unknown-action",
            Self::MalformedArguments => "malformed-arguments",
            Self::PolicyRefusal => "policy-refusal",
            Self::ToolError => "tool-error",
            Self::RepeatedCall => "repeated-call",
            Self::NoChange => "no-change",
            Self::Loop => "loop",
        }
    }

    pub(super) fn verdict(self) -> Verdict {
        match self {
            Self::UnknownAction | Self::MalformedArguments | Self::PolicyRefusal => Verdict::Invalid,
            Self::ToolError => Verdict::Failed,
            Self::RepeatedCall | Self::NoChange | Self::Loop => Verdict::Redundant,
        }
    }

    /// Whether the rule is about calls; the others judge replies as well.
    pub(super) fn needs_call(self) -> bool {
        !matches!(self, Self::NoChange | Self::Loop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_has_one_name_in_files_and_columns() {
        for rule in Rule::ALL {
            assert_eq!(serde_json::to_value(rule).unwrap(), rule.as_str());
        }
    }
}
