//! Makes stages of plugins for the engine: finds the file, checks its digest, compiles it or finds it compiled, and checks
//! the stage's options against what the plugin says of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use sha2::{Digest as _, Sha256};
use sternlight_engine::failure::reason;
use sternlight_engine::problem::Problem;
use sternlight_engine::regular_file;
use sternlight_engine::stage::{
    Built, EnvironmentKind, InputFile, PluginLimits, PluginLoader, PluginRequest, canonical_json,
};
use wasmtime::Engine;

use crate::bindings::exports::sternlight::plugin::plugin::{Contract, State};
use crate::compiled::Cache;
use crate::description;
use crate::environment::EnvironmentPlugin;
use crate::grants::{self, Granted, Grants};
use crate::guest::Guest;
use crate::inspection::Inspection;
use crate::limits::Limits;
use crate::options::problems;
use crate::plugin::{Plugin, Unusable};
#[cfg(feature = "oci")]
use crate::registry::Registries;
use crate::sandbox;
use crate::stage::{HOST_VERSION, PluginStage};
use crate::text;
use crate::world::World;

/// What stands for the kind of all plugins in keys.
const KIND: &str = "plugin";

/// A Python plugin has 19 MB.
pub(crate) const MAXIMUM_BYTES: u64 = 256 << 20;

/// The first bytes of WebAssembly; a component, or a module for one, follows.
const MAGIC: &[u8] = b"\0asm";
const COMPONENT: &[u8] = &[0x0d, 0, 1, 0];

/// Loads plugins; one for a process.
pub struct Plugins {
    /// Started with the first plugin.
    engine: OnceLock<Result<Engine, String>>,
    cache: Cache,
    #[cfg(feature = "oci")]
    registries: Registries,
    notice: Box<dyn Fn(&str) + Send + Sync>,
    /// Those that are granted nothing, by digest.
    loaded: Mutex<BTreeMap<String, Arc<Plugin>>>,
}

impl Plugins {
    /// Keeps machine code in a directory, which must be the user's own; none: plugins are compiled each time. `notice` is
    /// told what takes seconds.
    pub fn new(cache: Option<PathBuf>, notice: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self {
            engine: OnceLock::new(),
            #[cfg(feature = "oci")]
            registries: Registries::new(cache.as_ref().map(|directory| directory.join("registries"))),
            cache: Cache::new(cache),
            notice: Box::new(notice),
            loaded: Mutex::default(),
        }
    }

    /// The file of a plugin that lies in a registry.
    #[cfg(feature = "oci")]
    fn pull(&self, reference: &str, sha256: Option<&str>) -> Result<Vec<u8>, Problem> {
        // What is fetched lies in it: whoever comes first makes it for the user alone.
        let _ = self.cache.directory(&*self.notice);
        self.registries.plugin(reference, sha256, MAXIMUM_BYTES, &*self.notice)
    }

    #[cfg(not(feature = "oci"))]
    fn pull(&self, reference: &str, _: Option<&str>) -> Result<Vec<u8>, Problem> {
        let message =
            format!("`oci://{reference}` lies in a registry, and this program was built without what asks one");
        Err(at_uses(message).help("build it with the feature `oci`, or fetch the plugin and write its path"))
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
        let plugin = self.plugin(address, bytes, limits, Arc::new(Grants::to_look()));
        let plugin = plugin.map_err(|problem| problem.message)?;
        Ok(Inspection::of(&plugin, bytes.len() as u64, sha256(bytes), limits))
    }

    /// Removes machine code of a component that will hardly be run again: that of a plugin in Python has 36 MB. Whoever
    /// runs it all the same compiles it once more.
    pub fn forget(&self, digest: &blake3::Hash) {
        if let Ok(engine) = self.engine() {
            self.cache.forget(engine, digest);
        }
    }

    /// The plugin in a file, to be looked at and tried: what it wants of the world outside is refused when it calls for it.
    pub(crate) fn open(&self, path: &Path, limits: Limits) -> Result<Arc<Plugin>, String> {
        let address = path.to_string_lossy();
        let grants = Arc::new(Grants::to_look());
        let opened = read(&address, path).and_then(|bytes| self.plugin(&address, &bytes, limits, grants));
        opened.map_err(|problem| problem.message)
    }

