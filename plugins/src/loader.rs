//! Makes stages of plugins for the engine: finds the file, checks its digest, compiles it or finds it compiled, and checks
//! the stage's options against what the plugin says of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use sha2::{Digest as _, Sha256};
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{Built, PluginLimits, PluginLoader, PluginRequest, canonical_json};
use wasmtime::Engine;

use crate::compiled::Cache;
use crate::description;
use crate::guest::Guest;
use crate::inspection::Inspection;
use crate::limits::{Limits, readable_bytes};
use crate::options::{problems, validator};
use crate::plugin::Plugin;
use crate::sandbox;
use crate::stage::{HOST_VERSION, PluginStage};
use crate::text;
use crate::world::World;

/// What stands for the kind of all plugins in keys.
const KIND: &str = "plugin";

/// A Python plugin has 19 MB.
const MAXIMUM_BYTES: u64 = 256 << 20;

/// The first bytes of WebAssembly; a component, or a module for one, follows.
const MAGIC: &[u8] = b"\0asm";
const COMPONENT: &[u8] = &[0x0d, 0, 1, 0];

/// Loads plugins; one for a process.
pub struct Plugins {
    /// Started with the first plugin.
    engine: OnceLock<Result<Engine, String>>,
    cache: Cache,
    notice: Box<dyn Fn(&str) + Send + Sync>,
    /// By digest.
    loaded: Mutex<BTreeMap<String, Arc<Plugin>>>,
}

impl Plugins {
    /// Keeps machine code in a directory, which must be the user's own; none: plugins are compiled each time. `notice` is
    /// told what takes seconds.
    pub fn new(cache: Option<PathBuf>, notice: impl Fn(&str) + Send + Sync + 'static) -> Self {
        let (engine, loaded) = (OnceLock::new(), Mutex::default());
        Self { engine, cache: Cache::new(cache), notice: Box::new(notice), loaded }
    }

    fn engine(&self) -> Result<&Engine, Problem> {
        let started = self.engine.get_or_init(|| sandbox::engine().map_err(|error| format!("{error:#}")));
        let cannot = |reason: &String| format!("plugins cannot run on this machine: {reason}");
        started.as_ref().map_err(|reason| Problem::at(["uses"], cannot(reason)))
    }

    /// What can be told of the plugin in a file.
    ///
    /// # Errors
    /// If it cannot be read, or is no plugin.
    pub fn inspect(&self, path: &Path) -> Result<Inspection, String> {
        let address = path.to_string_lossy();
        let bytes = read(&address, path).map_err(|problem| problem.message)?;
        self.inspect_bytes(&address, &bytes)
    }

    /// The same of what is, or will be, the content of the file at `address`.
    ///
    /// # Errors
    /// If it is no plugin.
    pub fn inspect_bytes(&self, address: &str, bytes: &[u8]) -> Result<Inspection, String> {
        let limits = Limits::from(PluginLimits::default());
        let plugin = self.plugin(address, bytes, limits).map_err(|problem| problem.message)?;
        Ok(Inspection::of(&plugin, bytes.len() as u64, sha256(bytes), limits))
    }

    /// Removes machine code of a component that will hardly be run again: that of a plugin in Python has 36 MB. Whoever
    /// runs it all the same compiles it once more.
    pub fn forget(&self, digest: &blake3::Hash) {
        if let Ok(engine) = self.engine() {
            self.cache.forget(engine, digest);
        }
    }

    /// The plugin in a file.
    pub(crate) fn open(&self, path: &Path, limits: Limits) -> Result<Arc<Plugin>, String> {
        let address = path.to_string_lossy();
        let opened = read(&address, path).and_then(|bytes| self.plugin(&address, &bytes, limits));
        opened.map_err(|problem| problem.message)
    }

    fn plugin(&self, address: &str, bytes: &[u8], limits: Limits) -> Result<Arc<Plugin>, Problem> {
        let digest = blake3::hash(bytes);
        // Held while it compiles: who wants the same plugin waits for it.
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let name = digest.to_hex().to_string();
        if let Some(plugin) = loaded.get(&name) {
            return Ok(Arc::clone(plugin));
        }
        if !bytes.starts_with(MAGIC) {
            return Err(at_uses(format!("`{address}` is no WebAssembly")));
        }
        if bytes.get(MAGIC.len()..MAGIC.len() + COMPONENT.len()) != Some(COMPONENT) {
            let problem = at_uses(format!("`{address}` is a WebAssembly module, expected a component"));
            return Err(problem.help("make a component of it, as the SDKs do"));
        }
        let plugin = self.opened_anew(address, bytes, &digest, limits)?;
        let plugin = Arc::new(plugin);
        loaded.insert(name, Arc::clone(&plugin));
        Ok(plugin)
    }

