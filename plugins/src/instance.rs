//! An instance of a plugin at work on a shard: calls are cut at fixed rows, and one that fails is told with its culprit.

use std::ops::Range;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use arrow::array::{Array, ArrayRef, AsArray as _};
use arrow::compute::concat;
use sternlight_engine::contract::Scope;
use sternlight_engine::stage::{Context, Output, Session, StageError};
use sternlight_engine::trajectory::TrajectoryBatch;

use crate::description::Rows;
use crate::fault::tried_text;
use crate::figures::{self, Figures};
use crate::groups::Grouped;
use crate::guest::Guest;
use crate::said;
use crate::stage::{Called, PluginStage, part_of};
use crate::text;

/// An instance at work on a shard, or on the groups of a partition.
pub(crate) struct Instance<'a> {
    stage: &'a PluginStage,
    /// Taken up or started with the first call, and started anew after one that failed.
    guest: Option<Guest>,
    /// Of all its calls.
    figures: Figures,
}

impl<'a> Instance<'a> {
    /// Nothing is started before the first call.
    pub(crate) fn of(stage: &'a PluginStage) -> Self {
        Self { stage, guest: None, figures: Figures::default() }
    }
}

/// An instance that keeps state goes on to the next shard.
impl Drop for Instance<'_> {
    fn drop(&mut self) {
        if let Some(guest) = self.guest.take().filter(|_| self.stage.contract.keeps_state) {
            self.stage.idle.lock().unwrap_or_else(PoisonError::into_inner).push(guest);
        }
    }
}

impl Session for Instance<'_> {
    fn apply(&mut self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Output, StageError> {
        let output = self.calls(batch, context)?;
        match output {
            Output::Columns(arrays) if self.stage.contract.rows == Rows::Subset => {
                let keep = arrays.first().and_then(|array| array.as_boolean_opt());
                let keep = keep.ok_or_else(|| StageError::new("the plugin does not say which rows stay"))?;
                figures::measure_kept(keep, &mut context.metrics);
                Ok(Output::Keep(keep.clone()))
            }
            output => Ok(output),
        }
    }
}

impl Instance<'_> {
    /// As many calls as the batch needs, which is one unless groups must be together.
    fn calls(&mut self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Output, StageError> {
        if self.stage.contract.scope == Scope::Trajectory {
            let units: Vec<Range<usize>> = (0..batch.rows()).map(|row| row..row + 1).collect();
            return self.call(batch, &units, context);
        }
        let grouped = Grouped::of(batch)?;
        let mut parts: Vec<Vec<ArrayRef>> = Vec::new();
        for call in grouped.calls() {
            let (Some(first), Some(last)) = (call.first(), call.last()) else { continue };
            let start = first.start;
            let part = part_of(&grouped.batch, &(start..last.end))?;
            let units: Vec<Range<usize>> = call.iter().map(|unit| unit.start - start..unit.end - start).collect();
            if let Output::Columns(arrays) = self.call(&part, &units, context)? {
                parts.push(arrays);
            }
        }
        let adds = &self.stage.contract.adds;
        let whole = (0..adds.len()).map(|column| {
            let arrays: Vec<&dyn Array> =
                parts.iter().filter_map(|part| part.get(column).map(|array| array.as_ref())).collect();
            Ok(concat(&arrays)?)
        });
        let whole = whole.collect::<Result<Vec<_>, StageError>>()?;
        Ok(Output::Columns(grouped.restored(whole, adds)?))
    }

    /// One call, for rows of which each unit could be called for alone.
    fn call(
        &mut self,
        batch: &TrajectoryBatch,
        units: &[Range<usize>],
        context: &mut Context,
    ) -> Result<Output, StageError> {
        let stage = self.stage;
        let mut guest = match self.guest.take() {
            Some(guest) => guest,
            None => stage.take_up().map_err(|fault| stage.error(&fault, None))?,
        };
        let called = stage.call(&mut guest, batch)?;
        stage.held.fetch_max(guest.state().memory(), Ordering::Relaxed);
        match called {
            Ok(Called { output, mut errors, refused }) => {
                errors.extend(refused);
                errors.sort_by_key(|(row, _)| *row);
                self.tell(&guest, context);
                let tried = tried_text(&guest.state().tried);
                self.guest = Some(guest);
                let of_row = |(row, reason): &(usize, String)| {
                    let message = format!("{}: {}", stage.plugin.title(), text::reason(reason));
                    StageError::new(message).trajectory(batch.name_of(*row))
                };
                if let Some((first, others)) = errors.split_first() {
                    let others = others.iter().filter(|(row, _)| *row != first.0).map(of_row).collect();
                    let mut error = of_row(first);
                    error.message += &tried;
                    return Err(StageError { others, ..error });
                }
                match &output {
                    Output::Columns(arrays) => figures::measure(arrays, &stage.contract.adds, &mut context.metrics),
                    Output::Relabelled(copies) => {
                        figures::measure_copies(copies, batch.rows(), &mut context.metrics);
                    }
                    Output::Keep(_) => {}
                }
                Ok(output)
            }
            Err(fault) => {
                self.tell(&guest, context);
                drop(guest);
                if !fault.is_of_one_row() {
                    return Err(stage.error(&fault, None));
                }
                match stage.culprit(batch, units, fault.clone(), batch.rows())? {
                    Some((unit, fault)) if unit.len() == 1 => Err(stage.error(&fault, Some(batch.name_of(unit.start)))),
                    Some((unit, fault)) => {
                        let group = batch.text("group_id").map_or("", |ids| ids.value(unit.start));
                        let mut error = stage.error(&fault, None);
                        error.message = format!("group `{group}`: {}", error.message);
                        Err(error)
                    }
                    None => {
                        let (first, rows) = (batch.name_of(0), batch.rows());
                        let mut error = stage.error(&fault, None);
                        error.message = format!(
                            "{rows} trajectories from `{first}` on, of which each half passes: {}",
                            error.message
                        );
                        Err(error)
                    }
                }
            }
        }
    }

    /// Passes on what the plugin said and measured during its last call.
    fn tell(&mut self, guest: &Guest, context: &mut Context) {
        let stage = self.stage;
        let is_own = |name: &str| figures::is_of_stages(name, &stage.contract.adds);
        let plugin = &stage.plugin.description.name;
        said::pass_on(guest.state(), &stage.stage, plugin, (&mut self.figures, &is_own), context);
    }
}