    fn plugin(&self, address: &str, bytes: &[u8], limits: Limits, grants: Arc<Grants>) -> Result<Arc<Plugin>, Problem> {
        let digest = blake3::hash(bytes);
        let is_shared = !grants.is_linked;
        // Held while it compiles: who wants the same plugin waits for it.
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let name = digest.to_hex().to_string();
        if let Some(plugin) = loaded.get(&name).filter(|_| is_shared) {
            return Ok(Arc::clone(plugin));
        }
        if !bytes.starts_with(MAGIC) {
            return Err(at_uses(format!("`{address}` is no WebAssembly")));
        }
        if bytes.get(MAGIC.len()..MAGIC.len() + COMPONENT.len()) != Some(COMPONENT) {
            let problem = at_uses(format!("`{address}` is a WebAssembly module, expected a component"));
            return Err(problem.help("make a component of it, as the SDKs do"));
        }
        let plugin = Arc::new(self.opened_anew(address, bytes, &digest, limits, grants)?);
        if is_shared {
            loaded.insert(name, Arc::clone(&plugin));
        }
        Ok(plugin)
    }

    /// The plugin in some bytes, from the cache of machine code if it is there, whether it is open already or not.
    pub(crate) fn opened_anew(
        &self,
        address: &str,
        bytes: &[u8],
        digest: &blake3::Hash,
        limits: Limits,
        grants: Arc<Grants>,
    ) -> Result<Plugin, Problem> {
        let engine = self.engine()?;
        let component = self
            .cache
            .component(engine, digest, address, bytes, &*self.notice)
            .map_err(|error| at_uses(format!("`{address}` cannot be compiled: {error:#}")))?;
        Plugin::new(engine, &component, digest, limits, grants).map_err(|Unusable { reason, help }| {
            let problem = at_uses(format!("`{address}` cannot be used: {reason}"));
            Problem { help, ..problem }
        })
    }
}

fn at_uses(message: String) -> Problem {
    Problem::at(["uses"], message)
}

