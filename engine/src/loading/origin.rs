//! All that a pipeline is loaded from: whoever has it can load the same pipeline again, whatever became of the file.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fmt, iter};

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::checked::Checked;
use super::error::LoadError;
use crate::failure::reason;
use crate::pipeline::{LoadOptions, MAXIMUM_BYTES, Pipeline, check, check_targets, load};
use crate::place::resolved;
use crate::regular_file;
use crate::stage::Registry;

/// All that a pipeline is loaded from.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The file, as it was named.
    pub file: PathBuf,
    text: String,
    /// `params.NAME=VALUE`, as `--set` takes them.
    set: Vec<String>,
    /// Names of the environment variables that the pipeline refers to. Their values are nobody's to keep.
    #[serde(deserialize_with = "names")]
    environment: BTreeSet<String>,
    directory: PathBuf,
    current_directory: PathBuf,
}

/// What a pipeline's file is loaded with.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// `params.NAME=VALUE`, as `--set` takes them.
    pub set: &'a [String],
    /// The store that results will go to: nothing of the pipeline may write into it.
    pub store: &'a Path,
    /// What `uses` may name.
    pub registry: &'a Registry,
}

impl Origin {
    /// A pipeline that a program wrote, over files that people named below a directory.
    pub fn written(file: &Path, text: String, directory: PathBuf) -> Self {
        let (set, environment, current_directory) = (Vec::new(), BTreeSet::new(), directory.clone());
        Self { file: file.to_owned(), text, set, environment, directory, current_directory }
    }

    /// Loads and checks the pipeline of a file.
    ///
    /// # Errors
    /// If the file cannot be read, and every fault of the pipeline.
    pub fn read_and_check(file: &Path, surroundings: &Surroundings<'_>) -> Result<Checked, LoadError> {
        let unreadable = |error: std::io::Error| LoadError::Origin {
            message: format!("cannot read `{}`: {}", file.display(), reason(&error)),
            help: None,
        };
        let text = regular_file::read(file, MAXIMUM_BYTES as u64).map_err(unreadable)?;
        let text = String::from_utf8(text).map_err(|error| {
            let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            LoadError::origin(format!("{}:{line}: the file is not UTF-8", file.display()), "save it as UTF-8")
        })?;
        let current_directory = std::env::current_dir().map_err(unreadable)?;
        let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let directory = parent.canonicalize().map_err(unreadable)?;
        let store = std::path::absolute(surroundings.store).map_err(unreadable)?;
        let (set, environment) = (surroundings.set.to_vec(), BTreeSet::new());
        let mut origin = Self { file: file.to_owned(), text, set, environment, directory, current_directory };
        let used = RefCell::new(BTreeSet::new());
        let environment = |name: &str| {
            used.borrow_mut().insert(name.to_owned());
            std::env::var(name).ok()
        };
        let pipeline = origin.load(&environment, surroundings.registry)?;
        origin.environment = used.into_inner();
        let (schemas, targets) = (check(&pipeline), check_targets(&pipeline, &resolved(&store)));
        match (schemas, targets) {
            (Ok(schemas), Ok(())) => Ok(Checked { origin, pipeline, schemas }),
            (schemas, targets) => {
                Err(LoadError::faults([schemas.err(), targets.err()].into_iter().flatten().flatten().collect()))
            }
        }
    }

    /// Loads and checks the pipeline as it was loaded before, with the environment as it is now. Targets of exports are not
    /// looked at: whoever asks writes elsewhere, or carries out what was checked.
    ///
    /// # Errors
    /// If an environment variable is gone, and every fault of the pipeline.
    pub fn check(self, registry: &Registry) -> Result<Checked, LoadError> {
        let missing: Vec<&str> =
            self.environment.iter().map(String::as_str).filter(|name| std::env::var(name).is_err()).collect();
        if !missing.is_empty() {
            return Err(LoadError::origin(
                format!("the run needs environment variables that are not set: {}", missing.join(", ")),
                "set them as they were when the run began: a run keeps their names, not their values",
            ));
        }
        let pipeline = self.load(&|name| std::env::var(name).ok(), registry)?;
        let schemas = check(&pipeline)?;
        Ok(Checked { origin: self, pipeline, schemas })
    }

    fn load(&self, environment: &dyn Fn(&str) -> Option<String>, registry: &Registry) -> Result<Pipeline, LoadError> {
        let options = LoadOptions {
            set: &self.set,
            environment,
            directory: &self.directory,
            current_directory: &self.current_directory,
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
