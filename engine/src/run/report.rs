//! What a run came to, well or not.

use crate::event::StageResult;
use crate::stage::StageError;
use crate::store::StoreError;

/// Why a run did not end well.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A stage could not finish.
    #[error("stage `{stage}`: {source}")]
    Stage {
        /// Its name.
        stage: String,
        /// Why.
        #[source]
        source: StageError,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Somebody stopped it. What was committed stays.
    #[error("interrupted")]
    Interrupted,
    /// The worker threads could not be started.
    #[error("cannot start threads to work with: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// The run's name.
    pub run: String,
    /// Its stages' results, in the order in which they ran.
    pub stages: Vec<StageResult>,
    /// Seconds it took.
    pub seconds: f64,
}
