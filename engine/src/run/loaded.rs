//! What was loaded once for all tasks of a process, by digest: the weights of policies. It is charged to the run's memory,
//! and goes when something else is wanted and nobody uses it.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::budget::Budget;
use crate::stage::{Load, Loaded, StageError};

type Shared = Arc<dyn Any + Send + Sync>;

/// Things that were loaded, and the bytes that they take.
#[derive(Default)]
pub(crate) struct LoadedThings(Mutex<BTreeMap<String, (Shared, u64)>>);

impl LoadedThings {
    /// What lies under a digest, loaded if need be. Others that nobody uses go first.
    pub(crate) fn get(&self, digest: &str, budget: &Budget, load: &mut Load<'_>) -> Result<Shared, StageError> {
        // Held while something is loaded: it is loaded once, and never beside something that could go.
        let mut things = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, _)) = things.get(digest) {
            return Ok(Arc::clone(known));
        }
        things.retain(|_, (thing, bytes)| {
            let is_used = Arc::strong_count(thing) > 1;
            if !is_used {
                budget.release(*bytes);
            }
            is_used
        });
        let (thing, bytes) = elsewhere(load)?;
        budget.keep(bytes);
        things.insert(digest.to_owned(), (Arc::clone(&thing), bytes));
        Ok(thing)
    }
}

/// Calls on a thread outside of the run's pool: one of that could begin with a sibling task while it waits for others, and the
/// sibling would wait here.
fn elsewhere(load: &mut Load<'_>) -> Result<Loaded, StageError> {
    let cannot = |error: std::io::Error| StageError::new(format!("cannot start a thread to load on: {error}"));
    thread::scope(|scope| match thread::Builder::new().spawn_scoped(scope, load).map_err(cannot)?.join() {
        Ok(loaded) => loaded,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_loaded_once_and_goes_when_another_is_wanted_and_nobody_uses_it() {
        let (things, budget) = (LoadedThings::default(), Budget::new(100));
        let mut loads = 0;
        let mut get = |digest: &str| {
            things.get(digest, &budget, &mut || {
                loads += 1;
                Ok((Arc::new(digest.to_owned()) as Shared, 40))
            })
        };
        let first = get("first").unwrap();
        assert_eq!(first.downcast_ref::<String>().unwrap(), "first");
        get("first").unwrap();
        get("second").unwrap();
        assert_eq!(budget.total(), 20, "the first is in use, the second just came");
        drop(first);
        get("third").unwrap();
        assert_eq!((budget.total(), loads), (60, 3));
        let failing = things.get("fourth", &budget, &mut || Err(StageError::new("no")));
        assert_eq!((failing.unwrap_err().message.as_str(), budget.total()), ("no", 100));
    }
}
