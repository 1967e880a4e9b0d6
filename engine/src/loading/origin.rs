//! All that a pipeline is loaded from: whoever has it can load the same pipeline again, whatever became of the file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fmt, iter};

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::error::LoadError;
use crate::pipeline::{LoadOptions, Pipeline, load};
use crate::stage::Registry;

/// All that a pipeline is loaded from.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The file, as it was named.
    pub file: PathBuf,
    pub(super) text: String,
    /// `params.NAME=VALUE`, as `--set` takes them.
    pub(super) set: Vec<String>,
    /// Names of the environment variables that the pipeline refers to. Their values are nobody's to keep.
    #[serde(deserialize_with = "names")]
    pub(super) environment: BTreeSet<String>,
    pub(super) directory: PathBuf,
    pub(super) current_directory: PathBuf,
}

impl Origin {
    /// A pipeline that a program wrote, over files that people named below a directory.
    pub fn written(file: &Path, text: String, directory: PathBuf) -> Self {
        let (set, environment, current_directory) = (Vec::new(), BTreeSet::new(), directory.clone());
        Self { file: file.to_owned(), text, set, environment, directory, current_directory }
    }

    pub(super) fn load(
        &self,
        environment: &dyn Fn(&str) -> Option<String>,
        registry: &Registry,
        (iteration, only): (u64, Option<&BTreeSet<String>>),
    ) -> Result<Pipeline, LoadError> {
        let options = LoadOptions {
            set: &self.set,
            environment,
            directory: &self.directory,
            current_directory: &self.current_directory,
            iteration,
            only,
        };
        Ok(load(&self.text, &self.file, &options, registry)?)
    }
}

/// Names; of runs of earlier versions, which had values beside them, these are passed over.
fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<String>, D::Error> {
    struct Names;

    impl<'de> Visitor<'de> for Names {
        type Value = BTreeSet<String>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("names of environment variables")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Self::Value, A::Error> {
            iter::from_fn(|| names.next_element().transpose()).collect()
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
            iter::from_fn(|| entries.next_entry::<String, IgnoredAny>().transpose())
                .map(|entry| entry.map(|(name, _)| name))
                .collect()
        }
    }

    deserializer.deserialize_any(Names)
}
