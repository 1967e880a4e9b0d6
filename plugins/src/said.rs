//! What a plugin says and measures on its way into the run: lines to the program's log and among the run's events, warnings
//! and figures to the stage.

use sternlight_engine::stage::{Context, LogLevel};

use crate::bindings::sternlight::plugin::host::Level;
use crate::figures::Figures;
use crate::state::State;

/// Sentences of a plugin that are kept as warnings of a shard.
const WARNINGS: usize = 16;

/// Passes on what was said and measured in an instance's last call, figures by what came before and what `is_own`.
pub(crate) fn pass_on(
    state: &State,
    stage: &str,
    plugin: &str,
    (figures, is_own): (&mut Figures, &dyn Fn(&str) -> bool),
    context: &mut Context,
) {
    for (level, line) in &state.lines {
        match level {
            Level::Debug => {}
            Level::Info => context.say(LogLevel::Info, line),
            Level::Warn => context.say(LogLevel::Warning, line),
            Level::Error => context.say(LogLevel::Error, line),
        }
        match level {
            Level::Debug => tracing::debug!(stage, plugin, "{line}"),
            Level::Info => tracing::info!(stage, plugin, "{line}"),
            Level::Warn | Level::Error if context.warnings.len() < WARNINGS => {
                let warning = format!("plugin `{plugin}`: {line}");
                if !context.warnings.contains(&warning) {
                    context.warnings.push(warning);
                }
            }
            Level::Warn | Level::Error => {}
        }
    }
    for refused in figures.pass_on(&state.figures, is_own, &mut context.metrics) {
        let warning = format!("plugin `{plugin}`: {refused}");
        if !context.warnings.contains(&warning) {
            context.warnings.push(warning);
        }
    }
}
