//! Results of the world `relabel` as the engine takes them, and what is wrong with them.

use sternlight_engine::trajectory::{Relabelled, TrajectoryBatch, TurnEdit, relabelling_fault};

use crate::bindings::exports::sternlight::plugin::relabel_stage;
use crate::fault::Fault;
use crate::guest::Rows;
use crate::outcomes::each;

/// What a call came to.
#[derive(Debug)]
pub(crate) struct Copies {
    /// In the order of their rows.
    pub(crate) copies: Vec<Relabelled>,
    /// Rows that have none, ascending, and why.
    pub(crate) errors: Vec<(usize, String)>,
    /// Rows of which a copy cannot be, ascending, and why.
    pub(crate) refused: Vec<(usize, String)>,
}

/// Copies of trajectories.
///
/// # Errors
/// If the plugin returned another number of results than it got trajectories.
pub(crate) fn copies(rows: Rows<Vec<relabel_stage::Relabelled>>, batch: &TrajectoryBatch) -> Result<Copies, Fault> {
    let mut copies = Vec::new();
    let mut refused = Vec::new();
    let errors = each(rows, batch, |row, told| {
        let of_row: Vec<Relabelled> = told.into_iter().flatten().map(|copy| relabelled(row, copy)).collect();
        match relabelling_fault(&of_row, batch.turns_of(row).len()) {
            None => copies.extend(of_row),
            Some(fault) => refused.push((row, fault)),
        }
        Ok(())
    })?;
    Ok(Copies { copies, errors, refused })
}

fn relabelled(row: usize, told: relabel_stage::Relabelled) -> Relabelled {
    let edit =
        |edit: relabel_stage::TurnEdit| TurnEdit { turn: edit.turn as usize, reward: edit.reward, weight: edit.weight };
    Relabelled {
        row,
        task: told.task,
        prompt: told.prompt,
        reward: told.reward,
        success: told.success,
        keep_turns: told.keep_turns.map(|turns| turns as usize),
        confidence: told.confidence,
        turns: told.turns.into_iter().map(edit).collect(),
    }
}
