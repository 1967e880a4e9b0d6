//! Plugins over whole batches: any columns in, any columns out.

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
