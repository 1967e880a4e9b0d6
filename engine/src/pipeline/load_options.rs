//! What loading a pipeline depends on besides its text.

use std::collections::BTreeSet;
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
    /// Which iteration of the loop the stages are built for, if there is a loop.
    pub iteration: u64,
    /// The stages that are built, by name; `None`: all. Others are known by their names alone.
    pub only: Option<&'a BTreeSet<String>>,
}
