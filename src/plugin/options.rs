//! What `plugin test` and `plugin bench` have in common: the plugin's options and limits, and trajectories from files.

use std::path::Path;

use sternlight_engine::dataset::Dataset;
use sternlight_engine::run::{Engine, RunOptions};
use sternlight_engine::stage::PluginLimits;
use sternlight_engine::store::Store;
use sternlight_plugins::Plugins;
use sternlight_plugins::conformance::Trial;

use crate::arguments::TriedPlugin;
use crate::exit::Failure;
use crate::loading::load_written;

/// Starts a trial of a plugin with its options and limits.
pub(super) fn begun(plugins: &Plugins, plugin: &TriedPlugin) -> Result<Trial, Failure> {
    let (options, limits) = (with(plugin)?, limits(plugin));
    if let Err(error) = std::fs::File::open(&plugin.file) {
        let message = format!("cannot read the plugin `{}`: {error}", plugin.file.display());
        return Err(Failure::Usage { message, help: None });
    }
    // What cannot even be loaded has failed the trial.
    Trial::begin(plugins, &plugin.file, options, limits).map_err(|message| Failure::Failed { message, help: None })
}

/// The plugin's `with`.
fn with(plugin: &TriedPlugin) -> Result<serde_json::Value, Failure> {
    let Some(text) = &plugin.with else { return Ok(serde_json::json!({})) };
    let wrong = |reason: String| {
        Failure::usage(format!("`--with` is no YAML: {reason}"), "write it as in a pipeline: `--with '{ limit: 4 }'`")
    };
    match serde_yaml::from_str::<serde_json::Value>(text).map_err(|error| wrong(error.to_string()))? {
        serde_json::Value::Null => Ok(serde_json::json!({})),
        options @ serde_json::Value::Object(_) => Ok(options),
        _ => Err(wrong("expected a mapping".to_owned())),
    }
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
    let checked = load_written(file, text.to_string(), directory).map_err(in_a_line)?;
    let jobs = checked.jobs().map_err(in_a_line)?;
    let report = Engine::new(&store, &RunOptions::default()).run("plugin", file, &jobs, &|_| {})?;
    let manifest = report.stages.first().and_then(|stage| stage.dataset.as_ref());
    let manifest =
        manifest.ok_or_else(|| Failure::Failed { message: "`import` made no dataset".to_owned(), help: None })?;
    function(&store.dataset(manifest)?)
}

/// Faults of a pipeline that nobody wrote have no place that would help.
fn in_a_line(failure: Failure) -> Failure {
    match failure {
        Failure::Pipeline(faults) => {
            let messages: Vec<String> = faults.into_iter().map(|fault| fault.message).collect();
            Failure::Usage { message: messages.join("; "), help: None }
        }
        other => other,
    }
}
