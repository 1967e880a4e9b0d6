//! What a plugin may take, and the texts that say what it took.

use std::time::Duration;

use sternlight_engine::stage::PluginLimits;

/// Memory of one instance if the pipeline says nothing: Python plugins begin at 40 MiB.
const DEFAULT_MEMORY: u64 = 512 << 20;

/// Time for one call if the pipeline says nothing: of some hundred trajectories, which take the slowest language tens of
/// milliseconds.
const DEFAULT_CALL_TIME: Duration = Duration::from_secs(10);

/// Files, directories, connections and streams that an instance may have open: of the process's own, which are some
/// thousand on most machines, each thread's instances take so many.
pub(crate) const OPEN: usize = 64;

/// What one instance may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Bytes.
    pub(crate) memory: u64,
    /// Of one call.
    pub(crate) call_time: Duration,
}

impl From<PluginLimits> for Limits {
    fn from(asked: PluginLimits) -> Self {
        Self { memory: asked.memory.unwrap_or(DEFAULT_MEMORY), call_time: asked.call_time.unwrap_or(DEFAULT_CALL_TIME) }
    }
}

/// An amount of memory, as pipelines write it.
pub(crate) fn readable_bytes(bytes: u64) -> String {
    match bytes {
        0..0x10_0000 => format!("{} KiB", bytes.div_ceil(1 << 10)),
        0x10_0000..0x100_0000_0000 => format!("{} MiB", bytes.div_ceil(1 << 20)),
        _ => format!("{} GiB", bytes.div_ceil(1 << 30)),
    }
}

/// A time, as pipelines write it.
pub(crate) fn readable_time(time: Duration) -> String {
    match time.as_millis() {
        milliseconds if milliseconds % 1000 != 0 => format!("{milliseconds}ms"),
        milliseconds => format!("{}s", milliseconds / 1000),
    }
}

/// A time that was measured.
pub(crate) fn measured_time(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds < 1.0 => format!("{:.1} ms", 1000.0 * seconds),
        seconds => format!("{seconds:.1} s"),
    }
}