/// The file of a plugin.
pub(crate) fn read(address: &str, path: &Path) -> Result<Vec<u8>, Problem> {
    let unreadable = |error: std::io::Error| {
        let problem = at_uses(format!("cannot read the plugin `{address}`: {}", reason(&error)));
        problem.help(format!("paths begin at the pipeline's own directory: `{}`", path.display()))
    };
    regular_file::read(path, MAXIMUM_BYTES).map_err(unreadable)
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A plugin whose options fit it.
pub(crate) struct Prepared {
    pub(crate) plugin: Arc<Plugin>,
    pub(crate) limits: Limits,
    /// Its `with`, as canonical JSON.
    options: String,
    /// What decides its results beside its code and what it is granted to see, as canonical JSON.
    key: String,
    /// What it is granted to see.
    seen: Vec<InputFile>,
    not_reproducible: Vec<String>,
    /// What it says that it reads and adds.
    told: Contract,
    /// Bytes of memory that an instance begins with.
    held: u64,
}

impl Plugins {
    /// What a request asks for, granted that, if the plugin is `fit` for it.
    fn prepared(
        &self,
        request: &PluginRequest<'_>,
        Granted { grants, files }: Granted,
        fit: impl FnOnce(&Plugin) -> Result<(), Problem>,
    ) -> Result<Prepared, Vec<Problem>> {
        let limits = Limits::from(request.limits);
        let address = request.address;
        let bytes = match address.strip_prefix("oci://") {
            Some(reference) => self.pull(reference, request.sha256)?,
            None => read(address, &request.directory.join(address))?,
        };
        check_pin(request.sha256, &bytes)?;
        let not_reproducible = grants.not_reproducible();
        let plugin = self.plugin(address, &bytes, limits, Arc::new(grants))?;
        fit(&plugin)?;
        let title = plugin.title();
        let below_with = |mut problem: Problem| {
            problem.path.insert(0, "with".into());
            problem
        };
        let at_with = |message: String| vec![Problem::at(["with"], message)];
        let given = serde_json::to_value(request.with).map_err(|error| at_with(error.to_string()))?;
        let schema = &plugin.description.schema;
        let found =
            problems(schema, &given).map_err(|reason| vec![at_uses(format!("{title} cannot be used: {reason}"))])?;
        if !found.is_empty() {
            return Err(found.into_iter().map(below_with).collect());
        }
        let options = canonical_json(&given).map_err(|error| at_with(error.to_string()))?;
        let mut held = 0;
        let told = Guest::start(&plugin, limits)
            .and_then(|mut guest| {
                let told = guest.configure(&options);
                held = guest.state().memory();
                told
            })
            .map_err(|fault| vec![at_uses(format!("{title}: it cannot take its options: {fault}"))])?
            .map_err(|reason| at_with(format!("{title}: {}", text::reason(&reason))))?;
        let everything = serde_json::json!({
            "with": given,
            "limits": { "memory": limits.memory, "call_time_ms": limits.call_time.as_millis() as u64 },
            "allow": grants::key(request),
        });
        let key = canonical_json(&everything).map_err(|error| at_with(error.to_string()))?;
        Ok(Prepared { plugin, limits, options, key, seen: files, not_reproducible, told, held })
    }

    /// What a request asks for, to be tried: what it wants of the world outside beyond its grants is refused when it calls
    /// for it, and not before.
    pub(crate) fn tried(&self, request: &PluginRequest<'_>) -> Result<Prepared, Vec<Problem>> {
        let Granted { grants, files } = granted(request)?;
        let grants = Grants { is_linked: cfg!(feature = "wasi"), ..grants };
        self.prepared(request, Granted { grants, files }, |_| Ok(()))
    }
}

/// What a request grants, if this program can grant anything.
fn granted(request: &PluginRequest<'_>) -> Result<Granted, Vec<Problem>> {
    let granted = Granted::check(request)?;
    if granted.grants.is_linked && !cfg!(feature = "wasi") {
        let message = "this program was built without what grants anything to plugins";
        return Err(Problem::at(["allow"], message).help("build it with the feature `wasi`").into());
    }
    Ok(granted)
}

impl Prepared {
    /// A stage of a pipeline, and its key.
    ///
    /// # Errors
    /// If what the plugin says that it reads and adds cannot be.
    pub(crate) fn stage(self, request: &PluginRequest<'_>) -> Result<(PluginStage, String), Vec<Problem>> {
        let Self { plugin, limits, options, key, seen, not_reproducible, told, held } = self;
        let contract = description::contract(told, plugin.world)
            .map_err(|reason| vec![at_uses(format!("{}: its contract cannot be: {reason}", plugin.title()))])?;
        let (stage, keep) = (request.stage.to_owned(), request.keep.unwrap_or_default());
        let (held, idle) = (held.into(), Mutex::default());
        let inputs = PluginRequest::inputs_of(request.address, request.allow, request.directory);
        let stage =
            PluginStage { plugin, contract, options, keep, limits, stage, seen, inputs, not_reproducible, held, idle };
        Ok((stage, key))
    }
}

impl PluginLoader for Plugins {
    fn load(&self, request: &PluginRequest<'_>) -> Result<Built, Vec<Problem>> {
        let prepared = self.prepared(request, granted(request)?, |plugin| is_stage(plugin, request))?;
        let (stage, options) = prepared.stage(request)?;
        Ok(Built { stage: Box::new(stage), kind: KIND.to_owned(), version: HOST_VERSION, options })
    }

    fn environment(&self, request: &PluginRequest<'_>) -> Result<Arc<dyn EnvironmentKind>, Vec<Problem>> {
        let Prepared { plugin, limits, options, key, seen, not_reproducible, told, held } =
            self.prepared(request, granted(request)?, |plugin| is_environment(plugin, request))?;
        if told.state == State::Reused {
            let message =
                format!("{} keeps state, and an environment's episodes know nothing of others", plugin.title());
            return Err(at_uses(message).help("build it without that: `keeps_state`, `keepsState`").into());
        }
        let mut digest = blake3::Hasher::new();
        digest.update(format!("{HOST_VERSION} {} {key}", plugin.digest).as_bytes());
        for InputFile { name, digest: contents } in &seen {
            digest.update(format!("\n{} {name} {contents}", name.len()).as_bytes());
        }
        let digest = digest.finalize().to_hex().to_string();
        let (stage, held) = (request.stage.to_owned(), Arc::new(held.into()));
        Ok(Arc::new(EnvironmentPlugin { plugin, options, limits, digest, not_reproducible, stage, held }))
    }
}

/// Whether a plugin is a stage, and what the stage has beside it is for such a one.
fn is_stage(plugin: &Plugin, request: &PluginRequest<'_>) -> Result<(), Problem> {
    let title = plugin.title();
    if plugin.world == World::Environment {
        let problem = at_uses(format!("{title} is an environment: it is acted in, and no stage by itself"));
        return Err(problem.help("name it in `env` of a stage `rollout`"));
    }
    if request.keep.is_some() && plugin.world != World::Relabel {
        let message = format!("`keep` is for relabellers, and {title} is of the world `{}`", plugin.world);
        return Err(Problem::at(["keep"], message).at_key().help("take it out"));
    }
    Ok(())
}

fn is_environment(plugin: &Plugin, request: &PluginRequest<'_>) -> Result<(), Problem> {
    if plugin.world != World::Environment {
        let title = plugin.title();
        let problem = at_uses(format!("{title} is of the world `{}`, expected `environment`", plugin.world));
        return Err(problem.help("it is a stage by itself: name it in `uses` of a stage"));
    }
    if request.allow.random {
        let message = "an environment draws its random numbers from the seed of its task";
        return Err(Problem::at(["allow", "random"], message).help("take it out"));
    }
    Ok(())
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
