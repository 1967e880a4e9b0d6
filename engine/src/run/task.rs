//! Tasks: the pieces of a run that any process can carry out which has the run's plan and its store.

use std::fmt;
use std::str::FromStr;

use crate::stage::StageError;

/// What a task does with its part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Computes a part of a stage on its own: a shard, or all that a sink exports.
    Map,
    /// Hands the rows of a shard out to partitions, so that every group lies within one.
    Scatter,
    /// Computes a partition: whole groups, from all shards.
    Group,
    /// Puts what was computed for the rows of a shard back into the shard's order.
    Gather,
}

impl Step {
    const ALL: [Self; 4] = [Self::Map, Self::Scatter, Self::Group, Self::Gather];

    /// Its name in events and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Map => "map",
            Self::Scatter => "scatter",
            Self::Group => "group",
            Self::Gather => "gather",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Step {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.map(Self::name).join("`, `");
        Self::ALL
            .into_iter()
            .find(|step| step.name() == name)
            .ok_or_else(|| format!("expected one of `{known}`, found `{name}`"))
    }
}

/// A piece of a stage's work. Its inputs and its result are committed in the store, so that doing it twice, or in two
/// places at once, does no harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The stage's name in the pipeline.
    pub stage: String,
    /// What to do.
    pub step: Step,
    /// With which part: of the stage's work for `map` and `gather`, a shard of its input for `scatter`, a partition for
    /// `group`.
    pub part: usize,
}

impl Task {
    /// An error about a task that the stage's work does not have.
    pub(crate) fn unknown(&self) -> StageError {
        StageError::new(format!("there is nothing to {} with number {}", self.step, self.part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_found_by_their_names() {
        assert!(Step::ALL.iter().all(|step| step.name().parse() == Ok(*step)));
        assert_eq!(
            "reduce".parse::<Step>(),
            Err("expected one of `map`, `scatter`, `group`, `gather`, found `reduce`".to_owned())
        );
    }
}
