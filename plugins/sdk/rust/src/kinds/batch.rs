//! Plugins over whole batches: any columns in, any columns out, or the rows that stay.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::arrow::Batch;
use crate::definition::{Columns, Definition, define};
use crate::error::Result;
use crate::output::Output;

/// A function over batches. Called by [`batch!`](crate::batch!).
pub fn batch<C>(function: fn(&Batch<'_>, &C) -> Result<Output>, reads: Columns, adds: Columns) -> Definition
where
    C: DeserializeOwned + JsonSchema + 'static,
{
    define(reads, adds, move |batch, config: &C| function(batch, config))
}

/// A function that says which trajectories of a batch stay. Called by [`batch!`](crate::batch!).
pub fn selection<C>(function: fn(&Batch<'_>, &C) -> Result<Vec<bool>>, reads: Columns) -> Definition
where
    C: DeserializeOwned + JsonSchema + 'static,
{
    let keep = move |batch: &Batch<'_>, config: &C| Ok(Output::new().with("keep", function(batch, config)?));
    Definition { selects: true, ..define(reads, &[("keep", "bool")], keep) }
}
