//! What is seen while a run goes on: bars on a terminal, plain lines otherwise, events for programs.

use std::io::IsTerminal as _;
use std::io::Write as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sternlight_engine::event::{Event, Record, StageResult};

use crate::arguments::Common;
use crate::{style, summary};

/// Shows events as they come.
pub(crate) struct Progress {
    json: bool,
    quiet: bool,
    bar: ProgressBar,
}

impl Progress {
    pub(crate) fn new(common: &Common) -> Self {
        let visible = !common.json && !common.quiet && std::io::stderr().is_terminal();
        let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("  {msg:<14} {bar:30} {pos} of {len} parts {elapsed}") {
            bar.set_style(style);
        }
        Self { json: common.json, quiet: common.quiet, bar }
    }

    pub(crate) fn observe(&self, record: &Record) {
        if self.json {
            if let Ok(line) = serde_json::to_string(record) {
                // A reader that went away must not stop the run: its result is in the store.
                let _ = writeln!(std::io::stdout().lock(), "{line}");
            }
            return;
        }
        if self.quiet {
            return;
        }
        match &record.event {
            Event::StageStarted { stage, parts, cached } => {
                self.bar.set_length(*parts as u64);
                self.bar.set_position(*cached as u64);
                self.bar.set_message(stage.clone());
                self.bar.enable_steady_tick(Duration::from_millis(200));
            }
            // The other steps prepare parts.
            Event::PartFinished { step, .. } if step == "map" || step == "gather" => self.bar.inc(1),
            Event::StageFinished(result) => self.bar.suspend(|| print_result(result)),
            Event::Retried { stage, label, attempt, reason, wait, .. } => self.bar.suspend(|| {
                let retry = format!("{stage}: `{label}`: {reason}; retry {attempt} in {wait} s");
                anstream::eprintln!("  {}{retry}", style::warning("warning: "));
            }),
            Event::RunStarted { .. }
            | Event::Quarantined { .. }
            | Event::Logged { .. }
            | Event::PartFinished { .. }
            | Event::StageFailed { .. }
            | Event::RunFailed { .. }
            | Event::RunFinished { .. } => {}
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn print_result(result: &StageResult) {
    let work = match (result.cached, result.computed) {
        (_, 0) => "cached".to_owned(),
        (0, parts) => {
            format!("computed {parts} {}, {:.2} s", if parts == 1 { "part" } else { "parts" }, result.seconds)
        }
        (cached, parts) => format!("computed {parts} of {} parts, {:.2} s", cached + parts, result.seconds),
    };
    anstream::eprintln!("  {:<14} {:>9} trajectories  {}", result.stage, result.rows, style::dim(work));
    if result.quarantined > 0 {
        let aside = summary::trajectories(result.quarantined);
        anstream::eprintln!("  {}{}: put {aside} aside", style::warning("warning: "), result.stage);
    }
    for warning in &result.warnings {
        anstream::eprintln!("  {}{}: {warning}", style::warning("warning: "), result.stage);
    }
}
