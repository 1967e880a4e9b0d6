//! Hindsight instruction relabelling (2302.05206): the instruction says what came of the attempt, so that also a wrong one is
//! what was asked for. And how it is told whether an attempt was right.

use arrow::array::{Array as _, BooleanArray, Float32Array};
use sternlight_engine::column::ColumnPath;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{Context, StageError};
use sternlight_engine::trajectory::{Relabelled, TrajectoryBatch, TrajectorySchema};

use super::attempts::Attempts;
use super::template::Template;
use super::way::{Way, present, success};

/// The placeholders of the instructions.
pub(super) const NAMES: [&str; 1] = ["prompt"];
/// What a right attempt was told to do, unless said otherwise.
pub(super) const RIGHT: &str = "{prompt}\n\nSolve this task correctly.";
/// The same of a wrong one.
pub(super) const WRONG: &str = "{prompt}\n\nGive a wrong solution to this task.";

/// The reward of a success, unless said otherwise.
const SUCCESS_REWARD: f64 = 1.0;

/// How it is told whether an attempt was right: by `success`, and where that is null by the reward.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcomes {
    from: f64,
}

impl Outcomes {
    /// # Errors
    /// If the reward of a success is no finite number.
    pub(super) fn new(success_reward: Option<f64>) -> Result<Self, Problem> {
        let from = success_reward.unwrap_or(SUCCESS_REWARD);
        if !from.is_finite() {
            let message = format!("`success_reward` is {from:?}, expected a finite number");
            return Err(Problem::at(["success_reward"], message));
        }
        Ok(Self { from })
    }

    /// The columns that it reads.
    ///
    /// # Errors
    /// If the input has neither.
    pub(super) fn reads(input: &TrajectorySchema) -> Result<Vec<ColumnPath>, Problem> {
        let reads = present(input, &["success", "reward"]);
        if reads.is_empty() {
            let message = "it is told by `success` or `reward` what came of an attempt, and the input has neither";
            return Err(Problem::at(["by"], message).help("put a stage `reward` before it"));
        }
        Ok(reads)
    }

    /// What came of the rows of a batch.
    ///
    /// # Errors
    /// If a column has another type.
    pub(super) fn of<'a>(&self, batch: &'a TrajectoryBatch) -> Result<OutcomesOf<'a>, StageError> {
        Ok(OutcomesOf {
            success: batch.column("success").map(|_| batch.boolean("success")).transpose()?,
            reward: batch.column("reward").map(|_| batch.float("reward")).transpose()?,
            from: self.from,
        })
    }
}

/// What came of the rows of a batch.
pub(super) struct OutcomesOf<'a> {
    success: Option<&'a BooleanArray>,
    reward: Option<&'a Float32Array>,
    from: f64,
}

impl OutcomesOf<'_> {
    /// Whether an attempt was right; `None`: nobody knows.
    pub(super) fn is_right(&self, row: usize) -> Option<bool> {
        let success = self.success.filter(|column| column.is_valid(row)).map(|column| column.value(row));
        let reward = self.reward.filter(|column| column.is_valid(row)).map(|column| f64::from(column.value(row)));
        success.or_else(|| reward.map(|reward| reward >= self.from))
    }
}

/// By the outcome.
#[derive(Debug)]
pub(super) struct ByOutcome {
    pub(super) outcomes: Outcomes,
    pub(super) right: Template<1>,
    pub(super) wrong: Template<1>,
}

impl Way for ByOutcome {
    fn reads(&self, input: &TrajectorySchema) -> Result<Vec<ColumnPath>, Problem> {
        Outcomes::reads(input)
    }

    fn copies(&self, attempts: &Attempts<'_>, context: &mut Context) -> Result<Vec<Relabelled>, StageError> {
        let outcomes = self.outcomes.of(attempts.batch)?;
        let mut copies = Vec::new();
        let [mut right, mut wrong, mut unknown] = [0; 3];
        for row in attempts.rows() {
            let template = match outcomes.is_right(row) {
                Some(true) => {
                    right += 1;
                    &self.right
                }
                Some(false) => {
                    wrong += 1;
                    &self.wrong
                }
                None => {
                    unknown += 1;
                    continue;
                }
            };
            copies.push(success(row, template.render([attempts.prompt(row)]), 1.0));
        }
        for (name, count) in [("outcome.right", right), ("outcome.wrong", wrong), ("outcome.unknown", unknown)] {
            context.metrics.count(name, count);
        }
        Ok(copies)
    }
}
