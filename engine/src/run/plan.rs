//! What a run would do, without doing it: which parts are there, which would be computed, and why.

use serde::Serialize;

use super::engine::Engine;
use super::job::Job;
use super::keys::key_records;
use super::shape::Outputs;
use super::shapes::cut;
use crate::artifact::ArtifactKind;
use crate::stage::StageError;
use crate::store::KeyRecord;

/// Whether a stage would run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Readiness {
    /// Every part is there.
    Cached,
    /// Some parts would be computed.
    WouldRun,
    /// Not known before the stages above have run: results are found by the contents they were made from.
    WaitsForInput,
}

/// A stage of a plan.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedStage {
    /// Its name.
    pub stage: String,
    /// Its kind.
    pub uses: String,
    /// The iteration that it belongs to, if it is repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iteration: Option<u64>,
    /// Names of the stages that it reads.
    pub from: Vec<String>,
    /// Whether it would run.
    pub readiness: Readiness,
    /// Parts of its work, if known.
    pub parts: usize,
    /// Parts that are there.
    pub cached: usize,
    /// Rows of what it makes, if that is known.
    pub rows: Option<u64>,
    /// What it makes by its first output, if it has one.
    #[serde(skip)]
    pub makes: Option<ArtifactKind>,
    /// What of the world outside its results depend on: the same inputs may give others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_reproducible: Vec<String>,
    /// The keys of its parts and what they are made of, if known.
    #[serde(skip)]
    pub keys: Vec<KeyRecord>,
}

impl PlannedStage {
    /// What its rows are, for people.
    pub fn what_rows_are(&self) -> &'static str {
        match self.makes {
            Some(ArtifactKind::Table) => "rows",
            _ => "trajectories",
        }
    }
}

impl Engine<'_> {
    /// Plans jobs, which must be in topological order.
    ///
    /// # Errors
    /// If an input cannot be read: the stage's name and why.
    pub fn plan(&self, jobs: &[Job<'_>]) -> Result<Vec<PlannedStage>, (String, StageError)> {
        let mut planned: Vec<PlannedStage> = Vec::new();
        let mut made: Vec<Option<Outputs>> = Vec::new();
        for job in jobs {
            let (stage, outputs) = self.plan_job(job, jobs, &made).map_err(|error| (job.name.to_owned(), error))?;
            planned.push(stage);
            made.push(outputs);
        }
        Ok(planned)
    }

    fn plan_job(
        &self,
        job: &Job<'_>,
        jobs: &[Job<'_>],
        made: &[Option<Outputs>],
    ) -> Result<(PlannedStage, Option<Outputs>), StageError> {
        let mut stage = PlannedStage {
            stage: job.name.to_owned(),
            uses: job.uses.to_owned(),
            iteration: job.turn.as_ref().map(|turn| turn.iteration),
            from: job.inputs.iter().filter_map(|input| jobs.get(input.job)).map(|job| job.name.to_owned()).collect(),
            readiness: Readiness::WaitsForInput,
            parts: 0,
            cached: 0,
            rows: None,
            makes: job.stage.ports().outputs.first().map(|output| output.kind),
            not_reproducible: job.stage.not_reproducible(),
            keys: Vec::new(),
        };
        if job.inputs.iter().any(|input| made.get(input.job).is_none_or(Option::is_none)) {
            return Ok((stage, None));
        }
        let work = cut(job, self.inputs_of(job, made)?, (self.store, self.run_id.unwrap_or_default()), self.options)?;
        stage.parts = work.parts.len();
        stage.cached = work.parts.len() - work.missing().len();
        stage.keys = key_records(job, &work.parts).collect();
        let Some(commits) = work.commits() else {
            stage.readiness = Readiness::WouldRun;
            return Ok((stage, None));
        };
        stage.readiness = Readiness::Cached;
        let finished = self.finish(job, &work, &commits)?;
        let has_rows = finished.outputs.is_empty() || finished.outputs.iter().any(|(_, made)| made.rows().is_some());
        stage.rows = has_rows.then_some(finished.result.rows);
        Ok((stage, Some(finished.outputs)))
    }
}
