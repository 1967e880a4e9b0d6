//! A plugin, ready to be started: its machine code, its world, and what it says of itself.

use std::sync::Arc;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, HasSelf, InstancePre, Linker};
use wasmtime::{Engine, Store};

use crate::bindings::exports::sternlight::plugin::{
    advantage_stage, batch_stage, environment_stage, plugin, reflect_stage, relabel_stage, reward_stage,
};
use crate::bindings::sternlight::plugin::host;
use crate::description::{Description, description};
use crate::fault::{Fault, FaultKind};
use crate::grants::Grants;
use crate::guest::Guest;
use crate::limits::Limits;
use crate::schema::Schema;
use crate::state::State;
use crate::world::World;

/// What every function of the contract begins with.
const PACKAGE: &str = "sternlight:plugin/";

/// A compiled plugin.
pub(crate) struct Plugin {
    engine: Engine,
    instance: InstancePre<State>,
    pub(crate) indices: Indices,
    pub(crate) world: World,
    pub(crate) description: Description,
    /// Interfaces that it imports and that are not granted.
    pub(crate) imports: Vec<String>,
    /// blake3 of its file, in hexadecimal.
    pub(crate) digest: String,
    pub(crate) grants: Arc<Grants>,
}

/// Where a component's functions are.
pub(crate) struct Indices {
    pub(crate) plugin: plugin::GuestIndices,
    pub(crate) stage: StageIndices,
}

/// Where the functions of its world are.
pub(crate) enum StageIndices {
    Reward(reward_stage::GuestIndices),
    Reflect(reflect_stage::GuestIndices),
    Relabel(relabel_stage::GuestIndices),
    Advantage(advantage_stage::GuestIndices),
    Batch(batch_stage::GuestIndices),
    Environment(environment_stage::GuestIndices),
}

/// Why a component cannot be used, and what to do.
pub(crate) struct Unusable {
    pub(crate) reason: String,
    pub(crate) help: Option<String>,
}

impl From<String> for Unusable {
    fn from(reason: String) -> Self {
        Self { reason, help: None }
    }
}

impl Unusable {
    fn of(what: &str, fault: &Fault) -> Self {
        let help = match fault.kind {
            // Its language asks for more than the plugin: what that is for, it could not say.
            FaultKind::NotGranted(..) => {
                Some("it was built to be granted something: `allow` says what, as in `allow: {clock: true}`".to_owned())
            }
            _ => None,
        };
        Self { reason: format!("{what}: {fault}"), help }
    }
}

impl Plugin {
    /// Looks at a component, and asks it what it is.
    ///
    /// # Errors
    /// If it is no plugin, or says of itself what cannot be: why, and what to do.
    pub(crate) fn new(
        engine: &Engine,
        component: &Component,
        digest: &blake3::Hash,
        limits: Limits,
        grants: Arc<Grants>,
    ) -> Result<Self, Unusable> {
        let world = world_of(engine, component)?;
        let told = |error: wasmtime::Error| format!("it does not keep the contract `{PACKAGE}`: {error:#}");
        let mut linker = Linker::<State>::new(engine);
        host::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state).map_err(told)?;
        // What is not granted may be imported, since languages bring more than a plugin uses; it may not be called.
        link_world(&mut linker, component, &grants).map_err(told)?;
        let instance = linker.instantiate_pre(component).map_err(told)?;
        let indices = Indices::new(&instance, world).map_err(told)?;
        let digest = digest.to_hex().to_string();
        let type_of = component.component_type();
        let imports = type_of.imports(engine).map(|(name, _)| name.to_owned());
        let imports = imports.filter(|name| !name.starts_with(PACKAGE)).collect();
        let nothing = Description {
            name: String::new(),
            version: String::new(),
            summary: String::new(),
            schema: Schema::default(),
        };
        let mut plugin =
            Self { engine: engine.clone(), instance, indices, world, description: nothing, imports, digest, grants };
        let mut guest = Guest::start(&plugin, limits).map_err(|fault| Unusable::of("it cannot start", &fault))?;
        let described = guest.describe().map_err(|fault| Unusable::of("it cannot say what it is", &fault))?;
        plugin.description = description(described)?;
        Ok(plugin)
    }

    /// A new instance, in a store of its own.
    ///
    /// # Errors
    /// Why it could not begin.
    pub(crate) fn instantiate(&self, limits: Limits) -> Result<(Store<State>, wasmtime::component::Instance), Fault> {
        let mut store = Store::new(&self.engine, self.state(limits)?);
        store.limiter(|state| state);
        // What the host copies out of a guest for one call.
        store.set_hostcall_fuel(usize::try_from(limits.memory).unwrap_or(usize::MAX));
        store.set_epoch_deadline(crate::sandbox::ticks(limits.call_time));
        store.data_mut().begin_call(limits.call_time);
        let started = self.instance.instantiate(&mut store);
        store.data_mut().end_call();
        match started {
            Ok(instance) => Ok((store, instance)),
            Err(error) => Err(Fault::of(&error, limits.call_time, store.data())),
        }
    }

    #[cfg(feature = "wasi")]
    fn state(&self, limits: Limits) -> Result<State, Fault> {
        let mut state = State::new(limits.memory);
        if self.grants.is_linked {
            crate::wasi::start_threads().map_err(Fault::result)?;
            let wasi = crate::wasi::Wasi::new(&self.grants);
            let gone = |error: wasmtime::Error| Fault::result(format!("what it is granted is not there: {error:#}"));
            state.wasi = Some(wasi.map_err(gone)?);
        }
        Ok(state)
    }

    #[cfg(not(feature = "wasi"))]
    #[expect(clippy::unnecessary_wraps, reason = "as with grants")]
    fn state(&self, limits: Limits) -> Result<State, Fault> {
        Ok(State::new(limits.memory))
    }

    /// For messages: name and version.
    pub(crate) fn title(&self) -> String {
        format!("plugin `{}` {}", self.description.name, self.description.version)
    }
}

