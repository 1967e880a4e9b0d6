//! Which panics are findings.

use std::panic::{set_hook, take_hook};

use sternlight_engine::dataset::is_guarded;

/// The engine makes errors of panics of the Parquet and Arrow crates, which libFuzzer would take for crashes: from now
/// on only others end the process.
pub fn abort_on_panics_that_nobody_catches() {
    let abort = take_hook();
    set_hook(Box::new(move |panic| {
        if !is_guarded() {
            abort(panic);
        }
    }));
}
