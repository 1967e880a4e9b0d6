//! One instance of a plugin, and calls into it. After a call that failed it is dead: whoever wants another call starts
//! another one.

use std::time::Duration;

use arrow::buffer::Buffer;
use wasmtime::Store;

use crate::bindings::exports::sternlight::plugin::{
    advantage_stage, batch_stage, environment_stage, plugin, reflect_stage, relabel_stage, reward_stage,
};
use crate::bindings::sternlight::plugin::trajectories::Trajectory;
use crate::fault::Fault;
use crate::limits::{Limits, readable_bytes};
use crate::plugin::{Plugin, StageIndices};
use crate::sandbox::ticks;
use crate::state::State;

/// More than what a call usually takes is not kept for the next one.
const KEPT_BYTES: usize = 4 << 20;

/// What the host copies of what a plugin says of itself.
const ABOUT_BYTES: usize = 4 << 20;

/// What wasmtime says of more.
const OUT_OF_FUEL: &str = "fuel allocated for hostcalls has been exhausted";

/// An instance.
pub(crate) struct Guest {
    store: Store<State>,
    plugin: plugin::Guest,
    stage: Stage,
    call_time: Duration,
    /// Kept from call to call: fresh memory for each would cost more than what is written into it.
    sent: Vec<u8>,
}

/// The functions of its world.
enum Stage {
    Reward(reward_stage::Guest),
    Reflect(reflect_stage::Guest),
    Relabel(relabel_stage::Guest),
    Advantage(advantage_stage::Guest),
    Batch(batch_stage::Guest),
    Environment(environment_stage::Guest),
}

/// What a call gives: one result a row.
pub(crate) type Rows<T> = Vec<Result<T, String>>;

impl Guest {
    /// A fresh instance.
    ///
    /// # Errors
    /// If it traps while it starts, or takes too much.
    pub(crate) fn start(from: &Plugin, limits: Limits) -> Result<Self, Fault> {
        let (mut store, instance) = from.instantiate(limits)?;
        let loaded = (|| {
            let stage = match &from.indices.stage {
                StageIndices::Reward(indices) => Stage::Reward(indices.load(&mut store, &instance)?),
                StageIndices::Reflect(indices) => Stage::Reflect(indices.load(&mut store, &instance)?),
                StageIndices::Relabel(indices) => Stage::Relabel(indices.load(&mut store, &instance)?),
                StageIndices::Advantage(indices) => Stage::Advantage(indices.load(&mut store, &instance)?),
                StageIndices::Batch(indices) => Stage::Batch(indices.load(&mut store, &instance)?),
                StageIndices::Environment(indices) => Stage::Environment(indices.load(&mut store, &instance)?),
            };
            wasmtime::Result::Ok((from.indices.plugin.load(&mut store, &instance)?, stage))
        })();
        match loaded {
            Ok((plugin, stage)) => Ok(Self { store, plugin, stage, call_time: limits.call_time, sent: Vec::new() }),
            Err(error) => Err(Fault::of(&error, limits.call_time, store.data())),
        }
    }

    /// How long calls may take from now on.
    pub(crate) fn set_call_time(&mut self, call_time: Duration) {
        self.call_time = call_time;
    }

    /// The next call is for trajectories of which this one is the first.
    #[cfg(feature = "wasi")]
    pub(crate) fn begin_rows(&self, first: impl FnOnce() -> String) {
        if let Some(wasi) = &self.store.data().wasi {
            wasi.begin_rows(first);
        }
    }

    /// What it said and measured in its last call.
    pub(crate) fn state(&self) -> &State {
        self.store.data()
    }

    /// How much memory it has, in bytes: it never gives any back.
    pub(crate) fn memory(&self) -> u64 {
        self.store.data().memory()
    }

    /// What it is.
    pub(crate) fn describe(&mut self) -> Result<plugin::Description, Fault> {
        self.about(|store, guest| guest.plugin.call_describe(store))
    }

    /// Gives it its options, as JSON: what it reads and adds, or why it does not like them.
    pub(crate) fn configure(&mut self, options: &str) -> Result<Result<plugin::Contract, String>, Fault> {
        self.about(|store, guest| guest.plugin.call_configure(store, options))
    }

