//! A plugin under trial: which checks there are for it, one after the other.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::{Contract, InputTypes};
use sternlight_engine::dataset::Dataset;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{PluginRequest, Stage as _, StageError, canonical_json};
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectorySchema};

use super::calls::Calls;
use super::episodes::Stage;
use super::recorded::{RecordedFigures, recorded};
use super::report::Check;
use super::{describing, hard_rows, invariance, taking};
use crate::limits::Limits;
use crate::loader::Plugins;
use crate::plugin::Plugin;
use crate::stage::{CALL, PluginStage};
use crate::world::World;

/// What is tried.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Subject {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The world that it is of.
    pub world: &'static str,
}

/// A plugin with its options, about to be tried.
pub struct Trial {
    path: PathBuf,
    plugin: Arc<Plugin>,
    options: serde_json::Value,
    limits: Limits,
    /// None for an environment, which is no stage of a pipeline.
    stage: Option<PluginStage>,
}

impl Trial {
    /// Loads a plugin as a pipeline would, from a path.
    ///
    /// # Errors
    /// If it is no plugin, says of itself what cannot be, does not take the options, or cannot be granted what it is to be.
    pub fn begin(plugins: &Plugins, request: &PluginRequest<'_>) -> Result<Self, Vec<Problem>> {
        let options = serde_json::to_value(request.with).map_err(|error| Problem::at(["with"], error.to_string()))?;
        let prepared = plugins.tried(request)?;
        let (plugin, limits) = (Arc::clone(&prepared.plugin), prepared.limits);
        let stage = match plugin.world {
            World::Environment => None,
            _ => Some(prepared.stage(request)?.0),
        };
        Ok(Self { path: request.directory.join(request.address), plugin, options, limits, stage })
    }

    /// What it is.
    pub fn subject(&self) -> Subject {
        let description = &self.plugin.description;
        let (name, version) = (description.name.clone(), description.version.clone());
        Subject { name, version, world: self.plugin.world.name() }
    }

    /// From which file it comes, with which options and limits.
    pub(crate) fn origin(&self) -> (&Path, &serde_json::Value, Limits) {
        (&self.path, &self.options, self.limits)
    }

    pub(crate) fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// As a stage of a pipeline, if it can be one.
    pub(crate) fn stage(&self) -> Option<&PluginStage> {
        self.stage.as_ref()
    }

    /// Tries everything, and hands on each check once it is done.
    pub fn run(&self, each: &mut dyn FnMut(Check)) {
        let limits = self.limits;
        let options = canonical_json(&self.options).unwrap_or_default();
        each(describing::description_is_stable(&self.plugin, &options, limits));
        each(describing::schema_is_true(&self.plugin, &self.options, limits));
        let Some(stage) = &self.stage else {
            Stage { plugin: &self.plugin, options: &self.options, limits }.checks(each);
            return;
        };
        each(describing::contract_is_stable(&self.plugin, &options, limits, &stage.contract));
        let calls = Calls::new(stage);
        each(invariance::columns_are_declared(&calls));
        let not_reproducible = stage.not_reproducible();
        let outside = (!not_reproducible.is_empty()).then(|| not_reproducible.join(", "));
        // They follow from the first trajectory of a call.
        let is_random =
            self.plugin.grants.random.is_some().then(|| "random numbers, which follow from the call".to_owned());
        let untried = |name, reason: &str| Check::skipped(name, format!("not tried: results depend on {reason}"));
        each(match &outside {
            None => invariance::again_is_the_same(&calls),
            Some(reason) => untried("again", reason),
        });
        each(match outside.as_ref().or(is_random.as_ref()) {
            None => invariance::cuts_do_not_matter(&calls),
            Some(reason) => untried("split", reason),
        });
        let checks: [fn(&Calls<'_>) -> Check; 6] = [
            hard_rows::an_empty_batch,
            hard_rows::nothing_in_it,
            hard_rows::nulls,
            hard_rows::unicode,
            hard_rows::huge_texts,
            taking::limits_are_respected,
        ];
        for check in checks {
            each(check(&calls));
        }
    }

    /// The columns that it needs of recorded trajectories.
    ///
    /// # Errors
    /// Where they do not have what it reads; an environment reads none.
    pub fn columns(&self, schema: &TrajectorySchema) -> Result<Vec<ColumnPath>, Vec<Problem>> {
        let Some(stage) = &self.stage else {
            return Err(vec![Problem::new("an environment does not read recorded trajectories")]);
        };
        let Contract { mut reads, .. } = stage.contract(&InputTypes::from(schema))?;
        let missing: Vec<Problem> = reads
            .iter()
            .filter(|path| !path.is_turn_counts() && !schema.has(path.as_str()))
            .map(|path| Problem::new(format!("it reads `{path}`, which the trajectories do not have")))
            .collect();
        if stage.contract.sends_turns() && !reads.iter().any(ColumnPath::is_turn_counts) {
            reads.push(ColumnPath::from("turns"));
        }
        if missing.is_empty() { Ok(reads) } else { Err(missing) }
    }

    /// The rows of a dataset in batches as long as a call, with these columns.
    pub fn batches<'d>(
        &self,
        dataset: &'d Dataset,
        columns: &'d [ColumnPath],
    ) -> impl Iterator<Item = Result<TrajectoryBatch, StageError>> + use<'d> {
        dataset.shards.iter().flat_map(move |shard| {
            let (reader, error) = match dataset.read(shard, columns, CALL) {
                Ok(reader) => (Some(reader), None),
                Err(error) => (None, Some(Err(error))),
            };
            reader.into_iter().flatten().chain(error)
        })
    }

    /// Works on recorded trajectories, in batches with the columns that it needs.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn recorded(
        &self,
        batches: &mut dyn Iterator<Item = Result<TrajectoryBatch, StageError>>,
    ) -> Result<(Check, RecordedFigures), StageError> {
        match &self.stage {
            Some(stage) => recorded(&Calls::new(stage), batches),
            None => Err(StageError::new("an environment does not read recorded trajectories")),
        }
    }
}
