//! What a component of world `batch` exports, from a plugin's definition.

use std::cell::RefCell;
use std::marker::PhantomData;

use crate::bindings::batch::exports::sternlight::plugin::batch_stage::{Guest as BatchGuest, Output, RowError};
use crate::bindings::batch::exports::sternlight::plugin::plugin::{
    Column, Contract, Description, Guest as PluginGuest, Rows, Scope, State,
};
use crate::definition::{Columns, Definition, Stage};
use crate::host::{Level, log};

/// Who has a definition: each plugin's own type, made by the macros.
pub trait Defined {
    /// The plugin.
    fn definition() -> Definition;
}

/// The exports of a plugin.
pub struct Exported<P>(PhantomData<P>);

thread_local! {
    /// The plugin of this instance, once it is configured.
    static CONFIGURED: RefCell<Option<(Definition, Box<dyn Stage>)>> = const { RefCell::new(None) };
}

impl<P: Defined> PluginGuest for Exported<P> {
    fn describe() -> Description {
        let definition = P::definition();
        Description {
            name: definition.name.to_owned(),
            version: definition.version.to_owned(),
            summary: definition.summary.to_owned(),
            config_schema: (definition.schema)(),
        }
    }

    fn configure(config: String) -> Result<Contract, String> {
        // A panic ends the component; what it says would otherwise be lost.
        std::panic::set_hook(Box::new(|panic| log(Level::Error, &panic.to_string())));
        let definition = P::definition();
        let stage = (definition.configure)(&config).map_err(|error| error.to_string())?;
        let contract = Contract {
            scope: if definition.grouped { Scope::Group } else { Scope::Trajectory },
            rows: Rows::Same,
            state: State::Fresh,
            reads: columns(definition.reads),
            adds: columns(definition.adds),
            drops: Vec::new(),
        };
        CONFIGURED.set(Some((definition, stage)));
        Ok(contract)
    }
}

impl<P: Defined> BatchGuest for Exported<P> {
    fn process(ipc: Vec<u8>) -> Result<Output, String> {
        CONFIGURED.with_borrow(|configured| {
            let (definition, stage) = configured.as_ref().ok_or("the host did not call `configure`")?;
            let (ipc, errors) = definition.process(stage.as_ref(), &ipc).map_err(|error| error.to_string())?;
            let errors = errors.into_iter().map(|(row, message)| RowError { row, message }).collect();
            Ok(Output { ipc, errors })
        })
    }
}

fn columns(columns: Columns) -> Vec<Column> {
    let column =
        |(path, data_type): &(&str, &str)| Column { path: (*path).to_owned(), data_type: (*data_type).to_owned() };
    columns.iter().map(column).collect()
}
