//! The threads that wait for what plugins were granted. `wasmtime-wasi` starts them with the first wait, and panics where the
//! system gives none; so whether it gives them is tried first.

use std::io;
use std::sync::OnceLock;
use std::sync::mpsc::channel;
use std::thread;

use wasmtime_wasi::runtime::with_ambient_tokio_runtime;

/// Starts them, once for a process.
///
/// # Errors
/// Why they cannot be started.
pub(crate) fn start() -> Result<(), String> {
    static STARTED: OnceLock<Result<(), String>> = OnceLock::new();
    let started = STARTED.get_or_init(|| {
        let count = thread::available_parallelism().map_or(1, usize::from);
        try_threads(count).map_err(|error| {
            format!("what is granted needs {count} more threads, and the system gives no more (`ulimit -u`): {error}")
        })?;
        with_ambient_tokio_runtime(|| ());
        Ok(())
    });
    started.clone()
}

/// Whether so many threads can be there at once.
fn try_threads(count: usize) -> io::Result<()> {
    let mut all = Vec::with_capacity(count);
    let mut started = Ok(());
    for _ in 0..count {
        let (held, wait) = channel::<()>();
        match thread::Builder::new().name("trial".to_owned()).spawn(move || wait.recv().is_ok()) {
            Ok(thread) => all.push((held, thread)),
            Err(error) => {
                started = Err(error);
                break;
            }
        }
    }
    for (held, thread) in all {
        drop(held);
        let _ = thread.join();
    }
    started
}
