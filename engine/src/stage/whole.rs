//! Stages that see all their inputs at once and fill all their outputs in one task: training, evaluating, joining.

use arrow::array::RecordBatch;

use super::context::{Context, Memo};
use super::task::{TaskContext, WriteFiles};
use crate::artifact::{Inputs, Policy, PolicyFacts};
use crate::contract::AddedColumn;
use crate::dataset::{Dataset, Shard};
use crate::error::StageError;

/// Work that sees all its inputs, which are those of the task, and fills all its outputs.
pub trait Whole: Send + Sync {
    /// What of the world outside decides what comes out, beside [`super::Stage::files`]: names and values, part of the key.
    /// What is costly to find out should be remembered in the memo.
    ///
    /// # Errors
    /// If it cannot be found out.
    fn outside(&self, _memo: &dyn Memo) -> Result<Vec<(String, String)>, StageError> {
        Ok(Vec::new())
    }

    /// Bytes that it holds while it works, about.
    fn held_bytes(&self, _inputs: &Inputs) -> u64 {
        0
    }

    /// Does the work. Every output that the contract promises must be filled.
    ///
    /// # Errors
    /// Whatever keeps it from its result.
    fn run(&self, task: &TaskContext<'_>, outputs: &mut dyn Outputs, context: &mut Context) -> Result<(), StageError>;
}

/// Takes what a stage of shape [`Whole`] comes to, by the names of its outputs. Nothing is seen of it before all is there.
pub trait Outputs {
    /// Fills an output with a table. It must have the columns that the contract promises.
    ///
    /// # Errors
    /// If it cannot be written, or does not fit the contract.
    fn table(&mut self, output: &str, rows: &RecordBatch) -> Result<(), StageError>;

    /// Fills an output with a policy, whose files `write` puts into a directory.
    ///
    /// # Errors
    /// What `write` says, if it cannot be written, or does not fit the contract.
    fn policy(&mut self, output: &str, facts: PolicyFacts, write: &mut WriteFiles<'_>) -> Result<(), StageError>;

    /// Fills an output with a policy that stays where it lies.
    ///
    /// # Errors
    /// If it does not fit the contract.
    fn policy_in_place(&mut self, output: &str, policy: Policy) -> Result<(), StageError>;

    /// Adds rows to a dataset. They must have the columns that the contract promises.
    ///
    /// # Errors
    /// If they cannot be written, or do not fit the contract.
    fn rows(&mut self, output: &str, rows: &RecordBatch) -> Result<(), StageError>;

    /// Adds a shard of `dataset`, which came in, to an output: the rows that it selects, where they lie, with null in these further columns.
    ///
    /// # Errors
    /// If the further columns cannot be written, or it does not fit the contract.
    fn shard(&mut self, output: &str, dataset: &Dataset, shard: Shard, nulls: &[AddedColumn])
    -> Result<(), StageError>;
}
