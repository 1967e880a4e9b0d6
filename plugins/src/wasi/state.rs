//! What the host keeps for an instance that is granted something.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::TryRng as _;
use wasmtime_wasi::sockets::SocketAddrUse;
use wasmtime_wasi::{FsPerms, ResourceTable, WasiCtx, WasiCtxView, WasiView};

use super::output::Said;
use super::random::Numbers;
use super::waiting::Waiting;
use crate::bindings::sternlight::plugin::host::Level;
use crate::grants::Grants;
use crate::limits::OPEN;
use crate::state::State;

/// The world as an instance sees it.
pub(crate) struct Wasi {
    context: WasiCtx,
    table: ResourceTable,
    pub(super) until: Deadline,
    pub(super) grants: Arc<Grants>,
    pub(super) said: Said,
    numbers: Option<Numbers>,
}

/// When the current call ends; shared with what is asked about addresses.
#[derive(Clone)]
pub(super) struct Deadline(Arc<Mutex<Instant>>);

impl Deadline {
    pub(super) fn get(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, until: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }
}

impl Wasi {
    /// Of an instance with these grants. What is not granted is not there; that the clock and randomness are refused is the
    /// concern of the linking.
    ///
    /// # Errors
    /// If a directory is gone.
    pub(crate) fn new(grants: &Arc<Grants>) -> wasmtime::Result<Self> {
        let said = Said::default();
        let until = Deadline(Arc::new(Mutex::new(Instant::now())));
        let mut builder = WasiCtx::builder();
        builder.stdout(said.output()).stderr(said.errors()).envs(&grants.environment);
        for directory in &grants.directories {
            let permissions = if directory.is_writable { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
            builder.preopened_dir(&directory.path, &directory.name, permissions)?;
        }
        if !grants.network.is_empty() {
            let (known, notes, until) = (Arc::clone(grants), said.clone(), until.clone());
            builder.allow_tcp(true).socket_addr_check(move |address, used| {
                let is_granted = is_granted(&known, address, used, until.get());
                if !is_granted {
                    let asked = if matches!(used, SocketAddrUse::TcpConnect) { "connect to" } else { "listen at" };
                    notes.note(format!("it tried to {asked} {address}, which `allow: {{network: […]}}` does not name"));
                }
                Box::pin(async move { is_granted })
            });
        }
        let numbers = grants.random.map(Numbers::new);
        if let Some(numbers) = &numbers {
            let mut seed = [0; 16];
            let Ok(()) = numbers.clone().try_fill_bytes(&mut seed);
            builder
                .secure_random(numbers.clone())
                .insecure_random(numbers.clone())
                .insecure_random_seed(u128::from_le_bytes(seed));
        }
        Ok(Self { context: builder.build(), said, until, numbers, ..Self::nothing(Arc::clone(grants)) })
    }

    /// Of an instance for which nothing is there.
    pub(crate) fn nothing(grants: Arc<Grants>) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(OPEN);
        let until = Deadline(Arc::new(Mutex::new(Instant::now())));
        Self { context: WasiCtx::builder().build(), table, until, grants, said: Said::default(), numbers: None }
    }

    /// A call begins.
    pub(crate) fn begin_call(&mut self, time: Duration) {
        self.until.set(Instant::now() + time);
    }

    /// A call for trajectories begins.
    pub(crate) fn begin_rows(&self, first: impl FnOnce() -> String) {
        if let Some(numbers) = &self.numbers {
            numbers.restart(&first());
        }
    }

    /// What it tried in vain since what was said was taken.
    pub(crate) fn tried(&self) -> Vec<String> {
        self.said.notes()
    }

    /// What was said since the last time.
    pub(crate) fn said(&self) -> Vec<(Level, String)> {
        self.said.take()
    }
}

fn is_granted(grants: &Grants, address: SocketAddr, used: SocketAddrUse, until: Instant) -> bool {
    match used {
        SocketAddrUse::TcpConnect => grants.network.iter().any(|endpoint| endpoint.is(address, until)),
        // Whoever connects is bound to some address of this machine first.
        SocketAddrUse::TcpBind => address.ip().is_unspecified() && address.port() == 0,
        _ => false,
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let Wasi { context, table, .. } = self.wasi();
        WasiCtxView { ctx: context, table }
    }
}

impl State {
    /// What waits.
    pub(super) fn waiting(&mut self) -> Waiting<'_> {
        let Wasi { table, until, .. } = self.wasi();
        Waiting { table, until: until.get() }
    }
}
