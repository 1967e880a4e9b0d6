//! What the host keeps for one instance: how much memory it has, and what it said and measured during a call.

use std::fmt;
use std::time::Duration;

use wasmtime::ResourceLimiter;

use crate::bindings::sternlight::plugin::host::{Host, Level};
use crate::limits::readable_bytes;
use crate::text::{printable, printable_name};
#[cfg(feature = "wasi")]
use crate::wasi::Wasi;

/// More lines of one call are dropped.
const LINES: usize = 256;

/// More figures of one call are dropped: 16 for each of some thousand trajectories.
const FIGURES: usize = 1 << 16;

/// What an element of a table takes.
const ELEMENT_BYTES: usize = size_of::<usize>();

/// Parts of a component, whatever memory they have: each takes something of the host. One with a Python interpreter is made
/// of some dozen core modules, which share a memory and a table.
const MEMORIES: usize = 64;
const TABLES: usize = 64;
const INSTANCES: usize = 256;

/// The host's side of an instance.
pub(crate) struct State {
    memory_limit: u64,
    memory: u64,
    pub(crate) lines: Vec<(Level, String)>,
    pub(crate) figures: Vec<(String, f64)>,
    /// What it tried in vain, which is among the lines as well.
    pub(crate) tried: Vec<String>,
    /// For an instance that is granted something.
    #[cfg(feature = "wasi")]
    pub(crate) wasi: Option<Wasi>,
}

/// An instance asked for more memory than it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MemoryLimit {
    asked: u64,
    limit: u64,
}

impl fmt::Display for MemoryLimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (asked, limit) = (readable_bytes(self.asked), readable_bytes(self.limit));
        write!(formatter, "it asked for {asked} of memory, and its limit is {limit}")
    }
}

impl std::error::Error for MemoryLimit {}

impl State {
    pub(crate) fn new(memory_limit: u64) -> Self {
        Self {
            memory_limit,
            memory: 0,
            lines: Vec::new(),
            figures: Vec::new(),
            tried: Vec::new(),
            #[cfg(feature = "wasi")]
            wasi: None,
        }
    }

    /// Memory that the instance has, in bytes: that of its memories and its tables.
    pub(crate) fn memory(&self) -> u64 {
        self.memory
    }

    /// Forgets what was said and measured: a call begins, which may take this time.
    #[cfg_attr(not(feature = "wasi"), expect(unused_variables, reason = "code alone is ended by the engine's clock"))]
    pub(crate) fn begin_call(&mut self, time: Duration) {
        self.lines.clear();
        self.figures.clear();
        self.tried.clear();
        #[cfg(feature = "wasi")]
        if let Some(wasi) = &mut self.wasi {
            wasi.begin_call(time);
        }
    }

    /// The call is over.
    pub(crate) fn end_call(&mut self) {
        #[cfg(feature = "wasi")]
        if let Some(wasi) = &mut self.wasi {
            self.tried = wasi.tried();
            for (level, line) in wasi.said() {
                self.log(level, line);
            }
        }
    }

    /// The world as the instance sees it.
    #[cfg(feature = "wasi")]
    pub(crate) fn wasi(&mut self) -> &mut Wasi {
        self.wasi.get_or_insert_with(|| Wasi::nothing(std::sync::Arc::default()))
    }
}

impl State {
    fn growing(&mut self, bytes: usize) -> wasmtime::Result<bool> {
        let asked = self.memory.saturating_add(bytes as u64);
        if asked > self.memory_limit {
            return Err(wasmtime::Error::new(MemoryLimit { asked, limit: self.memory_limit }));
        }
        self.memory = asked;
        Ok(true)
    }
}

impl ResourceLimiter for State {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.growing(desired.saturating_sub(current))
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.growing(desired.saturating_sub(current).saturating_mul(ELEMENT_BYTES))
    }

    fn memories(&self) -> usize {
        MEMORIES
    }

    fn tables(&self) -> usize {
        TABLES
    }

    fn instances(&self) -> usize {
        INSTANCES
    }
}

impl Host for State {
    fn log(&mut self, level: Level, message: String) {
        // What is said last before a trap is what explains it.
        if self.lines.len() == LINES {
            self.lines.remove(LINES - 1);
        }
        self.lines.push((level, printable(&message)));
    }

    fn metric(&mut self, name: String, value: f64) {
        if self.figures.len() < FIGURES {
            self.figures.push((printable_name(&name), value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_counted_over_all_memories_and_tables() {
        let mut state = State::new(3 << 20);
        assert!(state.memory_growing(0, 2 << 20, None).unwrap());
        let error = state.memory_growing(0, 2 << 20, None).unwrap_err();
        insta::assert_snapshot!(error, @"it asked for 4 MiB of memory, and its limit is 3 MiB");
        assert!(state.table_growing(0, 1 << 16, None).unwrap());
        let error = state.table_growing(0, 1 << 17, None).unwrap_err();
        insta::assert_snapshot!(error, @"it asked for 4 MiB of memory, and its limit is 3 MiB");
        assert!(state.memory_growing(2 << 20, (2 << 20) + (1 << 19), None).unwrap());
        assert_eq!(state.memory(), 3 << 20);
    }

    #[test]
    fn parts_are_few() {
        let engine = crate::sandbox::engine().unwrap();
        let of_many = |what: &str, count: usize| {
            let instance = "(core instance (instantiate $part))";
            let text = format!("(component (core module $part {what}) {})", instance.repeat(count));
            let component = wasmtime::component::Component::new(&engine, wat::parse_str(text).unwrap()).unwrap();
            let mut store = wasmtime::Store::new(&engine, State::new(1 << 30));
            store.limiter(|state| state);
            store.set_epoch_deadline(1_000);
            let instance = wasmtime::component::Linker::new(&engine).instantiate(&mut store, &component);
            let error = instance.err()?;
            Some(crate::fault::Fault::of(&error, Duration::ZERO, store.data()).to_string())
        };
        assert_eq!(of_many("(memory 0) (table 0 funcref)", MEMORIES), None);
        let told = |what: &str, count: usize| of_many(what, count).unwrap_or_default();
        insta::assert_snapshot!(told("(memory 0)", MEMORIES + 1), @"it is made of too many parts: memory count too high at 65");
        insta::assert_snapshot!(told("(table 0 funcref)", TABLES + 1), @"it is made of too many parts: table count too high at 65");
        insta::assert_snapshot!(told("", INSTANCES + 1), @"it is made of too many parts: instance count too high at 257");
    }

    #[test]
    fn of_many_lines_the_last_is_kept() {
        let mut state = State::new(0);
        (0..2 * LINES).for_each(|line| state.log(Level::Info, line.to_string()));
        assert_eq!((state.lines.len(), state.lines[LINES - 1].1.as_str()), (LINES, "511"));
    }
}
