//! `sternlight runs`: runs, the newest first.

use sternlight_engine::store::Store;

use crate::Outcome;
use crate::arguments::Common;
use crate::style;

pub(crate) fn execute(common: &Common) -> Outcome {
    let runs = match Store::existing(&common.store)? {
        Some(store) => store.runs()?,
        None => Vec::new(),
    };
    if !common.json && runs.is_empty() {
        anstream::println!("no runs yet: try `sternlight run pipelines/quickstart.yaml`");
    }
    for run in runs {
        if common.json {
            anstream::println!("{}", serde_json::to_string(&run)?);
            continue;
        }
        let status = format!("{}{}", run.status, if run.pinned { ", pinned" } else { "" });
        let started = run.started.strftime("%Y-%m-%dT%H:%M:%SZ");
        let seconds = run.seconds.map_or(String::new(), |seconds| format!("  {seconds:.2} s"));
        anstream::println!(
            "  {}  {:<20} {status:<19} {}",
            run.id,
            run.pipeline,
            style::dim(format!("{started}{seconds}"))
        );
    }
    Ok(())
}
