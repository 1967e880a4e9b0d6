//! What the host gives every plugin: lines among the run's events, and figures of the stage.
//! Outside of a component (in tests) both go to standard error.

#[cfg(target_arch = "wasm32")]
use crate::bindings::batch::sternlight::plugin::host;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Shown by a verbose run only.
    Debug,
    /// Worth knowing.
    Info,
    /// Probably not as it should be.
    Warn,
    /// Not as it should be. It stops nothing: return an error to fail a row.
    Error,
}

/// A line among the run's events, under the stage's name.
#[cfg(target_arch = "wasm32")]
pub fn log(level: Level, message: &str) {
    let level = match level {
        Level::Debug => host::Level::Debug,
        Level::Info => host::Level::Info,
        Level::Warn => host::Level::Warn,
        Level::Error => host::Level::Error,
    };
    host::log(level, message);
}

/// A line among the run's events, under the stage's name.
#[cfg(not(target_arch = "wasm32"))]
pub fn log(level: Level, message: &str) {
    eprintln!("{level:?}: {message}");
}

/// A figure of this stage: the run shows its mean by name.
#[cfg(target_arch = "wasm32")]
pub fn metric(name: &str, value: f64) {
    host::metric(name, value);
}

/// A figure of this stage: the run shows its mean by name.
#[cfg(not(target_arch = "wasm32"))]
pub fn metric(name: &str, value: f64) {
    eprintln!("{name} = {value}");
}
