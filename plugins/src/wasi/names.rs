//! `wasi:sockets/ip-name-lookup`: only hosts that a stage names have addresses. What `wasmtime-wasi` has would ask the
//! network for any name, which is a way to tell it something.

use std::net::IpAddr;
use std::vec::IntoIter;

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource, ResourceType};
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddress, Network};
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};
use wasmtime_wasi::{WasiView as _, async_trait};

use super::link::VERSION;
use super::waiting::TooLate;
use crate::grants::NoAddress;
use crate::state::State;
use crate::text::printable_name;

/// Addresses of a host that were not told yet.
struct Addresses(IntoIter<IpAddr>);

#[async_trait]
impl Pollable for Addresses {
    async fn ready(&mut self) {}
}

type Store<'a> = StoreContextMut<'a, State>;

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut interface = linker.instance(&format!("wasi:sockets/ip-name-lookup@{VERSION}"))?;
    interface.resource("resolve-address-stream", ResourceType::host::<Addresses>(), |mut store, addresses| {
        store.data_mut().ctx().table.delete(Resource::<Addresses>::new_own(addresses))?;
        Ok(())
    })?;
    interface.func_wrap("resolve-addresses", |mut store: Store<'_>, (_, name): (Resource<Network>, String)| {
        Ok((resolve(store.data_mut(), &name)?,))
    })?;
    interface.func_wrap(
        "[method]resolve-address-stream.resolve-next-address",
        |mut store: Store<'_>, (addresses,): (Resource<Addresses>,)| {
            let next = store.data_mut().ctx().table.get_mut(&addresses)?.0.next();
            Ok((Ok::<Option<IpAddress>, ErrorCode>(next.map(IpAddress::from)),))
        },
    )?;
    interface.func_wrap(
        "[method]resolve-address-stream.subscribe",
        |mut store: Store<'_>, (addresses,): (Resource<Addresses>,)| -> wasmtime::Result<(Resource<DynPollable>,)> {
            Ok((subscribe(store.data_mut().ctx().table, addresses)?,))
        },
    )
}

fn resolve(state: &mut State, name: &str) -> wasmtime::Result<Result<Resource<Addresses>, ErrorCode>> {
    let wasi = state.wasi();
    let Some(endpoint) = wasi.grants.network.iter().find(|endpoint| endpoint.host == name) else {
        let name = printable_name(name);
        wasi.said.note(format!("it asked for the address of `{name}`, which `allow: {{network: […]}}` does not name"));
        return Ok(Err(ErrorCode::AccessDenied));
    };
    let addresses = match endpoint.addresses(wasi.until.get()) {
        Ok(addresses) => addresses.to_vec(),
        Err(NoAddress::TooLate) => return Err(TooLate.into()),
        Err(NoAddress::Unknown(reason)) => {
            wasi.said.note(format!("the host `{name}` has no address: {reason}"));
            return Ok(Err(ErrorCode::NameUnresolvable));
        }
    };
    Ok(Ok(state.ctx().table.push(Addresses(addresses.into_iter()))?))
}
