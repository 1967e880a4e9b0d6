//! `sternlight runs`: past runs, the newest first.

use sternlight_engine::store::Store;

use crate::Outcome;
use crate::arguments::Common;
use crate::style;

pub(crate) fn execute(common: &Common) -> Outcome {
    let runs = Store::open(&common.store)?.runs()?;
    if !common.json && runs.is_empty() {
        anstream::println!("no runs yet: try `sternlight run pipelines/quickstart.yaml`");
    }
    for run in runs {
        if common.json {
            anstream::println!("{}", serde_json::to_string(&run)?);
            continue;
        }
        let status = run.status.as_deref().unwrap_or("unfinished");
        let seconds = run.seconds.map_or(String::new(), |seconds| format!("{seconds:.2} s"));
        anstream::println!("  {}  {:<20} {:<12} {}", run.id, run.pipeline, status, style::dim(seconds));
    }
    Ok(())
}
