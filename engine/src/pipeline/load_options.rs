//! What loading a pipeline depends on besides its text.

use std::path::Path;

/// What loading depends on besides the text.
pub struct LoadOptions<'a> {
    /// `params.NAME=VALUE`, as `--set` takes them.
    pub set: &'a [String],
    /// Reads an environment variable.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// Directory of the pipeline file: relative input paths begin here.
    pub directory: &'a Path,
    /// Where the command runs: relative output paths begin here.
    pub current_directory: &'a Path,
}
