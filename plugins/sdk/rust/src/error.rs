//! Why a row has no value, as plugins say it.

use std::fmt;

/// What a plugin's function returns.
pub type Result<T> = std::result::Result<T, Error>;

/// A message for whoever reads the run's report. Every error of the standard kind becomes one by `?`, its causes included.
pub struct Error(String);

impl Error {
    /// An error with this message.
    pub fn new(message: impl fmt::Display) -> Self {
        Self(message.to_string())
    }
}

impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            message.push_str(&format!(": {error}"));
            cause = error.source();
        }
        Self(message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Returns from the function with an [`Error`] whose message is written as by [`format!`].
#[macro_export]
macro_rules! fail {
    ($($message:tt)*) => {
        return Err($crate::Error::new(format!($($message)*)))
    };
}
