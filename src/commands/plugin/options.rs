//! What `plugin test` and `plugin bench` have in common: the plugin's options, limits and grants, and trajectories from
//! files.

use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use serde::de::DeserializeOwned;
use serde_yaml::Value;
use sternlight_engine::dataset::Dataset;
use sternlight_engine::loading::{LoadError, Origin};
use sternlight_engine::problem::Problem;
use sternlight_engine::quantities::{Memory, Span};
use sternlight_engine::regular_file;
use sternlight_engine::run::{Engine, RunOptions};
use sternlight_engine::stage::{PluginGrants, PluginLimits, PluginRequest};
use sternlight_engine::store::Store;
use sternlight_plugins::Plugins;
use sternlight_plugins::conformance::Trial;

use crate::exit::Failure;
use crate::plugins::registry;

/// A plugin on its own, as a pipeline would have it.
#[derive(Debug, Args)]
pub(crate) struct TriedPlugin {
    /// The component
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The stage's options, as below `with` in a pipeline: `'{ limit: 4 }'`
    #[arg(long, value_name = "YAML")]
    pub(crate) with: Option<String>,
    /// What the plugin is granted, as below `allow` in a pipeline: `'{ read: [rules], clock: true }'`
    #[arg(long, value_name = "YAML")]
    pub(crate) allow: Option<String>,
    /// What the plugin may take: `limits: { memory }` of the stage [default: 512MiB]
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<Memory>,
    /// How long a call may take: `limits: { call_time }` of the stage [default: 10s]
    #[arg(long, value_name = "TIME")]
    pub(crate) call_time: Option<Span>,
}

/// Starts a trial of a plugin with its options, limits and grants.
pub(super) fn begun(plugins: &Plugins, plugin: &TriedPlugin) -> Result<Trial, Failure> {
    let with: Value = from_yaml("--with", plugin.with.as_deref(), "{ limit: 4 }")?;
    let with = if with.is_null() { Value::Mapping(serde_yaml::Mapping::new()) } else { with };
    if !with.is_mapping() {
        return Err(Failure::usage("`--with` is no mapping", "write it as in a pipeline: `--with '{ limit: 4 }'`"));
    }
    let allow: PluginGrants = from_yaml("--allow", plugin.allow.as_deref(), "{ clock: true }")?;
    if let Err(error) = regular_file::open(&plugin.file) {
        let message = format!("cannot read the plugin `{}`: {error}", plugin.file.display());
        return Err(Failure::Usage { message, help: None });
    }
    let request = PluginRequest {
        stage: "trial",
        address: &plugin.file.to_string_lossy(),
        with: &with,
        sha256: None,
        keep: None,
        limits: limits(plugin),
        allow: &allow,
        seed: 0,
        directory: Path::new("."),
    };
    // What cannot even be loaded has failed the trial.
    Trial::begin(plugins, &request).map_err(|problems| {
        let help = problems.iter().find_map(|problem| problem.help.clone());
        let messages: Vec<String> = problems.iter().map(placed).collect();
        Failure::Failed { message: messages.join("; "), help }
    })
}

/// A problem with its place, if that is more than the plugin itself.
fn placed(problem: &Problem) -> String {
    let path: Vec<String> = problem.path.iter().map(ToString::to_string).collect();
    match path.as_slice() {
        [] => problem.message.clone(),
        [key] if key == "uses" => problem.message.clone(),
        _ => format!("`{}`: {}", path.join("."), problem.message),
    }
}

/// What an argument says in YAML; the default if it is not given.
fn from_yaml<T: DeserializeOwned>(name: &str, text: Option<&str>, example: &str) -> Result<T, Failure> {
    serde_yaml::from_str(text.unwrap_or("{}")).map_err(|error| {
        let help = format!("write it as in a pipeline: `{name} '{example}'`");
        Failure::usage(format!("`{name}` cannot be read: {error}"), help)
    })
}

/// The limits that the plugin runs under.
fn limits(plugin: &TriedPlugin) -> PluginLimits {
    PluginLimits {
        memory: plugin.memory.map(|memory| memory.bytes()),
        call_time: plugin.call_time.map(|time| time.duration()),
    }
}

/// Calls a function with the trajectories in a file, read as `import` reads it. They are kept only meanwhile.
pub(super) fn with_trajectories<T>(
    file: &Path,
    function: impl FnOnce(&Dataset) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let unreadable = |error: std::io::Error| Failure::Usage {
        message: format!("cannot read `{}`: {error}", file.display()),
        help: None,
    };
    let path = file.canonicalize().map_err(unreadable)?;
    let (store, _directory) = Store::temporary(&std::env::temp_dir())?;
    let text = serde_json::json!({
        "version": 1,
        "stages": { "import": { "uses": "import", "with": { "files": path.to_string_lossy().replace("${", "$${") } } },
    });
    let directory = path.parent().unwrap_or(Path::new("/")).to_owned();
    let checked = Origin::written(file, text.to_string(), directory).check(&registry()).map_err(in_a_line)?;
    let jobs = checked.jobs().map_err(in_a_line)?;
    let report = Engine::new(&store, &RunOptions::default()).run("plugin", file, &jobs, &|_| {})?;
    let manifest = report.stages.first().and_then(|stage| stage.dataset.as_ref());
    let manifest =
        manifest.ok_or_else(|| Failure::Failed { message: "`import` made no dataset".to_owned(), help: None })?;
    function(&store.dataset(manifest)?)
}

/// Faults of a pipeline that nobody wrote have no place that would help.
fn in_a_line(error: LoadError) -> Failure {
    match Failure::from(error) {
        Failure::Pipeline(faults) => {
            let messages: Vec<String> = faults.into_iter().map(|fault| fault.message).collect();
            Failure::Usage { message: messages.join("; "), help: None }
        }
        other => other,
    }
}
