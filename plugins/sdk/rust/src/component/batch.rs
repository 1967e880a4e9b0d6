//! A component of world `batch`.

use super::{NOT_CONFIGURED, plugin_interface};
use crate::bindings::batch::exports::sternlight::plugin::batch_stage::{Guest, Output, RowError};
use crate::definition::Stage;

plugin_interface!(batch, dyn Stage, CONFIGURED, Same);

impl<P: super::Defined<Stage = dyn Stage>> Guest for Exported<P> {
    fn process(ipc: Vec<u8>) -> Result<Output, String> {
        CONFIGURED.with_borrow(|configured| {
            let (definition, stage) = configured.as_ref().ok_or(NOT_CONFIGURED)?;
            let (ipc, errors) = definition.process(stage.as_ref(), &ipc).map_err(|error| error.to_string())?;
            let errors = errors.into_iter().map(|(row, message)| RowError { row, message }).collect();
            Ok(Output { ipc, errors })
        })
    }
}
