//! Runs by the names that people give them.

use sternlight_engine::event::{Event, StageResult};
use sternlight_engine::store::{RunSummary, Store};

use crate::common::{Common, LAST};
use crate::exit::Failure;

/// The store, which must be there: those who look at runs begin none.
pub(crate) fn store_of_runs(common: &Common) -> Result<Store, Failure> {
    Store::existing(&common.store)?.ok_or_else(no_runs)
}

/// The run of a name: its own, `last`, or `last~N` for the N-th before the last.
pub(crate) fn find_run(store: &Store, name: &str) -> Result<RunSummary, Failure> {
    let mut runs = store.runs()?.into_iter();
    if runs.len() == 0 {
        return Err(no_runs());
    }
    let back = match name.strip_prefix(LAST) {
        Some("") => Some(0),
        Some(rest) => rest.strip_prefix('~').and_then(|back| back.parse().ok()),
        None => None,
    };
    let found = match back {
        Some(back) => runs.nth(back),
        None => runs.find(|run| run.id == name),
    };
    found.ok_or_else(|| {
        Failure::usage(
            format!("there is no run `{name}`"),
            "`sternlight runs` lists them; `last` is the newest, `last~1` the one before",
        )
    })
}

/// What the stages of a run came to.
pub(crate) fn results_of(store: &Store, run: &RunSummary) -> Result<Vec<StageResult>, Failure> {
    let results = store.events(run)?.into_iter().filter_map(|record| match record.event {
        Event::StageFinished(result) => Some(result),
        _ => None,
    });
    Ok(results.collect())
}

fn no_runs() -> Failure {
    Failure::usage("there are no runs in this store", "run a pipeline first, or name the store with `--store DIR`")
}
