//! What the stages of a run share.

use std::path::Path;
use std::sync::OnceLock;

use super::budget::Budget;
use super::loaded::LoadedThings;
use super::options::RunOptions;
use crate::event::Event;
use crate::stage::StageError;
use crate::store::{Exchange, Store, StoreError};

/// What the stages of a run share.
pub(crate) struct RunScope<'a> {
    pub(crate) store: &'a Store,
    pub(crate) options: &'a RunOptions,
    pub(crate) budget: Budget,
    pub(crate) loaded: LoadedThings,
    exchange: OnceLock<Exchange>,
}

/// What making something again needs of the run.
pub(crate) struct MakingAgain<'a> {
    pub(crate) scope: &'a RunScope<'a>,
    pub(crate) plan: &'a Path,
    pub(crate) run_id: &'a str,
    pub(crate) tell: &'a (dyn Fn(Event) -> Result<(), StageError> + Sync),
}

impl<'a> RunScope<'a> {
    pub(crate) fn new(store: &'a Store, options: &'a RunOptions) -> Self {
        Self {
            store,
            options,
            budget: Budget::new(options.memory),
            loaded: LoadedThings::default(),
            exchange: OnceLock::new(),
        }
    }

    /// Removes what was exchanged, which nobody needs once every stage has its result: by this run, or by one that did
    /// not come so far.
    pub(crate) fn clear(self) -> Result<(), StoreError> {
        self.exchange.into_inner().map_or_else(|| self.store.clear_exchange(), Exchange::clear)
    }

    /// Where rows lie that shards and partitions exchange.
    pub(crate) fn exchange(&self) -> Result<&Store, StageError> {
        let exchange = match self.exchange.get() {
            Some(exchange) => exchange,
            None => {
                let exchange = self.store.exchange()?;
                self.exchange.get_or_init(|| exchange)
            }
        };
        Ok(exchange.store())
    }
}
