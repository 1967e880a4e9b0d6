//! What a plugin is: what it says about itself, and the stage that it becomes under a configuration.
//! Made by the macros of the crate; used by components and by `testing`.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::arrow::{Batch, Values};
use crate::error::{Error, Result};
use crate::output::Output;

/// Columns by path, with their Arrow types; "" where any type will do.
pub type Columns = &'static [(&'static str, &'static str)];

/// A plugin before it is configured; `S` is what it then becomes.
pub struct Definition<S: ?Sized = dyn Stage> {
    /// The package's name.
    pub name: &'static str,
    /// The package's version.
    pub version: &'static str,
    /// The package's description.
    pub summary: &'static str,
    /// Columns read: nothing else is sent.
    pub reads: Columns,
    /// Columns added: nothing else is taken.
    pub adds: Columns,
    /// Whether rows come in whole groups.
    pub grouped: bool,
    /// Whether it says which rows stay, in a column `keep`, rather than adding columns.
    pub selects: bool,
    /// Whether an instance goes from shard to shard with what it remembers, so that results are not reproducible.
    pub keeps_state: bool,
    /// JSON Schema of the configuration.
    pub schema: fn() -> String,
    /// Makes the stage; an error is shown at the line of the pipeline.
    pub configure: Configure<S>,
}

/// From a configuration, as JSON, to a stage.
pub type Configure<S> = Box<dyn Fn(&str) -> Result<Box<S>>>;

/// What goes back to the host: the bytes of the columns added, and the rows without a value.
pub type Processed = (Vec<u8>, Vec<(u32, String)>);

/// A configured plugin.
pub trait Stage {
    /// Called once a batch, with the columns that the plugin reads; gives the columns that it adds.
    ///
    /// # Errors
    /// If the whole batch has no result. Where a row has none, the output says so.
    fn process(&self, batch: &Batch<'_>) -> Result<Output>;
}

/// A function over a configuration and a batch, as a stage.
pub(crate) struct Configured<C, F> {
    pub(crate) config: C,
    pub(crate) function: F,
}

impl<C, F: Fn(&Batch<'_>, &C) -> Result<Output>> Stage for Configured<C, F> {
    fn process(&self, batch: &Batch<'_>) -> Result<Output> {
        (self.function)(batch, &self.config)
    }
}

/// JSON Schema (draft 7) of a configuration.
pub(crate) fn schema<C: JsonSchema>() -> String {
    let settings = schemars::generate::SchemaSettings::draft07();
    settings.into_generator().into_root_schema_for::<C>().as_value().to_string()
}

/// Reads a configuration.
pub(crate) fn decode<C: DeserializeOwned>(config: &str) -> Result<C> {
    let config: serde_json::Value = serde_json::from_str(config)?;
    serde_path_to_error::deserialize(config).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { "with".to_owned() } else { format!("with.{path}") };
        Error::new(format!("`{place}`: {}", error.inner()))
    })
}

/// Makes a definition of a function that turns a batch into output.
pub(crate) fn define<C, F>(reads: Columns, adds: Columns, function: F) -> Definition
where
    C: DeserializeOwned + JsonSchema + 'static,
    F: Fn(&Batch<'_>, &C) -> Result<Output> + Copy + 'static,
{
    let configure =
        move |config: &str| Ok(Box::new(Configured { config: decode::<C>(config)?, function }) as Box<dyn Stage>);
    Definition::new(reads, adds, schema::<C>, Box::new(configure))
}

impl<S: ?Sized> Definition<S> {
    pub(crate) fn new(reads: Columns, adds: Columns, schema: fn() -> String, configure: Configure<S>) -> Self {
        let (grouped, selects, keeps_state) = (false, false, false);
        Self { name: "", version: "", summary: "", reads, adds, grouped, selects, keeps_state, schema, configure }
    }

    /// The same plugin under the name of the package that it lies in. Called by the macros.
    #[must_use]
    pub fn of_package(self, name: &'static str, version: &'static str, summary: &'static str) -> Self {
        Self { name, version, summary, ..self }
    }

    /// The same plugin, whose instances go from shard to shard: for what takes long to make and is worth to be kept. Results
    /// may then depend on what came before, so that the pipeline marks them as not reproducible.
    #[must_use]
    pub fn keeps_state(self) -> Self {
        Self { keeps_state: true, ..self }
    }
}

impl Definition {
    /// The same plugin, which sees whole groups: the rows of each lie one after the other.
    #[must_use]
    pub fn grouped(self) -> Self {
        Self { grouped: true, ..self }
    }

    /// Runs a configured stage over the bytes that the host sent; gives the bytes for it, and the rows without a value.
    ///
    /// # Errors
    /// If the bytes are no batch, or the plugin fails, or its output does not fit what it says that it adds.
    pub fn process(&self, stage: &dyn Stage, ipc: &[u8]) -> Result<Processed> {
        let batch = Batch::read(ipc)?;
        let output = stage.process(&batch)?;
        output.into_ipc(&batch, self.adds)
    }
}

/// A configuration without keys.
#[derive(Clone, Copy, Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoConfig {}

/// Values of one column by path.
pub(crate) type Column = (String, Values);
