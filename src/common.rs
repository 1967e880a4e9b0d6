//! What all commands take.

use std::path::PathBuf;

use clap::{ArgAction, Args};

/// More threads than any machine has cores would only cost memory.
const MAX_THREADS: i64 = 1024;

/// What the newest run is called.
pub(crate) const LAST: &str = "last";

#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Where results are kept
    #[arg(long, global = true, value_name = "DIR", default_value = ".sternlight")]
    pub(crate) store: PathBuf,
    /// Sets a parameter of the pipeline; may be given several times
    #[arg(long, global = true, value_name = "params.NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// Worker threads; 0: as many as the machine has
    #[arg(long, global = true, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(..=MAX_THREADS))]
    pub(crate) threads: u16,
    /// Prints for programs: JSON, one event a line while running
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Prints results and errors only
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Logs more; twice for still more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}
