//! What a dataset is: its columns, its shards, and which column of each lies in which file.

use std::path::Path;
use std::sync::Arc;

use arrow_schema::Schema;
use serde::{Deserialize, Serialize};

use crate::dataset::{Dataset, Facts, Lineage, Shard};
use crate::trajectory::TrajectorySchema;

/// Version of the manifest's format.
const FORMAT: u32 = 1;

/// The stored form of a [`Dataset`], as it is read.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: u32,
    /// Rows that are part of the dataset.
    pub rows: u64,
    facts: Facts,
    lineage: Vec<Lineage>,
    schema: Schema,
    shards: Vec<Shard>,
}

/// The same, as it is written: of a dataset that stays where it is.
#[derive(Serialize)]
pub(super) struct ManifestOf<'a> {
    format: u32,
    rows: u64,
    facts: Facts,
    lineage: Vec<&'a Lineage>,
    schema: &'a Schema,
    shards: &'a [Shard],
}

impl<'a> ManifestOf<'a> {
    /// The manifest of a dataset.
    pub(super) fn new(dataset: &'a Dataset) -> Self {
        Self {
            format: FORMAT,
            rows: dataset.rows(),
            facts: dataset.facts,
            lineage: dataset.lineage.iter().map(AsRef::as_ref).collect(),
            schema: dataset.schema.arrow(),
            shards: &dataset.shards,
        }
    }
}

impl Manifest {
    /// The dataset, its files below this store.
    ///
    /// # Errors
    /// If another version wrote the manifest, or somebody damaged it.
    pub fn dataset(self, root: &Path) -> Result<Dataset, String> {
        if self.format != FORMAT {
            return Err("it has a format of another version".to_owned());
        }
        if let Some((shard, fault)) = self.shards.iter().find_map(|shard| Some((shard, shard.fault()?))) {
            return Err(format!("shard `{}`: {fault}", shard.label));
        }
        Ok(Dataset {
            root: root.to_owned(),
            schema: TrajectorySchema::new(Arc::new(self.schema)),
            shards: self.shards,
            facts: self.facts,
            lineage: self.lineage.into_iter().map(Arc::new).collect(),
        })
    }
}
