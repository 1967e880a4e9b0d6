//! What plugins return: Arrow IPC bytes, results of typed worlds, and what they say of themselves are refused with a reason,
//! or are what the host takes them for. The first byte chooses which it is.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sternlight_fuzz::abort_on_panics_that_nobody_catches;
use sternlight_plugins::fuzzing;

fuzz_target!(init: abort_on_panics_that_nobody_catches(), |bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else { return };
    match kind {
        b'r' => fuzzing::typed_results(rest),
        b'd' => fuzzing::description(rest),
        // Then it says which columns are added.
        chosen => fuzzing::ipc_bytes(rest.to_vec(), *chosen),
    }
});
