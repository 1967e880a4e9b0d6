//! Which interfaces of WASI a component gets. All are linked, so that their types are there, and every function of an
//! interface that is not granted is then replaced by one that says so.

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, HasData, Linker, ResourceTable};
use wasmtime_wasi::WasiView as _;
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView as _};
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, random, sockets, sync};
use wasmtime_wasi::random::{WasiRandom, WasiRandomView as _};
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView as _};

use super::waiting::Waiting;
use super::{names, open, stores};
use crate::fault::NotGranted;
use crate::grants::{Grants, Kind};
use crate::state::State;

/// The version under which `wasmtime-wasi` links its interfaces. Components that ask for an earlier 0.2 get it as well.
pub(super) const VERSION: &str = "0.2.12";

/// Gives a component what is granted, and refuses what is not when it is called.
pub(crate) fn link(linker: &mut Linker<State>, component: &Component, grants: &Grants) -> wasmtime::Result<()> {
    link_everything(linker)?;
    names::link(linker)?;
    open::link(linker)?;
    stores::link(linker)?;
    refuse(linker, component, grants)
}

/// What `wasmtime_wasi::p2::add_to_linker_sync` links, but for what waits, which ends with the time of the call here, and for
/// names of hosts.
fn link_everything(l: &mut Linker<State>) -> wasmtime::Result<()> {
    sync::io::error::add_to_linker::<State, Io>(l, |state| state.ctx().table)?;
    sync::io::poll::add_to_linker::<State, WaitingIo>(l, State::waiting)?;
    sync::io::streams::add_to_linker::<State, WaitingIo>(l, State::waiting)?;
    clocks::wall_clock::add_to_linker::<State, WasiClocks>(l, State::clocks)?;
    clocks::monotonic_clock::add_to_linker::<State, WasiClocks>(l, State::clocks)?;
    random::random::add_to_linker::<State, WasiRandom>(l, State::random)?;
    random::insecure::add_to_linker::<State, WasiRandom>(l, State::random)?;
    random::insecure_seed::add_to_linker::<State, WasiRandom>(l, State::random)?;
    filesystem::preopens::add_to_linker::<State, WasiFilesystem>(l, State::filesystem)?;
    sync::filesystem::types::add_to_linker::<State, WasiFilesystem>(l, State::filesystem)?;
    let options = sync::LinkOptions::default();
    cli::exit::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::environment::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
    sockets::instance_network::add_to_linker::<State, WasiSockets>(l, State::sockets)?;
    sockets::network::add_to_linker::<State, WasiSockets>(l, &(&options).into(), State::sockets)?;
    sync::sockets::tcp::add_to_linker::<State, WasiSockets>(l, State::sockets)?;
    sockets::tcp_create_socket::add_to_linker::<State, WasiSockets>(l, State::sockets)?;
    sync::sockets::udp::add_to_linker::<State, WasiSockets>(l, State::sockets)?;
    sync::sockets::udp_create_socket::add_to_linker::<State, WasiSockets>(l, State::sockets)?;
    Ok(())
}

struct Io;

impl HasData for Io {
    type Data<'a> = &'a mut ResourceTable;
}

struct WaitingIo;

impl HasData for WaitingIo {
    type Data<'a> = Waiting<'a>;
}

/// Replaces what a component imports and is not granted. Under the linked name: a component's own may be of an earlier
/// version, and a definition under that would come before all others of the interface.
fn refuse(linker: &mut Linker<State>, component: &Component, grants: &Grants) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let engine = component.engine();
    for (name, item) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(interface) = item.ty else { continue };
        let Some((package, _)) = name.split_once('@').filter(|(package, _)| package.starts_with("wasi:")) else {
            continue;
        };
        if is_given(package, grants) {
            continue;
        }
        let mut linked = linker.instance(&format!("{package}@{VERSION}"))?;
        for (function, item) in interface.exports(engine) {
            if matches!(item.ty, ComponentItem::ComponentFunc(_)) {
                let error = NotGranted { interface: name.to_owned(), function: function.to_owned() };
                linked.func_new(function, move |_, _, _, _| Err(error.clone().into()))?;
            }
        }
    }
    linker.allow_shadowing(false);
    Ok(())
}

fn is_given(package: &str, grants: &Grants) -> bool {
    match Kind::of(package) {
        // Who may see no variable sees an empty environment: languages look into it before they do anything.
        Some(Kind::Environment) => true,
        Some(kind) => grants.gives(kind),
        None => package.starts_with("wasi:io/") || package.starts_with("wasi:cli/"),
    }
}
