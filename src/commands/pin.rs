//! `sternlight pin` and `sternlight unpin`: whether cleaning up spares a run.

use clap::Args;

use crate::Outcome;
use crate::common::Common;
use crate::output::{self, outln};
use crate::past_runs::{find_run, store_of_runs};

#[derive(Debug, Args)]
pub(crate) struct PinArguments {
    /// The run, as `sternlight runs` names it; `last` is the newest, `last~1` the one before
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
}

pub(crate) fn execute(name: &str, is_to_be_pinned: bool, common: &Common) -> Outcome {
    let store = store_of_runs(common)?;
    let run = find_run(&store, name)?;
    let changed = if is_to_be_pinned { store.pin(&run)? } else { store.unpin(&run)? };
    if common.json {
        return output::json(&serde_json::json!({"run": run.id, "pinned": is_to_be_pinned, "changed": changed}));
    }
    let told = match (is_to_be_pinned, changed) {
        (true, true) => "pinned: `sternlight gc` spares it and what it reaches",
        (true, false) => "was pinned already",
        (false, true) => "no longer pinned",
        (false, false) => "was not pinned",
    };
    outln!("{} {told}", run.id);
    Ok(())
}
