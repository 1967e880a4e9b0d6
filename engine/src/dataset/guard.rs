//! Calls into the Parquet and Arrow crates, which panic at some damaged files where they should return an error.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use parquet::errors::ParquetError;

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of this thread would become an error of [`guarded`]: then nothing needs to be printed about it.
pub fn is_guarded() -> bool {
    CATCHING.get()
}

/// Calls code of others over somebody's file; a panic becomes an error. What the call was working on must not be used
/// afterwards.
///
/// # Errors
/// Those of the call, and its panic.
pub fn guarded<T, E: From<ParquetError>>(call: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let outer = CATCHING.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(call));
    CATCHING.set(outer);
    outcome.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        let reason = text.unwrap_or_else(|| "it does not say why".to_owned());
        Err(ParquetError::General(format!("its reader gave up: {reason}")).into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_and_only_there() {
        let quiet = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let seen: Vec<Result<bool, ParquetError>> = vec![
            guarded(|| Ok(is_guarded())),
            guarded(|| panic!("index {} of {}", 7, 3)),
            guarded(|| panic!("no")),
            guarded(|| Err(ParquetError::EOF("short".to_owned()))),
        ];
        std::panic::set_hook(quiet);
        let told: Vec<String> =
            seen.into_iter().map(|one| one.map_or_else(|error| error.to_string(), |seen| seen.to_string())).collect();
        assert!(!is_guarded());
        insta::assert_snapshot!(told.join("\n"), @"
        true
        Parquet error: its reader gave up: index 7 of 3
        Parquet error: its reader gave up: no
        EOF: short
        ");
    }
}
