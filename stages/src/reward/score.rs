//! Scores of a rule over rows of a batch, one value a trajectory: null where it cannot be judged. Not concerned with weights.

use std::ops::Range;

use arrow::array::{Array as _, Float64Array, StringArray};
use sternlight_engine::column::ColumnPath;
use sternlight_engine::stage::StageError;
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectorySchema};

use super::options::Place;
use super::rule::{Test, TextTest};

const ACTION: &str = "turns.action";
const OBSERVATION: &str = "turns.observation";
const FINAL_OBSERVATION: &str = "final_observation";
const TOOL_NAME: &str = "turns.tool_name";

impl Test {
    /// The columns that it reads of an input of this schema.
    pub(super) fn reads(&self, input: &TrajectorySchema) -> Vec<ColumnPath> {
        let paths: &[&str] = match self {
            Self::Text(Place::LastAction | Place::AnyAction, _) => &[ACTION],
            Self::Text(Place::AnyObservation, _) if input.has(FINAL_OBSERVATION) => &[OBSERVATION, FINAL_OBSERVATION],
            Self::Text(Place::AnyObservation, _) => &[OBSERVATION],
            Self::Text(Place::FinalObservation, _) => &[FINAL_OBSERVATION],
            Self::ToolCalled(_) => &[TOOL_NAME],
            Self::Turns(_) => &["turns"],
        };
        paths.iter().map(|path| ColumnPath::from(*path)).collect()
    }

    /// Scores between 0 and 1, one for each of these rows of the batch.
    pub(super) fn scores(
        &self,
        batch: &TrajectoryBatch,
        rows: impl Iterator<Item = usize>,
    ) -> Result<Float64Array, StageError> {
        Ok(match self {
            Self::Text(Place::LastAction, test) => {
                let actions = batch.text(ACTION)?;
                rows.map(|row| batch.turns_of(row).next_back().map(|turn| test.score(actions.value(turn)))).collect()
            }
            Self::Text(Place::AnyAction, test) => {
                let actions = batch.text(ACTION)?;
                rows.map(|row| test.best(actions, batch.turns_of(row))).collect()
            }
            Self::Text(Place::AnyObservation, test) => {
                let observations = batch.text(OBSERVATION)?;
                let last = batch.column(FINAL_OBSERVATION).map(|_| batch.text(FINAL_OBSERVATION)).transpose()?;
                rows.map(|row| {
                    let before = test.best(observations, batch.turns_of(row));
                    let after = last.and_then(|last| test.best(last, row..row + 1));
                    before.into_iter().chain(after).reduce(f64::max)
                })
                .collect()
            }
            Self::Text(Place::FinalObservation, test) => {
                let last = batch.text(FINAL_OBSERVATION)?;
                rows.map(|row| test.best(last, row..row + 1)).collect()
            }
            Self::ToolCalled(tool) => {
                let names = batch.text(TOOL_NAME)?;
                // A turn with several calls has their names joined by commas.
                let called = |turn| names.is_valid(turn) && names.value(turn).split(',').any(|name| name == tool);
                rows.map(|row| Some(f64::from(batch.turns_of(row).any(called)))).collect()
            }
            Self::Turns(bounds) => rows.map(|row| Some(bounds.score(batch.turns_of(row).len()))).collect(),
        })
    }
}

impl TextTest {
    fn score(&self, text: &str) -> f64 {
        match self {
            Self::Exact(expected) => f64::from(text.trim() == expected),
            Self::Regex(regex) => f64::from(regex.is_match(text)),
            Self::Length(bounds) => bounds.score(text.chars().count()),
        }
    }

    /// The best score of these texts; `None` if there is none that is not null.
    fn best(&self, texts: &StringArray, indices: Range<usize>) -> Option<f64> {
        let mut best = None;
        for index in indices.filter(|index| texts.is_valid(*index)) {
            let score = self.score(texts.value(index));
            if score == 1.0 {
                return Some(score);
            }
            best = Some(best.map_or(score, |best: f64| best.max(score)));
        }
        best
    }
}
