//! Guests for tests: components made of WebAssembly text, and stages made of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{
    Built, EnvironmentKind, PluginGrants, PluginLimits, PluginLoader as _, PluginRequest, StageError,
};
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectoryBuilder, TrajectoryRow, TurnRow};
use sternlight_plugins::conformance::Trial;
use sternlight_plugins::{Environment, Measurement, Plugins};
use tempfile::TempDir;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Where the guests lie.
pub(crate) fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/plugins/hostile")
}

/// Where the guests lie that use what they are granted.
pub(crate) fn granted_directory() -> PathBuf {
    directory().join("../granted")
}

/// The text of a part of the honest guest.
pub(crate) fn honest(part: &str) -> String {
    std::fs::read_to_string(directory().join("honest").join(format!("{part}.wat"))).unwrap()
}

/// The text of a part of the honest guest of a world.
fn honest_in(world: &str, part: &str) -> String {
    let own = format!("{part}.{world}");
    let has_own = directory().join("honest").join(format!("{own}.wat")).exists();
    honest(if has_own { &own } else { part })
}

/// A component of a world: the honest guest, with the part of this name replaced.
pub(crate) fn component(world: &str, part: &str, replacement: &str) -> Vec<u8> {
    component_of(world, &[(part, replacement)])
}

/// The same, with several parts replaced.
pub(crate) fn component_of(world: &str, parts: &[(&str, &str)]) -> Vec<u8> {
    let mut imports = String::new();
    let mut rest = String::new();
    let names: &[&str] = match world {
        "relabel" => &["memory", "describe", "configure", "copies", "work"],
        _ => &["memory", "describe", "configure", "work"],
    };
    for name in names {
        let replaced = parts.iter().find(|(part, _)| part == name);
        let text = replaced.map_or_else(|| honest_in(world, name), |(_, replacement)| (*replacement).to_owned());
        for line in text.lines() {
            let into = if line.starts_with("(import ") { &mut imports } else { &mut rest };
            into.push_str(line);
            into.push('\n');
        }
    }
    let module = format!("(module\n{imports}{rest})");
    let mut module = wat::parse_str(&module).unwrap_or_else(|error| panic!("{error}\n{module}"));
    let mut resolve = Resolve::default();
    let (mut package, _) = resolve.push_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("wit")).unwrap();
    let others = match world {
        "wanting" => Some(directory()),
        "granted" => Some(granted_directory()),
        _ => None,
    };
    if let Some(directory) = others {
        package = resolve.push_file(directory.join("wasi.wit")).unwrap();
    }
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap()
}

/// A loader that compiles into a directory of its own, and files to load from.
pub(crate) struct Host {
    plugins: Plugins,
    directory: Arc<TempDir>,
    compiled: Arc<AtomicUsize>,
}

impl Host {
    pub(crate) fn new() -> Self {
        Self::of(Arc::new(tempfile::tempdir().unwrap()))
    }

    /// Another one over the same files.
    pub(crate) fn again(&self) -> Self {
        Self::of(Arc::clone(&self.directory))
    }

    fn of(directory: Arc<TempDir>) -> Self {
        let compiled = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&compiled);
        let plugins = Plugins::new(Some(directory.path().join("cache")), move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        Self { plugins, directory, compiled }
    }

    /// How often a plugin was compiled.
    pub(crate) fn compiled(&self) -> usize {
        self.compiled.load(Ordering::Relaxed)
    }

