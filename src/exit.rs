//! Exit codes, and the failures behind them.

use std::process::ExitCode;

use miette::GraphicalReportHandler;
use sternlight_engine::failure::reason;
use sternlight_engine::loading::LoadError;
use sternlight_engine::pipeline::{Diagnostic, render_plain};
use sternlight_engine::run::RunError;
use sternlight_engine::stage::StageError;
use sternlight_engine::store::StoreError;

use crate::output::{self, errln, hanging};
use crate::{style, summary};

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// What was asked for is done.
    Done = 0,
    /// A stage or the store failed.
    Failed = 1,
    /// The pipeline or the command line is wrong.
    Wrong = 2,
    /// The run is done, but put trajectories aside, and `--strict` allows none.
    PutAside = 3,
    /// Somebody stopped the run; 128 + SIGINT, as shells have it.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why the program ends otherwise than well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Faults of a pipeline, each at its place.
    Pipeline(Vec<Diagnostic>),
    /// Something the user asked for that is not there.
    Usage { message: String, help: Option<String> },
    /// A stage or the store failed.
    Failed { message: String, help: Option<String> },
    /// So many trajectories were put aside, and `--strict` allows none.
    PutAside(u64),
    /// Somebody stopped the run, which said so itself.
    Interrupted,
    /// Already told in another form: only the code is left.
    Told(Exit),
}

impl Failure {
    /// Results that stdout did not take.
    pub(crate) fn unwritten(error: &std::io::Error) -> Self {
        Self::Failed { message: format!("cannot write to stdout: {}", reason(error)), help: None }
    }

    /// Something asked for that is not there.
    pub(crate) fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), help: Some(help.into()) }
    }

    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Pipeline(_) | Self::Usage { .. } => Exit::Wrong,
            Self::Failed { .. } => Exit::Failed,
            Self::PutAside(_) => Exit::PutAside,
            Self::Interrupted => Exit::Interrupted,
            Self::Told(exit) => *exit,
        }
    }

    /// Tells programs, on stdout, what no event of a run told them: a fault a line.
    pub(crate) fn print_json(&self) {
        let lines: Vec<serde_json::Value> = match self {
            Self::Pipeline(diagnostics) => {
                diagnostics.iter().filter_map(|fault| serde_json::to_value(fault).ok()).collect()
            }
            Self::Usage { message, help } => vec![serde_json::json!({"message": message, "help": help})],
            Self::Failed { .. } | Self::PutAside(_) | Self::Interrupted | Self::Told(_) => Vec::new(),
        };
        for fault in lines {
            output::json_text(&serde_json::json!({"event": "fault", "fault": fault}).to_string());
        }
    }

    /// Tells people, on stderr.
    pub(crate) fn print(&self) {
        match self {
            Self::Pipeline(diagnostics) => print_diagnostics(diagnostics),
            Self::Usage { message, help } | Self::Failed { message, help } => {
                errln!("{}{}", style::error("error: "), hanging(message));
                if let Some(help) = help {
                    errln!("{}{}", style::help("help: "), hanging(help));
                }
            }
            Self::PutAside(count) => {
                let aside = summary::trajectories(*count);
                errln!("{}{aside} put aside, and `--strict` allows none", style::error("error: "));
            }
            Self::Interrupted => {
                errln!("interrupted; what was computed is kept: run the same command to go on");
            }
            Self::Told(_) => {}
        }
    }
}

/// Prints every diagnostic with its place: as plain lines, or drawn on a terminal.
pub(crate) fn print_diagnostics(diagnostics: &[Diagnostic]) {
    let drawn = style::is_coloured(&std::io::stderr());
    for diagnostic in diagnostics {
        let mut text = String::new();
        let handler = GraphicalReportHandler::new().with_links(false);
        match drawn && handler.render_report(&mut text, diagnostic.printable().as_ref()).is_ok() {
            true => output::err_drawn(&format!("{text}\n")),
            false => errln!("{}", render_plain(diagnostic)),
        }
    }
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == miette::Severity::Error).count();
    if errors > 0 {
        errln!("{}{errors} {}", style::error("error: "), if errors == 1 { "problem" } else { "problems" });
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Failed { message: error.to_string(), help: Some(error.help().to_owned()) }
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Pipeline(errors) => Self::Pipeline(errors.into_iter().collect()),
            LoadError::Origin { message, help } => Self::Usage { message, help },
        }
    }
}

impl From<StageError> for Failure {
    fn from(error: StageError) -> Self {
        Self::Failed { message: error.to_string(), help: error.help }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Interrupted => Self::Interrupted,
            RunError::Store(error) => error.into(),
            RunError::Stage { ref source, .. } => {
                Self::Failed { help: source.help.clone(), message: error.to_string() }
            }
            RunError::Threads(_) => Self::Failed { message: error.to_string(), help: None },
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Failed { message: format!("cannot write JSON: {error}"), help: None }
    }
}
