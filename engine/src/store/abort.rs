//! Numbered points of the commit protocol at which a test can end the process, to show that nothing is lost.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Exit code of a process that ended at such a point: what a shell reports for SIGABRT.
const ABORTED: i32 = 134;

/// Ends the process here, without unwinding, if this is the point whose number `STERNLIGHT_ABORT_AT` gives.
/// Points are counted from 1 in the order in which the process reaches them.
pub fn abort_point() {
    static WANTED: OnceLock<Option<u64>> = OnceLock::new();
    static REACHED: AtomicU64 = AtomicU64::new(0);
    let wanted = WANTED.get_or_init(|| std::env::var("STERNLIGHT_ABORT_AT").ok()?.parse().ok());
    if let Some(wanted) = wanted
        && REACHED.fetch_add(1, Ordering::SeqCst) + 1 == *wanted
    {
        std::process::exit(ABORTED);
    }
}