impl Indices {
    fn new(instance: &InstancePre<State>, world: World) -> wasmtime::Result<Self> {
        let stage = match world {
            World::Reward => StageIndices::Reward(reward_stage::GuestIndices::new(instance)?),
            World::Reflect => StageIndices::Reflect(reflect_stage::GuestIndices::new(instance)?),
            World::Relabel => StageIndices::Relabel(relabel_stage::GuestIndices::new(instance)?),
            World::Advantage => StageIndices::Advantage(advantage_stage::GuestIndices::new(instance)?),
            World::Batch => StageIndices::Batch(batch_stage::GuestIndices::new(instance)?),
            World::Environment => StageIndices::Environment(environment_stage::GuestIndices::new(instance)?),
        };
        Ok(Self { plugin: plugin::GuestIndices::new(instance)?, stage })
    }
}

/// Gives a component what it imports of the world outside, or what says that it has none. Never both: names that are
/// defined as they are imported come before all others that would fit.
#[cfg_attr(not(feature = "wasi"), expect(unused_variables, reason = "nothing can be granted"))]
fn link_world(linker: &mut Linker<State>, component: &Component, grants: &Grants) -> wasmtime::Result<()> {
    #[cfg(feature = "wasi")]
    if grants.is_linked {
        return crate::wasi::link(linker, component, grants);
    }
    linker.define_unknown_imports_as_traps(component)
}

/// The world whose interface a component exports.
fn world_of(engine: &Engine, component: &Component) -> Result<World, String> {
    let exports: Vec<String> = component
        .component_type()
        .exports(engine)
        .filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentInstance(_)))
        .map(|(name, _)| name.to_owned())
        .collect();
    let interface = |world: World| format!("{PACKAGE}{world}-stage@1.");
    let found: Vec<World> = World::ALL
        .into_iter()
        .filter(|world| exports.iter().any(|name| name.starts_with(&interface(*world))))
        .collect();
    match found.as_slice() {
        [world] => Ok(*world),
        [] if exports.iter().any(|name| name.starts_with(PACKAGE)) => {
            Err(format!("it is a plugin of another version: it exports {}", shown(&exports)))
        }
        [] => Err(match exports.is_empty() {
            true => "it is a component, but no plugin: it exports no interface".to_owned(),
            false => format!("it is a component, but no plugin: it exports {}", shown(&exports)),
        }),
        several => {
            let names: Vec<&str> = several.iter().map(|world| world.name()).collect();
            Err(format!("it is of several worlds: {}; a plugin is of one", names.join(", ")))
        }
    }
}

fn shown(names: &[String]) -> String {
    let names: Vec<String> = names.iter().take(4).map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
