//! The WebAssembly engine that all plugins of a process share: its settings, and the clock that ends calls which take too
//! long. Not concerned with what a plugin is.

use std::thread;
use std::time::Duration;

use wasmtime::{Config, Engine};

/// How often calls are looked at: a call ends this much later than its limit at most.
const TICK: Duration = Duration::from_millis(10);

/// Stack of a guest. A thread of the engine has 2 MiB, a part of which is the host's.
const STACK_BYTES: usize = 512 << 10;

/// The engine.
///
/// # Errors
/// If this machine cannot run it.
pub(crate) fn engine() -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .max_wasm_stack(STACK_BYTES)
        // The same bits on every machine.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true);
    let engine = Engine::new(&config)?;
    let weak = engine.weak();
    thread::Builder::new().name("plugin clock".to_owned()).spawn(move || {
        // Ends with the engine.
        while let Some(engine) = weak.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(TICK);
        }
    })?;
    Ok(engine)
}

/// How many ticks a call may take that may take this time.
pub(crate) fn ticks(time: Duration) -> u64 {
    // One more, because the current one has begun already.
    u64::try_from(time.as_millis().div_ceil(TICK.as_millis())).unwrap_or(u64::MAX / 2) + 1
}
