//! What a plugin takes: memory and time of full calls, one after the other, against its limits.

use super::calls::{Broken, Calls};
use super::report::Check;
use super::rows::{RowPlan, made};
use super::values::Text;
use crate::limits::{measured_time, readable_bytes, readable_time};
use crate::stage::CALL;

/// Full calls of one instance.
const CALLS: usize = 40;

/// Until then an instance may fill its pools.
const WARM: usize = 10;

/// An instance lives for one shard, of which an import makes some hundred calls.
const CALLS_OF_A_SHARD: u64 = 1000;

const TURNS: usize = 8;

/// A kibibyte of text for a trajectory, in two texts a turn.
const TEXT_BYTES: usize = 64;

/// Memory and time stay below their limits, and memory does not grow from call to call.
pub(super) fn limits_are_respected(calls: &Calls<'_>) -> Check {
    let limits = calls.stage.limits;
    let mut check = Check::new("limits", format!("{CALLS} calls for {} trajectories of {TURNS} turns", CALL.rows));
    let help = "raise `limits: {memory, call_time}` of the stage, or let the plugin take less";
    let memory = match full_calls(calls) {
        Ok(memory) => memory,
        Err(broken) => {
            broken.fail(&mut check, help);
            return check;
        }
    };
    let taken = calls.taken();
    check.did += &format!(
        ": at most {} of {} and {} of {} for a call, that of the other checks included",
        readable_bytes(taken.memory),
        readable_bytes(limits.memory),
        measured_time(taken.time),
        readable_time(limits.call_time)
    );
    let [warm, end] = memory;
    let grown = (end - warm) / (CALLS - WARM) as u64;
    let calls_left = limits.memory.saturating_sub(end).checked_div(grown);
    match calls_left {
        Some(left) if left < CALLS_OF_A_SHARD => check.fail(
            format!("memory grows by {} a call, and would reach its limit after {left} more", readable_bytes(grown)),
            "free what was made for a call before the next: an instance works for a whole shard",
        ),
        Some(_) => check.note(format!("memory grows by {} a call", readable_bytes(grown))),
        None => {}
    }
    if taken.time > limits.call_time / 2 {
        check.note("a call takes more than half of its limit: a slower machine may not be in time");
    }
    check
}

/// The memory of an instance, in bytes, after the first calls and after the last.
fn full_calls(calls: &Calls<'_>) -> Result<[u64; 2], Broken> {
    let plan = |row: usize| RowPlan { text: Text::Long(TEXT_BYTES), ..RowPlan::plain(format!("full-{row}"), TURNS) };
    let rows = made(&calls.stage.contract, &(0..CALL.rows).map(plan).collect::<Vec<_>>(), 13)?;
    let mut guest = calls.start()?;
    let mut warm = 0;
    for call in 0..CALLS {
        calls.call(&mut guest, &rows)?;
        if call + 1 == WARM {
            warm = guest.memory();
        }
    }
    Ok([warm, guest.memory()])
}
