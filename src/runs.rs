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
        let seconds = run.seconds.map_or(String::new(), |seconds| format!("{seconds:.2} s"));
        let pinned = if run.pinned { "pinned" } else { "" };
        let started = run.started.strftime("%Y-%m-%dT%H:%M:%SZ");
        let line = format!("  {}  {:<20} {:<12}", run.id, run.pipeline, run.status);
        let rest = format!("{started}  {seconds:>9}  {pinned}");
        anstream::println!("{line} {}", style::dim(rest.trim_end()));
    }
    Ok(())
}
