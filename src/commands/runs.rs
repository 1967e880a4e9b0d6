//! `sternlight runs`: runs, the newest first.

use sternlight_engine::printable::printable_line;
use sternlight_engine::store::Store;

use crate::Outcome;
use crate::common::Common;
use crate::output::{self, outln};
use crate::style;

pub(crate) fn execute(common: &Common) -> Outcome {
    let runs = match Store::existing(&common.store)? {
        Some(store) => store.runs()?,
        None => Vec::new(),
    };
    if !common.json && runs.is_empty() {
        outln!("no runs yet: try `sternlight run pipelines/quickstart.yaml`");
    }
    for run in runs {
        if common.json {
            output::json(&run)?;
            continue;
        }
        let status = format!("{}{}", run.status, if run.pinned { ", pinned" } else { "" });
        let started = run.started.strftime("%Y-%m-%dT%H:%M:%SZ");
        let seconds = run.seconds.map_or(String::new(), |seconds| format!("  {seconds:.2} s"));
        outln!(
            "  {}  {:<20} {status:<19} {}",
            run.id,
            printable_line(&run.title()),
            style::dim(format!("{started}{seconds}"))
        );
    }
    Ok(())
}
