//! WASI for plugins that are granted something, from `wasmtime-wasi`: what is linked, what is refused, and what plugins see.

mod link;
mod names;
mod open;
mod output;
mod random;
mod state;
mod stores;
mod threads;
mod waiting;

pub(crate) use link::link;
pub(crate) use state::Wasi;
pub(crate) use threads::start as start_threads;
