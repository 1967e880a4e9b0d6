//! The worlds of the contract: what kinds of plugins there are.

use std::fmt;

/// What a plugin can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum World {
    /// Scores trajectories, or their turns.
    Reward,
    /// Judges and explains turns.
    Reflect,
    /// Copies trajectories under other goals.
    Relabel,
    /// Gives turns their advantages.
    Advantage,
    /// Adds any columns, batch by batch as Arrow has them.
    Batch,
    /// Is acted in.
    Environment,
}

impl World {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Reward, Self::Reflect, Self::Relabel, Self::Advantage, Self::Batch, Self::Environment];

    /// Its name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reward => "reward",
            Self::Reflect => "reflect",
            Self::Relabel => "relabel",
            Self::Advantage => "advantage",
            Self::Batch => "batch",
            Self::Environment => "environment",
        }
    }

    /// The columns that its plugins may add; none says any.
    pub(crate) fn columns(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Reward => Some(&["reward", "turns.reward"]),
            Self::Reflect => Some(&["turns.verdict", "turns.diagnosis"]),
            Self::Advantage => Some(&["turns.advantage"]),
            Self::Relabel | Self::Batch | Self::Environment => None,
        }
    }
}

impl fmt::Display for World {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
