//! Advantages: a number for each turn, from all trajectories of a group.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::reward::{finite, one_a_turn};
use crate::definition::{Columns, Definition, define};
use crate::error::{Error, Result};
use crate::output::Output;
use crate::trajectory::{Rows, Trajectory};

/// For each trajectory of a group, one number a turn.
pub type Advantages = Vec<Vec<Option<f32>>>;

/// An advantage of turns. Called by [`advantage!`](crate::advantage!). The plugin must read `group_id`.
pub fn advantage<C>(function: fn(&[Trajectory<'_>], &C) -> Result<Advantages>, reads: Columns) -> Definition
where
    C: DeserializeOwned + JsonSchema + 'static,
{
    let definition = define(reads, &[("turns.advantage", "float32")], move |batch, config: &C| {
        let rows = Rows::new(batch)?;
        let trajectories: Vec<Trajectory<'_>> = rows.trajectories().collect();
        let mut output = Output::new();
        let mut made: Advantages = vec![Vec::new(); trajectories.len()];
        for members in groups(&trajectories) {
            let group: Vec<Trajectory<'_>> = members.iter().filter_map(|row| trajectories.get(*row).copied()).collect();
            match function(&group, config).and_then(|advantages| checked(advantages, &group)) {
                Ok(advantages) => {
                    for (row, advantages) in members.iter().zip(advantages) {
                        if let Some(made) = made.get_mut(*row) {
                            *made = advantages;
                        }
                    }
                }
                Err(error) => {
                    for row in &members {
                        output.fail(*row, Error::new(&error));
                        if let (Some(made), Some(trajectory)) = (made.get_mut(*row), trajectories.get(*row)) {
                            *made = vec![None; trajectory.turns().len()];
                        }
                    }
                }
            }
        }
        Ok(output.with("turns.advantage", made.into_iter().flatten().collect::<Vec<_>>()))
    });
    Definition { grouped: true, ..definition }
}

/// The rows of each group, groups in the order in which they begin.
fn groups(trajectories: &[Trajectory<'_>]) -> Vec<Vec<usize>> {
    let mut places = std::collections::BTreeMap::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (row, trajectory) in trajectories.iter().enumerate() {
        let place = *places.entry(trajectory.group()).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups
}

fn checked(advantages: Advantages, group: &[Trajectory<'_>]) -> Result<Advantages> {
    if advantages.len() != group.len() {
        let (expected, found) = (group.len(), advantages.len());
        return Err(Error::new(format!("expected one list a trajectory of the group: {expected}, found {found}")));
    }
    for (of_turns, trajectory) in advantages.iter().zip(group) {
        one_a_turn(of_turns.len(), trajectory.turns().len(), "advantage")?;
        of_turns.iter().try_for_each(|advantage| finite(*advantage, "an advantage").map(drop))?;
    }
    Ok(advantages)
}
