//! Relabelling: copies of a trajectory under other goals.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::reward::finite;
use crate::arrow::Batch;
use crate::definition::{Columns, Definition, decode, schema};
use crate::error::{Error, Result};
use crate::sample::{Sample, write_all};
use crate::trajectory::{Rows, Trajectory};

/// A copy of the trajectory under another goal; `None` leaves a field as it is, but for `task`, which gets a suffix.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Relabelled {
    /// The task that the copy is of.
    pub task: Option<String>,
    /// What the agent would have been told.
    pub prompt: Option<String>,
    /// The reward under that goal.
    pub reward: Option<f32>,
    /// Whether the agent reached that goal.
    pub success: Option<bool>,
    /// Keep only the first turns of the episode; `None` keeps all.
    pub keep_turns: Option<u32>,
    /// How sure the relabeller is, from 0 to 1.
    pub confidence: Option<f32>,
    /// What changes about turns.
    pub turns: Vec<TurnEdit>,
}

/// What is new about one turn. A turn without a reward here has none in the copy; a weight of `None` leaves it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TurnEdit {
    /// Which turn, from 0.
    pub turn: u32,
    /// Its reward.
    pub reward: Option<f32>,
    /// Its weight in training.
    pub weight: Option<f32>,
}

/// A configured relabeller.
pub trait Relabeller {
    /// The copies of each trajectory, or why it has none.
    fn relabel(&self, samples: &[Sample]) -> Vec<Result<Vec<Relabelled>>>;
}

struct Configured<C> {
    config: C,
    function: fn(&Trajectory<'_>, &C) -> Result<Vec<Relabelled>>,
}

impl<C> Relabeller for Configured<C> {
    fn relabel(&self, samples: &[Sample]) -> Vec<Result<Vec<Relabelled>>> {
        let copies = |trajectory: Trajectory<'_>| {
            let copies = (self.function)(&trajectory, &self.config)?;
            copies.iter().try_for_each(|copy| checked(copy, trajectory.turns().len()))?;
            Ok(copies)
        };
        let ipc = write_all(samples, None);
        let all = || -> Result<Vec<Result<Vec<Relabelled>>>> {
            Ok(Rows::new(&Batch::read(&ipc)?)?.trajectories().map(copies).collect())
        };
        all().unwrap_or_else(|error| samples.iter().map(|_| Err(Error::new(&error))).collect())
    }
}

/// A relabeller of trajectories. Called by [`relabel!`](crate::relabel!).
pub fn relabel<C>(
    function: fn(&Trajectory<'_>, &C) -> Result<Vec<Relabelled>>,
    reads: Columns,
) -> Definition<dyn Relabeller>
where
    C: DeserializeOwned + JsonSchema + 'static,
{
    let configure =
        move |config: &str| Ok(Box::new(Configured { config: decode::<C>(config)?, function }) as Box<dyn Relabeller>);
    Definition::new(reads, &[], schema::<C>, Box::new(configure))
}

fn checked(copy: &Relabelled, turns: usize) -> Result<()> {
    finite(copy.reward, "a reward")?;
    finite(copy.confidence, "a confidence")?;
    if let Some(keep) = copy.keep_turns.filter(|keep| *keep as usize > turns) {
        return Err(Error::new(format!("`keep_turns` is {keep}, but the trajectory has {turns} turns")));
    }
    for edit in &copy.turns {
        if edit.turn as usize >= turns {
            return Err(Error::new(format!("turn {} is edited, but the trajectory has {turns} turns", edit.turn)));
        }
        finite(edit.reward, "a reward")?;
        finite(edit.weight, "a weight")?;
    }
    Ok(())
}
