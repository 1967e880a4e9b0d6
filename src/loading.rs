//! Loads pipelines for commands.

use std::path::Path;

use sternlight_engine::loading::{Checked, Origin, Surroundings};

use crate::common::Common;
use crate::exit::Failure;
use crate::plugins::registry;

/// Loads and checks a pipeline, for each cell of its matrix.
pub(crate) fn load_and_check(file: &Path, common: &Common) -> Result<Vec<Checked>, Failure> {
    let registry = registry();
    let surroundings = Surroundings { set: &common.set, store: &common.store, registry: &registry };
    Ok(Origin::read_and_check(file, &surroundings)?)
}
