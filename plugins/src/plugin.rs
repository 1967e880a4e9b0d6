//! A plugin, ready to be started: its machine code, its world, and what it says of itself.

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, HasSelf, InstancePre, Linker};
use wasmtime::{Engine, Store};

use crate::bindings::exports::sternlight::plugin::{
    advantage_stage, batch_stage, environment_stage, plugin, reflect_stage, relabel_stage, reward_stage,
};
use crate::bindings::sternlight::plugin::host;
use crate::description::{Description, description};
use crate::fault::Fault;
use crate::guest::Guest;
use crate::limits::Limits;
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

impl Plugin {
    /// Looks at a component, and asks it what it is.
    ///
    /// # Errors
    /// If it is no plugin, or says of itself what cannot be.
    pub(crate) fn new(
        engine: &Engine,
        component: &Component,
        digest: &blake3::Hash,
        limits: Limits,
    ) -> Result<Self, String> {
        let world = world_of(engine, component)?;
        let told = |error: wasmtime::Error| format!("it does not keep the contract `{PACKAGE}`: {error:#}");
        let mut linker = Linker::<State>::new(engine);
        host::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state).map_err(told)?;
        // What is not granted may be imported, since languages bring more than a plugin uses; it may not be called.
        linker.define_unknown_imports_as_traps(component).map_err(told)?;
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
            schema: serde_json::Value::Null,
        };
        let mut plugin =
            Self { engine: engine.clone(), instance, indices, world, description: nothing, imports, digest };
        let mut guest = Guest::start(&plugin, limits).map_err(|fault| format!("it cannot start: {fault}"))?;
        let described = guest.describe().map_err(|fault| format!("it cannot say what it is: {fault}"))?;
        plugin.description = description(described)?;
        Ok(plugin)
    }

    /// A new instance, in a store of its own.
    ///
    /// # Errors
    /// Why it could not begin.
    pub(crate) fn instantiate(&self, limits: Limits) -> Result<(Store<State>, wasmtime::component::Instance), Fault> {
        let mut store = Store::new(&self.engine, State::new(limits.memory));
        store.limiter(|state| state);
        // What the host copies out of a guest for one call.
        store.set_hostcall_fuel(usize::try_from(limits.memory).unwrap_or(usize::MAX));
        store.set_epoch_deadline(crate::sandbox::ticks(limits.call_time));
        match self.instance.instantiate(&mut store) {
            Ok(instance) => Ok((store, instance)),
            Err(error) => Err(Fault::of(&error, limits.call_time, store.data())),
        }
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
