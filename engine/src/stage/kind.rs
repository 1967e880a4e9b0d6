//! A kind of stage: what `uses:` names. Name, documentation, the schema of its options, and how to build one.

use std::path::Path;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_yaml::Value;

use super::built::Built;
use super::plugin::PluginLoader;
use super::traits::Stage;
use crate::decode::decode;
use crate::problem::Problem;

/// What a stage is built from, besides its options.
#[derive(Clone, Copy)]
pub struct BuildContext<'a> {
    /// Its name in the pipeline.
    pub stage: &'a str,
    /// The pipeline's seed: a stage that draws derives its own from this and its name, and has both in its keys.
    pub seed: u64,
    /// Directory of the pipeline file: relative input paths in `with` begin here.
    pub directory: &'a Path,
    /// Where the command runs: relative output paths begin here.
    pub current_directory: &'a Path,
    /// What loads plugins, if anything does.
    pub plugins: Option<&'a dyn PluginLoader>,
}

impl<'a> BuildContext<'a> {
    /// For a stage by itself: without a name, with seed 0, and without plugins.
    pub fn new(directory: &'a Path, current_directory: &'a Path) -> Self {
        Self { stage: "", seed: 0, directory, current_directory, plugins: None }
    }
}

/// A stage that ships with sternlight. Implementing this, and [`Stage`], is all there is to adding one, besides
/// one line in the registry.
pub trait BuiltIn: Stage + Sized + 'static {
    /// The `with` of the pipeline. Unknown keys must be refused (`deny_unknown_fields`); the serialised form,
    /// defaults filled in, is part of the stage's key.
    type Options: DeserializeOwned + Serialize + JsonSchema;

    /// The name in `uses:`, kebab-case, a verb.
    const NAME: &'static str;
    /// One line: what it does.
    const SUMMARY: &'static str;
    /// Markdown: what it does and why, columns in and out, formula and source, example.
    const DOCUMENTATION: &'static str;
    /// Raised whenever the same options and input would give another result: part of the key.
    const VERSION: u32;
    /// Columns that it adds under some option, so that a pipeline that lacks one can be told which stage would
    /// provide it.
    const PROVIDES: &'static [&'static str] = &[];

    /// Builds the stage. Called once when the pipeline is loaded; may read small files that `with` names.
    ///
    /// # Errors
    /// Every problem with the options, placed below `with`.
    fn build(options: Self::Options, context: &BuildContext<'_>) -> Result<Self, Vec<Problem>>;
}

type BuildFunction = fn(Value, &BuildContext<'_>) -> Result<Built, Vec<Problem>>;

/// A kind of stage, as the registry keeps it.
#[derive(Clone)]
pub struct StageKind {
    /// The name in `uses:`.
    pub name: &'static str,
    /// One line: what it does.
    pub summary: &'static str,
    /// Markdown.
    pub documentation: &'static str,
    /// Part of the key.
    pub version: u32,
    /// Columns that it can add.
    pub provides: &'static [&'static str],
    /// The JSON Schema of `with`.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
    build: BuildFunction,
}

impl StageKind {
    /// The kind of a built-in stage.
    pub fn of<S: BuiltIn>() -> Self {
        Self {
            name: S::NAME,
            summary: S::SUMMARY,
            documentation: S::DOCUMENTATION,
            version: S::VERSION,
            provides: S::PROVIDES,
            schema: |generator| generator.subschema_for::<S::Options>(),
            build: build::<S>,
        }
    }

    /// Decodes `with` and builds the stage.
    ///
    /// # Errors
    /// Every problem found, placed below `with`.
    pub fn build(&self, with: Value, context: &BuildContext<'_>) -> Result<Built, Vec<Problem>> {
        (self.build)(with, context)
    }

    /// Whether `with` has a key of this name.
    pub fn has_option(&self, name: &str) -> bool {
        let mut settings = SchemaSettings::default();
        settings.inline_subschemas = true;
        let schema = (self.schema)(&mut settings.into_generator());
        schema.get("properties").is_some_and(|properties| properties.get(name).is_some())
    }
}

fn build<S: BuiltIn>(with: Value, context: &BuildContext<'_>) -> Result<Built, Vec<Problem>> {
    let options: S::Options = decode(with).complete()?;
    let canonical = canonical_json(&options).map_err(|error| vec![Problem::new(error.to_string())])?;
    let stage = S::build(options, context)?;
    Ok(Built { stage: Box::new(stage), kind: S::NAME.to_owned(), version: S::VERSION, options: canonical })
}

/// JSON with sorted keys and no white space.
///
/// # Errors
/// If the value has no JSON form (a map whose keys are not text).
pub fn canonical_json(value: &impl Serialize) -> Result<String, serde_json::Error> {
    Ok(sorted(serde_json::to_value(value)?).to_string())
}

fn sorted(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            entries.sort_by(|left, right| left.0.cmp(&right.0));
            serde_json::Value::Object(entries.into_iter().collect())
        }
        serde_json::Value::Array(items) => serde_json::Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}