    pub(crate) fn score(&mut self, batch: &[Trajectory<'_>]) -> Result<Rows<reward_stage::Outcome>, Fault> {
        self.call(|store, guest| match &guest.stage {
            Stage::Reward(stage) => stage.call_score(store, batch),
            _ => Err(another_world()),
        })
    }

    pub(crate) fn reflect(&mut self, batch: &[Trajectory<'_>]) -> Result<Rows<Vec<reflect_stage::Reflection>>, Fault> {
        self.call(|store, guest| match &guest.stage {
            Stage::Reflect(stage) => stage.call_reflect(store, batch),
            _ => Err(another_world()),
        })
    }

    pub(crate) fn relabel(&mut self, batch: &[Trajectory<'_>]) -> Result<Rows<Vec<relabel_stage::Relabelled>>, Fault> {
        self.call(|store, guest| match &guest.stage {
            Stage::Relabel(stage) => stage.call_relabel(store, batch),
            _ => Err(another_world()),
        })
    }

    pub(crate) fn advantage(&mut self, batch: &[Trajectory<'_>]) -> Result<Rows<Vec<Option<f32>>>, Fault> {
        self.call(|store, guest| match &guest.stage {
            Stage::Advantage(stage) => stage.call_advantage(store, batch),
            _ => Err(another_world()),
        })
    }

    /// A call with the pieces of a stream of bytes.
    pub(crate) fn process(&mut self, pieces: &[Buffer]) -> Result<Result<batch_stage::Output, String>, Fault> {
        let mut sent = std::mem::take(&mut self.sent);
        sent.clear();
        sent.reserve(pieces.iter().map(Buffer::len).sum());
        pieces.iter().for_each(|piece| sent.extend_from_slice(piece));
        let called = self.call(|store, guest| match &guest.stage {
            Stage::Batch(stage) => stage.call_process(store, &sent),
            _ => Err(another_world()),
        });
        if sent.capacity() <= KEPT_BYTES {
            self.sent = sent;
        }
        called
    }

    pub(crate) fn tasks(
        &mut self,
        count: u32,
        seed: u32,
    ) -> Result<Result<Vec<environment_stage::TaskResult>, String>, Fault> {
        self.call(|store, guest| guest.environment()?.call_tasks(store, count, seed))
    }

    pub(crate) fn reset(
        &mut self,
        episodes: &[(u32, environment_stage::TaskParam<'_>)],
    ) -> Result<Rows<environment_stage::Start>, Fault> {
        self.call(|store, guest| guest.environment()?.call_reset(store, episodes))
    }

    pub(crate) fn step(
        &mut self,
        moves: &[environment_stage::Move<'_>],
    ) -> Result<Rows<environment_stage::StepResult>, Fault> {
        self.call(|store, guest| guest.environment()?.call_step(store, moves))
    }

    pub(crate) fn close(&mut self, episodes: &[u32]) -> Result<(), Fault> {
        self.call(|store, guest| guest.environment()?.call_close(store, episodes))
    }

    /// A call in which it speaks of itself, which need not be much.
    fn about<T>(
        &mut self,
        function: impl FnOnce(&mut Store<State>, Parts<'_>) -> wasmtime::Result<T>,
    ) -> Result<T, Fault> {
        let fuel = self.store.hostcall_fuel();
        self.store.set_hostcall_fuel(ABOUT_BYTES);
        let said = self.call(|store, parts| {
            function(store, parts).map_err(|error| match format!("{error:#}").contains(OUT_OF_FUEL) {
                true => wasmtime::Error::msg(format!("it has more than {}", readable_bytes(ABOUT_BYTES as u64))),
                false => error,
            })
        });
        self.store.set_hostcall_fuel(fuel);
        said
    }

    /// One call, with its deadline.
    fn call<T>(
        &mut self,
        function: impl FnOnce(&mut Store<State>, Parts<'_>) -> wasmtime::Result<T>,
    ) -> Result<T, Fault> {
        self.store.data_mut().begin_call(self.call_time);
        self.store.set_epoch_deadline(ticks(self.call_time));
        let parts = Parts { plugin: &self.plugin, stage: &self.stage };
        let called = function(&mut self.store, parts);
        self.store.data_mut().end_call();
        called.map_err(|error| Fault::of(&error, self.call_time, self.store.data()))
    }
}

/// The functions of an instance, apart from its store.
struct Parts<'a> {
    plugin: &'a plugin::Guest,
    stage: &'a Stage,
}

impl<'a> Parts<'a> {
    fn environment(&self) -> wasmtime::Result<&'a environment_stage::Guest> {
        match self.stage {
            Stage::Environment(stage) => Ok(stage),
            _ => Err(another_world()),
        }
    }
}

fn another_world() -> wasmtime::Error {
    wasmtime::Error::msg("the plugin is of another world")
}
