//! What components export, a world a file, from a plugin's definition.

pub mod batch;
pub mod environment;
pub mod relabel;

use crate::definition::Definition;

/// Who has a definition: each plugin's own type, made by the macros.
pub trait Defined {
    /// What the plugin becomes when it is configured.
    type Stage: ?Sized;

    /// The plugin.
    fn definition() -> Definition<Self::Stage>;
}

/// Implements the interface `plugin` as a world's bindings have it: the types are the same, but each world has its own.
macro_rules! plugin_interface {
    ($world:ident, $stage:ty, $configured:ident, $rows:ident) => {
        use crate::bindings::$world::exports::sternlight::plugin::plugin as wit;

        /// The exports of a plugin.
        pub struct Exported<P>(std::marker::PhantomData<P>);

        thread_local! {
            /// The plugin of this instance, once it is configured.
            static $configured: std::cell::RefCell<Option<(crate::Definition<$stage>, Box<$stage>)>> =
                const { std::cell::RefCell::new(None) };
        }

        impl<P: super::Defined<Stage = $stage>> wit::Guest for Exported<P> {
            fn describe() -> wit::Description {
                let definition = P::definition();
                wit::Description {
                    name: definition.name.to_owned(),
                    version: definition.version.to_owned(),
                    summary: definition.summary.to_owned(),
                    config_schema: (definition.schema)(),
                }
            }

            fn configure(config: String) -> Result<wit::Contract, String> {
                // A panic ends the component; what it says would otherwise be lost.
                std::panic::set_hook(Box::new(|panic| crate::log(crate::Level::Error, &panic.to_string())));
                let definition = P::definition();
                let stage = (definition.configure)(&config).map_err(|error| error.to_string())?;
                let columns = |columns: crate::definition::Columns| -> Vec<wit::Column> {
                    let column = |(path, data_type): &(&str, &str)| wit::Column {
                        path: (*path).to_owned(),
                        data_type: (*data_type).to_owned(),
                    };
                    columns.iter().map(column).collect()
                };
                let contract = wit::Contract {
                    scope: if definition.grouped { wit::Scope::Group } else { wit::Scope::Trajectory },
                    rows: if definition.selects { wit::Rows::Subset } else { wit::Rows::$rows },
                    state: if definition.keeps_state { wit::State::Reused } else { wit::State::Fresh },
                    reads: columns(definition.reads),
                    adds: columns(definition.adds),
                    drops: Vec::new(),
                };
                $configured.set(Some((definition, stage)));
                Ok(contract)
            }
        }
    };
}
use plugin_interface;

/// What a host hears that calls a stage before `configure`.
const NOT_CONFIGURED: &str = "the host did not call `configure`";
