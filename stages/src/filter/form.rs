//! What an expression is written for, which decides what its names mean and what messages call it.

/// What an expression gives, and at what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Whether something holds of a trajectory.
    Condition,
    /// A value for each trajectory.
    OfTrajectory,
    /// A value for each turn: names are those of its columns first, as inside of a function over turns.
    OfTurn,
}

impl Form {
    /// What messages call one of them.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Condition => "condition",
            Self::OfTrajectory | Self::OfTurn => "expression",
        }
    }

    /// What messages call several.
    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Condition => "conditions",
            Self::OfTrajectory | Self::OfTurn => "expressions",
        }
    }

    /// One that is right, for whoever wrote none.
    pub(super) fn example(self) -> &'static str {
        match self {
            Self::Condition => "write a condition over columns: `reward > 0 and length(turns) < 30`",
            Self::OfTrajectory => "write an expression over columns: `reward - 0.01 * length(turns)`",
            Self::OfTurn => "write an expression over columns of the turns: `length(action)`",
        }
    }

    /// What to do about one that is too long.
    pub(super) fn shorter(self) -> &'static str {
        match self {
            Self::Condition => "list the values of a column as `column in ('a', 'b')`, or use several `filter` stages",
            Self::OfTrajectory | Self::OfTurn => {
                "derive a part of it as a column of its own in a stage before this one"
            }
        }
    }

    /// How expressions of this form are joined or ended, for whoever wrote something behind the end.
    pub(super) fn end(self) -> &'static str {
        match self {
            Self::Condition => "join conditions with `and` or `or`; write text in single quotes",
            Self::OfTrajectory | Self::OfTurn => "write one expression; write text in single quotes",
        }
    }
}
