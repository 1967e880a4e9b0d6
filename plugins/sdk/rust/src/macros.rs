//! The macros that make a plugin of a function: a definition, for tests, and the component's exports. Words behind the
//! columns, such as `keeps_state`, are functions of [`Definition`](crate::Definition) that are called on it.

/// Makes a reward of `fn score(trajectory: &Trajectory, config: &Config) -> Result<f32>` (or `Result<Option<f32>>`).
///
/// `reads` names the columns that it looks at, with their types; no others are sent to it.
///
/// ```
/// use sternlight_plugin::{NoConfig, Result, Trajectory, reward};
///
/// fn few_turns(trajectory: &Trajectory, _: &NoConfig) -> Result<f32> {
///     Ok(1.0 / (1.0 + trajectory.turns().len() as f32))
/// }
///
/// reward!(few_turns, reads: ["turns.action": "utf8"]);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! reward {
    ($function:path, reads: [$($path:literal: $type:literal),* $(,)?] $(, $quality:ident)* $(,)?) => {
        $crate::__plugin!(batch, Stage, $crate::kinds::reward($function, &[$(($path, $type)),*])$(.$quality())*);
    };
}

/// Makes a reward of `fn score(trajectory: &Trajectory, config: &Config) -> Result<Outcome>`, which rewards turns too.
#[macro_export]
macro_rules! reward_with_turns {
    ($function:path, reads: [$($path:literal: $type:literal),* $(,)?] $(, $quality:ident)* $(,)?) => {
        $crate::__plugin!(batch, Stage, $crate::kinds::reward_with_turns($function, &[$(($path, $type)),*])$(.$quality())*);
    };
}

/// Makes a reflection of `fn reflect(trajectory: &Trajectory, config: &Config) -> Result<Vec<Reflection>>`, one a turn.
#[macro_export]
macro_rules! reflect {
    ($function:path, reads: [$($path:literal: $type:literal),* $(,)?] $(, $quality:ident)* $(,)?) => {
        $crate::__plugin!(batch, Stage, $crate::kinds::reflect($function, &[$(($path, $type)),*])$(.$quality())*);
    };
}

/// Makes an advantage of `fn advantage(group: &[Trajectory], config: &Config) -> Result<Advantages>`.
#[macro_export]
macro_rules! advantage {
    ($function:path, reads: [$($path:literal: $type:literal),* $(,)?] $(, $quality:ident)* $(,)?) => {
        $crate::__plugin!(batch, Stage, $crate::kinds::advantage($function, &[("group_id", "utf8"), $(($path, $type)),*])$(.$quality())*);
    };
}

/// Makes a plugin of `fn process(batch: &Batch, config: &Config) -> Result<Output>`: any columns in, any columns out. To
/// add columns of turns it must read one.
///
/// With `selects` in the place of `adds` it is a filter, of `fn keep(batch: &Batch, config: &Config) -> Result<Vec<bool>>`:
/// the trajectories with `true` stay. With `grouped` behind that it sees whole groups.
#[macro_export]
macro_rules! batch {
    (
        $function:path,
        reads: [$($path:literal: $type:literal),* $(,)?],
        adds: [$($added:literal: $added_type:literal),* $(,)?]
        $(, $quality:ident)* $(,)?
    ) => {
        $crate::__plugin!(
            batch, Stage,
            $crate::kinds::batch($function, &[$(($path, $type)),*], &[$(($added, $added_type)),*])$(.$quality())*
        );
    };
    ($function:path, reads: [$($path:literal: $type:literal),* $(,)?], selects $(, $quality:ident)* $(,)?) => {
        $crate::__plugin!(batch, Stage, $crate::kinds::selection($function, &[$(($path, $type)),*])$(.$quality())*);
    };
}

/// Makes a relabeller of `fn relabel(trajectory: &Trajectory, config: &Config) -> Result<Vec<Relabelled>>`.
#[macro_export]
macro_rules! relabel {
    ($function:path, reads: [$($path:literal: $type:literal),* $(,)?] $(, $quality:ident)* $(,)?) => {
        $crate::__plugin!(relabel, kinds::Relabeller, $crate::kinds::relabel($function, &[$(($path, $type)),*])$(.$quality())*);
    };
}

/// Makes an environment of a type that implements [`Environment`](crate::Environment).
#[macro_export]
macro_rules! environment {
    ($type:ty) => {
        $crate::__plugin!(environment, kinds::Episodes, $crate::kinds::environment::<$type>());
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __plugin {
    ($world:ident, $($stage:ident)::+, $definition:expr) => {
        /// This plugin, for `sternlight_plugin::testing`.
        pub fn plugin() -> $crate::Definition<dyn $crate::$($stage)::+> {
            $definition.of_package(
                env!("CARGO_PKG_NAME"),
                env!("CARGO_PKG_VERSION"),
                env!("CARGO_PKG_DESCRIPTION"),
            )
        }

        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Component;

            impl $crate::component::Defined for Component {
                type Stage = dyn $crate::$($stage)::+;

                fn definition() -> $crate::Definition<Self::Stage> {
                    plugin()
                }
            }

            type Exported = $crate::component::$world::Exported<Component>;
            $crate::bindings::$world::export!(Exported with_types_in $crate::bindings::$world);
        };
    };
}
