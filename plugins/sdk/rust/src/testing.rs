//! Trying a plugin without WebAssembly, through the same bytes as in a pipeline.

use crate::arrow::Batch;
use crate::definition::Definition;
use crate::error::{Error, Result};
use crate::kinds::{Episodes, Relabelled, Relabeller, Start, Step};
pub use crate::sample::{Sample, SampleTurn, Value};

/// What a plugin gave for some samples.
#[derive(Clone, Debug)]
pub struct Outcomes {
    /// The columns that it adds.
    pub batch: Batch<'static>,
    /// The rows without a value, and why.
    pub errors: Vec<(u32, String)>,
}

/// Runs a plugin over samples under a configuration, as the pipeline writes it (`{}`: the defaults).
///
/// Columns that the plugin does not read are hidden from it. Memory is never given back: for tests only.
///
/// # Errors
/// If the configuration does not fit, or the plugin fails for the whole batch, or gives what it does not say it adds.
pub fn run(plugin: &Definition, samples: &[Sample], config: &str) -> Result<Outcomes> {
    let stage = (plugin.configure)(config)?;
    let (ipc, errors) = plugin.process(stage.as_ref(), &crate::sample::write_all(samples, Some(plugin.reads)))?;
    Ok(Outcomes { batch: Batch::read(ipc.leak())?, errors })
}

/// Runs a relabeller over samples: for each its copies, or why it has none.
///
/// # Errors
/// If the configuration does not fit.
pub fn relabel(
    plugin: &Definition<dyn Relabeller>,
    samples: &[Sample],
    config: &str,
) -> Result<Vec<Result<Vec<Relabelled>>>> {
    let relabeller = (plugin.configure)(config)?;
    let sent = samples.iter().map(|sample| sample.only(plugin.reads)).collect::<Vec<_>>();
    Ok(relabeller.relabel(&sent))
}

/// Plays an episode of the first task for a seed: how it begins, and what comes of each action.
///
/// # Errors
/// If the configuration does not fit, or the environment fails.
pub fn play(
    plugin: &Definition<dyn Episodes>,
    actions: &[&str],
    seed: u32,
    config: &str,
) -> Result<(Start, Vec<Step>)> {
    let mut episodes = (plugin.configure)(config)?;
    let task = episodes.tasks(1, seed)?.into_iter().next().ok_or_else(|| Error::new("there is no task"))?;
    let start = episodes.reset(0, task)?;
    Ok((start, actions.iter().map(|action| episodes.step(0, action)).collect::<Result<_>>()?))
}

impl Outcomes {
    /// The numbers of an added column.
    pub fn numbers(&self, path: &str) -> Vec<Option<f64>> {
        self.batch
            .column(path)
            .map_or_else(Vec::new, |column| (0..column.len()).map(|row| column.number(row)).collect())
    }

    /// The texts of an added column.
    pub fn texts(&self, path: &str) -> Vec<Option<&'static str>> {
        self.batch.column(path).map_or_else(Vec::new, |column| (0..column.len()).map(|row| column.text(row)).collect())
    }
}