    /// The plugin in some bytes, from the cache of machine code if it is there, whether it is open already or not.
    pub(crate) fn opened_anew(
        &self,
        address: &str,
        bytes: &[u8],
        digest: &blake3::Hash,
        limits: Limits,
    ) -> Result<Plugin, Problem> {
        let notice = || {
            let size = readable_bytes(bytes.len() as u64);
            (self.notice)(&format!("compiling the plugin {address} ({size}), once for this machine"));
        };
        let engine = self.engine()?;
        let component = self
            .cache
            .component(engine, digest, bytes, &notice)
            .map_err(|error| at_uses(format!("`{address}` cannot be compiled: {error:#}")))?;
        Plugin::new(engine, &component, digest, limits)
            .map_err(|reason| at_uses(format!("`{address}` cannot be used: {reason}")))
    }
}

fn at_uses(message: String) -> Problem {
    Problem::at(["uses"], message)
}

/// The file of a plugin.
pub(crate) fn read(address: &str, path: &Path) -> Result<Vec<u8>, Problem> {
    let unreadable = |error: std::io::Error| {
        let problem = at_uses(format!("cannot read the plugin `{address}`: {error}"));
        problem.help(format!("paths begin at the pipeline's own directory: `{}`", path.display()))
    };
    let length = fs::metadata(path).map_err(unreadable)?.len();
    if length > MAXIMUM_BYTES {
        return Err(at_uses(format!("`{address}` has {length} bytes, too many for a plugin")));
    }
    fs::read(path).map_err(unreadable)
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl PluginLoader for Plugins {
    fn load(&self, request: &PluginRequest<'_>) -> Result<Built, Vec<Problem>> {
        let limits = Limits::from(request.limits);
        let address = request.address;
        if address.starts_with("oci://") {
            let message = format!("`{address}` lies in a registry, which is not carried out by this version");
            return Err(at_uses(message).help("fetch the plugin, and write its path: `uses: ./name.wasm`").into());
        }
        let bytes = read(address, &request.directory.join(address))?;
        check_pin(request.sha256, &bytes)?;
        let plugin = self.plugin(address, &bytes, limits)?;
        let title = plugin.title();
        if plugin.world == World::Environment {
            let message =
                format!("{title} is of the world `{}`, which is not carried out by this version", plugin.world);
            return Err(Problem::at(["uses"], message).into());
        }
        if request.keep.is_some() && plugin.world != World::Relabel {
            let message = format!("`keep` is for relabellers, and {title} is of the world `{}`", plugin.world);
            return Err(Problem::at(["keep"], message).at_key().help("take it out").into());
        }
        let below_with = |mut problem: Problem| {
            problem.path.insert(0, "with".into());
            problem
        };
        let at_with = |message: String| vec![Problem::at(["with"], message)];
        let options = serde_json::to_value(request.with).map_err(|error| at_with(error.to_string()))?;
        let schema = &plugin.description.schema;
        let validator = validator(schema)
            .map_err(|reason| vec![Problem::at(["uses"], format!("{title} cannot be used: {reason}"))])?;
        let found = problems(&validator, schema, &options);
        if !found.is_empty() {
            return Err(found.into_iter().map(below_with).collect());
        }
        let given = options;
        let options = canonical_json(&given).map_err(|error| at_with(error.to_string()))?;
        let failed = |reason: String| vec![Problem::at(["uses"], format!("{title}: {reason}"))];
        let told = Guest::start(&plugin, limits)
            .and_then(|mut guest| guest.configure(&options))
            .map_err(|fault| failed(format!("it cannot take its options: {fault}")))?
            .map_err(|reason| at_with(format!("{title}: {}", text::reason(&reason))))?;
        let contract = description::contract(told, plugin.world)
            .map_err(|reason| failed(format!("its contract cannot be: {reason}")))?;
        let everything = serde_json::json!({
            "with": given,
            "limits": { "memory": limits.memory, "call_time_ms": limits.call_time.as_millis() as u64 },
        });
        let key = canonical_json(&everything).map_err(|error| at_with(error.to_string()))?;
        let keep = request.keep.unwrap_or_default();
        let stage = PluginStage { plugin, contract, options, keep, limits, stage: request.stage.to_owned() };
        Ok(Built { stage: Box::new(stage), kind: KIND.to_owned(), version: HOST_VERSION, options: key })
    }
}

fn check_pin(pin: Option<&str>, bytes: &[u8]) -> Result<(), Problem> {
    let Some(pin) = pin else { return Ok(()) };
    let found = sha256(bytes);
    if pin.len() != found.len() || !pin.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let message = format!("`{pin}` is no SHA-256: expected 64 hexadecimal digits");
        return Err(Problem::at(["sha256"], message).help(format!("the plugin's is `{found}`")));
    }
    match pin.eq_ignore_ascii_case(&found) {
        true => Ok(()),
        false => {
            let message = format!("the plugin's SHA-256 is `{found}`, expected `{pin}`");
            Err(Problem::at(["sha256"], message)
                .help("it is not the file that was pinned: if it should be, change the pin"))
        }
    }
}
