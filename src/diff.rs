//! `sternlight diff`: what differs between two runs.

use crate::Outcome;
use crate::arguments::{Common, DiffArguments};

pub(crate) fn execute(_arguments: &DiffArguments, _common: &Common) -> Outcome {
    Ok(())
}
