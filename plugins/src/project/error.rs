//! Why a project was not made, or not built.

/// What went wrong, and what may help.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ProjectError {
    /// What went wrong. Several lines where a program that was run said more.
    pub message: String,
    /// What may help.
    pub help: Option<String>,
    /// Whether something was asked for that cannot be, rather than something having failed.
    pub is_wrong_request: bool,
}

impl ProjectError {
    /// Something asked for that cannot be.
    pub(super) fn wrong(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, is_wrong_request: true }
    }

    /// Something that failed.
    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, is_wrong_request: false }
    }

    /// A file or folder with which something did not work.
    pub(super) fn file(what: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::failed(format!("cannot {what} `{}`: {error}", path.display()))
    }

    /// The same, with what may help.
    #[must_use]
    pub(super) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}
