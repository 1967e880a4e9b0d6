//! Calls into a plugin under trial: each is watched, and a fault names its trajectory as a run would.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use sternlight_engine::stage::StageError;

use super::answers::{Answer, answers};
use super::report::Check;
use super::rows::Rows;
use crate::fault::Fault;
use crate::guest::Guest;
use crate::stage::PluginStage;

/// Calls into one plugin.
pub(crate) struct Calls<'a> {
    pub(crate) stage: &'a PluginStage,
    taken: RefCell<Taken>,
}

/// What the calls took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Taken {
    /// The most that an instance had, in bytes.
    pub(crate) memory: u64,
    /// Of the longest call.
    pub(crate) time: Duration,
}

/// A call that came to nothing.
#[derive(Debug)]
pub(crate) struct Broken {
    /// With the trajectory at fault, if one is.
    pub(crate) message: String,
    help: Option<String>,
}

impl Broken {
    /// As a fault of a check, which knows better what to do unless the fault itself does.
    pub(crate) fn fail(self, check: &mut Check, help: &str) {
        check.fail(self.message, self.help.as_deref().unwrap_or(help));
    }
}

impl From<StageError> for Broken {
    fn from(error: StageError) -> Self {
        Self { message: error.to_string(), help: error.help }
    }
}

impl<'a> Calls<'a> {
    pub(crate) fn new(stage: &'a PluginStage) -> Self {
        Self { stage, taken: RefCell::default() }
    }

    /// What calls took until now.
    pub(crate) fn taken(&self) -> Taken {
        *self.taken.borrow()
    }

    /// A fresh instance with its options.
    ///
    /// # Errors
    /// Why it could not begin.
    pub(crate) fn start(&self) -> Result<Guest, Broken> {
        self.stage.start(self.stage.limits).map_err(|fault| Broken { message: fault.to_string(), help: fault.help() })
    }

    /// One call of an instance.
    ///
    /// # Errors
    /// A fault, for which the trajectory is searched that it is about.
    pub(crate) fn call(&self, guest: &mut Guest, rows: &Rows) -> Result<Vec<Answer>, Broken> {
        let started = Instant::now();
        let called = self.stage.call(guest, &rows.batch);
        let mut taken = self.taken.borrow_mut();
        taken.time = taken.time.max(started.elapsed());
        taken.memory = taken.memory.max(guest.memory());
        drop(taken);
        match called? {
            Ok(called) => Ok(answers(called, &rows.batch, &self.stage.contract)),
            Err(fault) => Err(self.located(fault, rows)?),
        }
    }

    /// One call of a fresh instance.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub(crate) fn fresh(&self, rows: &Rows) -> Result<Vec<Answer>, Broken> {
        self.call(&mut self.start()?, rows)
    }

    fn located(&self, fault: Fault, rows: &Rows) -> Result<Broken, Broken> {
        let broken = |name: String, fault: Fault| Broken { message: format!("{name}{fault}"), help: fault.help() };
        if !fault.is_of_one_row() || rows.units.is_empty() {
            return Ok(broken(String::new(), fault));
        }
        Ok(match self.stage.culprit(&rows.batch, &rows.units, fault.clone(), rows.batch.rows())? {
            Some((unit, fault)) if unit.len() == 1 => {
                broken(format!("trajectory `{}`: ", rows.batch.name_of(unit.start)), fault)
            }
            Some((unit, fault)) => {
                let group = rows.batch.text("group_id").map_or("", |ids| ids.value(unit.start));
                broken(format!("group `{group}`: "), fault)
            }
            None => broken("no trajectory by itself, but all together: ".to_owned(), fault),
        })
    }
}