    /// A place beside the pipeline that is not there.
    #[cfg(feature = "wasi")]
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file beside the pipeline that is not there.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.directory.path().join(name), bytes).unwrap();
    }

    /// Starts a trial of `guest.wasm`.
    pub(crate) fn trial(&self, limits: PluginLimits) -> Result<Trial, Vec<Problem>> {
        self.trial_with(limits, &PluginGrants::default())
    }

    /// The same, granted something.
    pub(crate) fn trial_with(&self, limits: PluginLimits, allow: &PluginGrants) -> Result<Trial, Vec<Problem>> {
        let with = serde_yaml::Value::Mapping(serde_yaml::Mapping::new());
        Trial::begin(&self.plugins, &self.request("guest.wasm", &with, limits, allow))
    }

    fn request<'r>(
        &'r self,
        address: &'r str,
        with: &'r serde_yaml::Value,
        limits: PluginLimits,
        allow: &'r PluginGrants,
    ) -> PluginRequest<'r> {
        let (stage, sha256, keep, seed, directory) = ("score", None, None, 7, self.directory.path());
        PluginRequest { stage, address, with, sha256, keep, limits, allow, seed, directory }
    }

    /// The memory of an instance of `guest.wasm` that has worked on as many trajectories.
    pub(crate) fn memory_after(&self, trajectories: usize) -> u64 {
        let trial = self.trial(PluginLimits::default()).unwrap();
        self.plugins.measure(&trial, None, trajectories).unwrap().memory
    }

    /// What `guest.wasm` costs for trajectories, each called for once.
    pub(crate) fn measured(
        &self,
        batches: &mut dyn Iterator<Item = Result<TrajectoryBatch, StageError>>,
    ) -> Result<Measurement, StageError> {
        let trial = self.trial(PluginLimits::default()).unwrap();
        self.plugins.measure(&trial, Some(batches), usize::MAX)
    }

    /// Starts `guest.wasm` as an environment.
    pub(crate) fn environment(&self, limits: PluginLimits) -> Result<Environment, String> {
        let path = self.directory.path().join("guest.wasm");
        Environment::start(&self.plugins, &path, &serde_json::json!({}), limits)
    }

    /// `guest.wasm` as an environment for a stage.
    pub(crate) fn environment_kind(&self) -> Arc<dyn EnvironmentKind> {
        self.ask_for_environment().unwrap_or_else(|problems| panic!("{problems:?}"))
    }

    /// The same, or why it cannot be one.
    pub(crate) fn ask_for_environment(&self) -> Result<Arc<dyn EnvironmentKind>, Vec<Problem>> {
        let (with, allow) = (serde_yaml::Value::Mapping(serde_yaml::Mapping::new()), PluginGrants::default());
        let request = self.request("./guest.wasm", &with, PluginLimits::default(), &allow);
        self.plugins.environment(&PluginRequest { stage: "act", ..request })
    }

    /// Loads `./guest.wasm`.
    pub(crate) fn load(&self, with: &str, sha256: Option<&str>, limits: PluginLimits) -> Result<Built, Vec<Problem>> {
        self.load_with(with, sha256, limits, &PluginGrants::default())
    }

    /// The same, granted something.
    pub(crate) fn load_with(
        &self,
        with: &str,
        sha256: Option<&str>,
        limits: PluginLimits,
        allow: &PluginGrants,
    ) -> Result<Built, Vec<Problem>> {
        self.ask("./guest.wasm", with, sha256, limits, allow)
    }

    /// Loads from an address.
    #[cfg(feature = "oci")]
    pub(crate) fn load_from(&self, address: &str, sha256: Option<&str>) -> Result<Built, Vec<Problem>> {
        self.ask(address, "{}", sha256, PluginLimits::default(), &PluginGrants::default())
    }

    fn ask(
        &self,
        address: &str,
        with: &str,
        sha256: Option<&str>,
        limits: PluginLimits,
        allow: &PluginGrants,
    ) -> Result<Built, Vec<Problem>> {
        let with = serde_yaml::from_str(with).unwrap();
        self.plugins.load(&PluginRequest { sha256, ..self.request(address, &with, limits, allow) })
    }
}

/// Trajectories with as many turns as given, two and two of a group.
pub(crate) fn batch(turns: &[usize]) -> TrajectoryBatch {
    let mut builder = TrajectoryBuilder::new();
    for (row, turns) in turns.iter().enumerate() {
        let turn =
            |turn| TurnRow { action: format!("action {turn}"), observation: "ø".to_owned(), ..TurnRow::default() };
        builder.push(&TrajectoryRow {
            trajectory_id: format!("t{row}"),
            group_id: format!("g{}", row / 2),
            turns: (0..*turns).map(turn).collect(),
            ..TrajectoryRow::default()
        });
    }
    builder.finish().unwrap()
}
